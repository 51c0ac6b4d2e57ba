// Package sample chooses rows: by stratum, without replacement, the same for the same seed.
package sample

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// Config says which rows to choose.
type Config struct {
	Size   int                `hcl:"size" doc:"How many rows to choose. Where there are fewer, all are taken and a note says so."`
	By     string             `hcl:"by,optional" default:"category" enum:"category,source,label,method" doc:"The column that names a row's stratum."`
	Quotas map[string]float64 `hcl:"quotas,optional" doc:"Share of each stratum. A stratum that isn't named gets nothing. Empty: in proportion to what there is."`
	Order  string             `hcl:"order,optional" default:"random" enum:"random,score,spread" doc:"Within a stratum: by chance, highest score first, or spread over clusters of near-duplicates (one of each before a second of any)."`
	Seed   int                `hcl:"seed,optional" default:"1" doc:"Of the chance."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	if c.Size < 0 {
		return fmt.Errorf("size: %d is negative", c.Size)
	}
	var sum float64
	for name, q := range c.Quotas {
		if !(q >= 0) {
			return fmt.Errorf("quotas: %q is %v; want a share of 0 or more", name, q)
		}
		sum += q
	}
	if len(c.Quotas) > 0 && (sum < 0.99 || sum > 1.01) {
		return fmt.Errorf("quotas: the shares add up to %.4g; want 1", sum)
	}
	return nil
}

// In is what the step reads.
type In struct {
	Rows artifact.Rows `port:"rows" doc:"the rows to choose from"`
}

// Out is what the step makes.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"the chosen rows, in the order in which they came"`
}

// Step is the "sample" step type.
var Step = steps.New("sample", 1, "Choose rows by stratum, without replacement.", run, steps.Example(`step "sample" "sampled" {
  rows   = step.false_positives.rows
  size   = 2500
  quotas = { "context manipulation" = 0.43, "semantic jailbreak" = 0.26, "obfuscated command" = 0.19, "other" = 0.12 }
}`))

func run(_ context.Context, env *steps.Env, c Config, in In) (Out, error) {
	rows, err := in.Rows.Read()
	if err != nil {
		return Out{}, err
	}
	if len(rows) == 0 {
		return Out{}, errors.New("there are no rows to choose from")
	}
	strata := map[string][]int{}
	for i, r := range rows {
		s := stratum(r, c.By)
		strata[s] = append(strata[s], i)
	}
	sizes := map[string]int{}
	for s, members := range strata {
		sizes[s] = len(members)
	}
	quota, notes := Allot(c.Size, sizes, c.Quotas)
	for _, n := range notes {
		env.Notef("%s", n)
	}
	var chosen []int
	for _, s := range sorted(strata) {
		order(strata[s], rows, c)
		chosen = append(chosen, strata[s][:quota[s]]...)
	}
	slices.Sort(chosen)
	out := make([]artifact.Row, len(chosen))
	for i, at := range chosen {
		out[i] = rows[at]
	}
	env.Metric("unique_fps", float64(len(out)))
	env.Metric("available_fps", float64(len(rows)))
	env.Metric("coverage", float64(len(out))/float64(len(rows)))
	for _, s := range sorted(strata) {
		env.Logf("%s: %d of %d", name(s), quota[s], sizes[s])
	}
	written, err := artifact.WriteRows(env.Out("rows"), out)
	return Out{written}, err
}

func stratum(r artifact.Row, by string) string {
	switch by {
	case "source":
		return r.Source
	case "label":
		return r.Label
	case "method":
		return r.Method
	}
	return r.Category
}

// order puts a stratum's rows (positions) into the order in which they are taken.
func order(members []int, rows []artifact.Row, c Config) {
	chance := map[int]uint64{}
	for _, i := range members {
		chance[i] = text.RNG(int64(c.Seed), "sample", rows[i].ID, rows[i].Text).Uint64()
	}
	byChance := func(a, b int) int { return cmp.Or(cmp.Compare(chance[a], chance[b]), cmp.Compare(a, b)) }
	slices.SortFunc(members, byChance)
	switch c.Order {
	case "score":
		slices.SortStableFunc(members, func(a, b int) int { return cmp.Compare(rows[b].Score, rows[a].Score) })
	case "spread":
		round := rounds(members, rows)
		slices.SortStableFunc(members, func(a, b int) int { return cmp.Compare(round[a], round[b]) })
	}
}

// rounds numbers the members of each near-duplicate cluster from 0.
func rounds(members []int, rows []artifact.Row) map[int]int {
	near, round, size := text.NewNear(0.5), map[int]int{}, map[int]int{}
	for _, i := range members {
		sig := text.Sign(rows[i].Text)
		first, _, ok := near.FindSignature(sig)
		if !ok {
			first = i
			near.AddSignature(i, sig)
		}
		round[i] = size[first]
		size[first]++
	}
	return round
}
