// Package review holds new rows to a person's judgement: a sample of each method is looked at, what is rejected leaves the
// data, and the share that was accepted is reported with an interval.
package review

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/text"
	"rein/steps/stats"
)

// Config says how much is looked at.
type Config struct {
	Share   float64 `hcl:"share,optional" default:"0.10" doc:"Share of the rows of each method that a person looks at."`
	Require bool    `hcl:"require,optional" default:"false" doc:"Stop the run (a verdict) until all of them are decided. Otherwise a note says how many are missing."`
	Seed    int     `hcl:"seed,optional" default:"1" doc:"Of the choice."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	if !(c.Share > 0 && c.Share <= 1) {
		return fmt.Errorf("share: %v is not between 0 and 1", c.Share)
	}
	return nil
}

// In is what the step reads.
type In struct {
	Rows      artifact.Rows `port:"rows" doc:"new rows"`
	Decisions artifact.File `port:"decisions,optional" doc:"the CSV file that rein review writes"`
}

// Out is what the step makes.
type Out struct {
	Rows   artifact.Rows   `port:"rows" doc:"the rows without the rejected ones, with corrected labels"`
	Sample artifact.Rows   `port:"sample" doc:"the rows to look at"`
	Report artifact.Report `port:"report" doc:"what was accepted, by method"`
}

// Step is the "review" step type.
var Step = steps.New("review", 1, "Let a person look at a sample of new rows; drop what they reject.", run, steps.Example(`step "review" "reviewed" {
  rows      = step.variations.rows
  decisions = "review.csv" # rein review FILE writes it
  require   = true
}`))

// Method is what was decided on the rows of one method.
type Method struct {
	Sampled  int             `json:"sampled"`
	Accepted int             `json:"accepted"`
	Rejected int             `json:"rejected"`
	Relabel  int             `json:"relabelled"`
	Rate     *stats.Interval `json:"acceptance"` // of the decided ones
}

func (m Method) decided() int { return m.Accepted + m.Rejected + m.Relabel }

func run(_ context.Context, env *steps.Env, c Config, in In) (Out, error) {
	rows, err := in.Rows.Read()
	if err != nil {
		return Out{}, err
	}
	decisions := Decisions{}
	if in.Decisions.Path != "" {
		if decisions, err = ReadDecisions(in.Decisions.Path); err != nil {
			return Out{}, err
		}
	}
	sample := Sample(rows, c)
	methods := map[string]*Method{}
	missing := 0
	for _, r := range sample {
		m := methods[r.Method]
		if m == nil {
			m = &Method{}
			methods[r.Method] = m
		}
		m.Sampled++
		switch d, ok := decisions[r.ID]; {
		case !ok:
			missing++
		case d.Verdict == Accept:
			m.Accepted++
		case d.Verdict == Reject:
			m.Rejected++
		default:
			m.Relabel++
		}
	}
	if c.Require && missing > 0 {
		return Out{}, steps.Verdictf("%d of %d sampled rows are not reviewed yet: rein review FILE, then run again", missing, len(sample))
	}
	if missing > 0 {
		env.Notef("%d of %d sampled rows are not reviewed", missing, len(sample))
	}
	kept := apply(rows, decisions)
	if err := report(env, methods, len(rows)-len(kept)); err != nil {
		return Out{}, err
	}
	out := Out{Report: artifact.Report{Path: env.Out("report")}}
	if out.Rows, err = artifact.WriteRows(env.Out("rows"), kept); err != nil {
		return out, err
	}
	out.Sample, err = artifact.WriteRows(env.Out("sample"), sample)
	return out, err
}

// apply drops rejected rows and corrects labels, whether they were sampled or not.
func apply(rows []artifact.Row, decisions Decisions) []artifact.Row {
	var out []artifact.Row
	for _, r := range rows {
		d := decisions[r.ID]
		if d.Verdict == Reject {
			continue
		}
		if d.Verdict == Relabel {
			r.Label = d.Label
		}
		out = append(out, r)
	}
	return out
}

func report(env *steps.Env, methods map[string]*Method, dropped int) error {
	var all Method
	for _, name := range slices.Sorted(maps.Keys(methods)) {
		m := methods[name]
		if n := m.decided(); n > 0 {
			rate := stats.Wilson(m.Accepted, n)
			m.Rate = &rate
			env.Logf("%s: %d of %d accepted (%.0f-%.0f%%)", cmp.Or(name, "(none)"), m.Accepted, n, 100*rate.Low, 100*rate.High)
		}
		all.Sampled, all.Accepted = all.Sampled+m.Sampled, all.Accepted+m.Accepted
		all.Rejected, all.Relabel = all.Rejected+m.Rejected, all.Relabel+m.Relabel
	}
	env.Metric("review_sampled", float64(all.Sampled))
	env.Metric("review_decided", float64(all.decided()))
	env.Metric("review_dropped", float64(dropped))
	if n := all.decided(); n > 0 {
		rate := stats.Wilson(all.Accepted, n)
		env.Metric("review_acceptance", rate.Value)
		env.Metric("review_acceptance_low", rate.Low)
		env.Metric("review_acceptance_high", rate.High)
	}
	b, err := json.MarshalIndent(struct {
		Methods map[string]*Method `json:"methods"`
		Dropped int                `json:"dropped"`
	}{methods, dropped}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(env.Out("report"), append(b, '\n'), 0o644)
}

// Sample chooses the rows to look at: a share of each method, at least one, in the order of the rows. A row's chance
// depends on its id alone, so new rows don't shuffle the old ones out.
func Sample(rows []artifact.Row, c Config) []artifact.Row {
	byMethod := map[string][]int{}
	chance := make([]uint64, len(rows))
	for i, r := range rows {
		byMethod[r.Method] = append(byMethod[r.Method], i)
		chance[i] = text.RNG(int64(c.Seed), "review", r.ID).Uint64()
	}
	var chosen []int
	for _, members := range byMethod {
		slices.SortFunc(members, func(a, b int) int { return cmp.Or(cmp.Compare(chance[a], chance[b]), cmp.Compare(a, b)) })
		n := max(int(math.Round(c.Share*float64(len(members)))), 1)
		chosen = append(chosen, members[:n]...)
	}
	slices.Sort(chosen)
	out := make([]artifact.Row, len(chosen))
	for i, at := range chosen {
		out[i] = rows[at]
	}
	return out
}
