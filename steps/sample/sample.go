// Package sample chooses rows by stratum, without replacement. The same seed gives the same rows. The step reads the rows twice and never
// holds all of them.
package sample

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
)

// Config says which rows to choose.
type Config struct {
	Size   int                `hcl:"size,optional" doc:"Number of rows to choose. If there are fewer, all are taken and a note says so. It may be left out if counts is set."`
	By     string             `hcl:"by,optional" default:"category" enum:"category,source,label,method,role,channel,length" doc:"The column that names a row's stratum; length is short (under 40 characters), medium (under 200) or long."`
	Counts map[string]int     `hcl:"counts,optional" doc:"Exact number of rows of each stratum, in place of quotas. If a stratum has too few, no other stratum makes up for it."`
	Quotas map[string]float64 `hcl:"quotas,optional" doc:"Share of each stratum. A stratum that isn't named gets nothing. Empty: in proportion to the strata's numbers of rows."`
	Order  string             `hcl:"order,optional" default:"random" enum:"random,score,spread" doc:"Order within a stratum. random: at random; score: highest threat score first; spread: one row of each cluster of near-duplicates before a second row of any."`
	Seed   int                `hcl:"seed,optional" default:"1" doc:"Seed of the random choices."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	check.Want(c.Size >= 0, "size: %d is negative", c.Size)
	check.Want(len(c.Counts) == 0 || len(c.Quotas) == 0 && c.Size <= 0, "counts: they stand in place of size and quotas")
	check.Want(len(c.Counts) > 0 || c.Size != 0, "size: say how many rows to choose")
	for _, name := range slices.Sorted(maps.Keys(c.Counts)) {
		check.Want(c.Counts[name] >= 0, "counts: %q is %d; want 0 or more", name, c.Counts[name])
	}
	var sum float64
	for _, name := range slices.Sorted(maps.Keys(c.Quotas)) {
		check.Want(c.Quotas[name] >= 0, "quotas: %q is %v; want a share of 0 or more", name, c.Quotas[name])
		sum += c.Quotas[name]
	}
	check.Want(len(c.Quotas) == 0 || sum >= 0.99 && sum <= 1.01, "quotas: the shares add up to %.4g; want 1", sum)
	return check.Err()
}

// In holds the inputs of the step.
type In struct {
	Rows    artifact.Rows `port:"rows" doc:"the rows to choose from"`
	Reserve artifact.Rows `port:"reserve,optional" doc:"rows that stand in if there are fewer than size; those with the highest scores are taken first"`
}

// Out holds the output of the step.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"the chosen rows in their original order, followed by those of the reserve"`
}

// Step is the "sample" step type.
var Step = steps.New("sample", 4, "Choose rows by stratum, without replacement.", run, steps.Stage(steps.Data), steps.Passes("rows"), steps.Example(`step "sample" "sampled" {
  rows   = step.false_positives.rows
  size   = 2500
  quotas = { "context manipulation" = 0.43, "semantic jailbreak" = 0.26, "obfuscated command" = 0.19, "other" = 0.12 }
}`))

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	f := newField(c)
	for r, err := range in.Rows.All() {
		if err != nil {
			return Out{}, err
		}
		f.add(r)
		if f.rows%4096 == 0 && ctx.Err() != nil {
			return Out{}, ctx.Err()
		}
	}
	quota, notes := c.quota(f.sizes())
	for _, n := range notes {
		env.Notef("%s", n)
	}
	chosen := f.choose(quota)
	spare, err := c.standIns(ctx, env, in.Reserve, len(chosen))
	if err != nil {
		return Out{}, err
	}
	if len(chosen)+len(spare) == 0 {
		env.Notef("there are no rows to choose from")
	}
	w, err := artifact.NewWriter[artifact.Row](env.Out("rows"))
	if err != nil {
		return Out{}, err
	}
	if err := errors.Join(write(ctx, w, in.Rows, chosen), write(ctx, w, in.Reserve, spare), w.Close()); err != nil {
		return Out{}, err
	}
	f.report(env, quota, chosen)
	return Out{artifact.Rows{Path: env.Out("rows")}}, nil
}

// quota returns how many rows are taken from each stratum.
func (c Config) quota(available map[string]int) (quota map[string]int, notes []string) {
	if len(c.Counts) == 0 {
		return Allot(c.Size, available, c.Quotas)
	}
	quota = map[string]int{}
	for _, s := range sorted(c.Counts) {
		if quota[s] = min(c.Counts[s], available[s]); quota[s] < c.Counts[s] {
			notes = append(notes, fmt.Sprintf("stratum %s: asked for %d rows, there are %d", name(s), c.Counts[s], available[s]))
		}
	}
	return quota, notes
}

// write copies the rows with the given indexes, which are in rising order.
func write(ctx context.Context, w *artifact.Writer[artifact.Row], rows artifact.Rows, chosen []int32) error {
	if len(chosen) == 0 {
		return nil
	}
	at, next := int32(0), 0
	for r, err := range rows.All() {
		if err != nil {
			return err
		}
		if next == len(chosen) {
			break
		}
		if chosen[next] == at {
			if err := w.Write(r); err != nil {
				return err
			}
			next++
		}
		if at++; at%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (f *field) report(env *steps.Env, quota map[string]int, chosen []int32) {
	if f.rows > 0 && !f.scored { // the rows have no scores, so they are no model's false positives
		env.Metric("sampled_rows", float64(len(chosen)))
	} else {
		env.Metric("unique_fps", float64(len(chosen)))
		env.Metric("available_fps", float64(f.rows))
		if f.rows > 0 {
			env.Metric("coverage", float64(len(chosen))/float64(f.rows))
		}
	}
	if f.clusters > 0 {
		covered := map[int32]bool{}
		for _, at := range chosen {
			covered[f.cluster[at]] = true
		}
		env.Metric("clusters", float64(f.clusters))
		env.Metric("cluster_coverage", float64(len(covered))/float64(f.clusters))
	}
	sizes := f.sizes()
	for _, s := range sorted(sizes) {
		env.Logf("%s: %d of %d", name(s), quota[s], sizes[s])
	}
	for _, s := range sorted(f.c.Quotas) {
		if slices.Contains(sorted(sizes), s) || f.c.Quotas[s] == 0 {
			continue
		}
		env.Logf("%s: 0 of 0", name(s))
	}
}
