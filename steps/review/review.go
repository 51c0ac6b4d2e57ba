// Package review lets a person judge new rows. The person looks at a sample of each method's rows. Rejected rows leave the data, and the
// share of accepted rows is reported with an interval.
package review

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
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

// Config says how many rows are looked at, and how many must be accepted.
type Config struct {
	Share   float64 `hcl:"share,optional" default:"0.10" doc:"Share of the rows of each method that a person looks at."`
	Require bool    `hcl:"require,optional" default:"false" doc:"Whether the run stops (a verdict) until all of them are decided. If false, a note says how many are not."`
	Seed    int     `hcl:"seed,optional" default:"1" doc:"Seed of the choice of rows."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	if !(c.Share > 0 && c.Share <= 1) {
		return fmt.Errorf("share: %v is not between 0 and 1", c.Share)
	}
	return nil
}

// In holds the inputs of the step.
type In struct {
	Rows      artifact.Rows `port:"rows" doc:"new rows"`
	Decisions artifact.File `port:"decisions,absent" doc:"the CSV file that rein review writes; if it doesn't exist yet, nothing is decided"`
}

// Out holds the outputs of the step.
type Out struct {
	Rows   artifact.Rows   `port:"rows" doc:"the rows without the rejected ones, with corrected labels"`
	Sample artifact.Rows   `port:"sample" doc:"the rows to look at"`
	Report artifact.Report `port:"report" doc:"the accepted share, by method"`
}

// Step is the "review" step type.
var Step = steps.New("review", 3, "Let a person look at a sample of new rows, and drop the rejected ones.", run, steps.Stage(steps.Data), steps.Passes("rows"), steps.Example(`step "review" "reviewed" {
  rows      = step.variations.rows
  decisions = "review.csv" # rein review FILE writes it
  require   = true
}`))

// Method counts the decisions on the rows of one method.
type Method struct {
	Sampled  int             `json:"sampled"`
	Accepted int             `json:"accepted"`
	Rejected int             `json:"rejected"`
	Relabel  int             `json:"relabelled"`
	Rate     *stats.Interval `json:"acceptance"` // share of accepted rows among the decided ones
}

func (m Method) decided() int { return m.Accepted + m.Rejected + m.Relabel }

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	decisions := Decisions{}
	var err error
	if in.Decisions.Path != "" {
		if decisions, err = ReadDecisions(in.Decisions.Path); err != nil {
			return Out{}, err
		}
	}
	sample, err := Sample(ctx, in.Rows, c)
	if err != nil {
		return Out{}, err
	}
	methods, missing := count(sample, decisions)
	if c.Require && missing > 0 {
		return Out{}, steps.Verdictf("%d of %d sampled rows are not reviewed yet: rein review FILE, then run again", missing, len(sample))
	}
	if missing > 0 {
		env.Notef("%d of %d sampled rows are not reviewed", missing, len(sample))
	}
	out := Out{Rows: artifact.Rows{Path: env.Out("rows")}, Report: artifact.Report{Path: env.Out("report")}}
	dropped, found, err := apply(ctx, in.Rows, decisions, out.Rows.Path)
	if err != nil {
		return Out{}, err
	}
	if stale := len(decisions) - found; stale > 0 {
		env.Metric("review_stale", float64(stale))
		env.Notef("%d decisions are on rows that are not there (any more); they change nothing", stale)
	}
	if err := report(env, methods, dropped); err != nil {
		return Out{}, err
	}
	out.Sample, err = artifact.WriteRows(env.Out("sample"), sample)
	return out, err
}

// count counts the decisions on the sample by method, and the rows without one.
func count(sample []artifact.Row, decisions Decisions) (methods map[string]*Method, missing int) {
	methods = map[string]*Method{}
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
	return methods, missing
}

// apply writes the rows to path, without the rejected ones and with corrected labels. Decisions on rows outside the sample count, too.
// found is the number of decisions whose row exists.
func apply(ctx context.Context, rows artifact.Rows, decisions Decisions, path string) (dropped, found int, err error) {
	w, err := artifact.NewWriter[artifact.Row](path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	seen := map[string]bool{}
	for r, err := range rows.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return 0, 0, err
		}
		d, ok := decisions[r.ID]
		if ok {
			seen[r.ID] = true
		}
		if d.Verdict == Reject {
			dropped++
			continue
		}
		if d.Verdict == Relabel && d.Label != r.Label {
			r.Label, r.Category = d.Label, "" // the category belonged to the old label
		}
		if err := w.Write(r); err != nil {
			return 0, 0, err
		}
	}
	return dropped, len(seen), nil
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

// Sample chooses the rows to look at: a share of each method's rows, at least one, in the order of the rows. It ranks them by a hash of
// their ids, so new rows hardly change which of the old ones are chosen. Sample reads the rows twice and never holds all of them.
func Sample(ctx context.Context, rows artifact.Rows, c Config) ([]artifact.Row, error) {
	d := draw{seed: int64(c.Seed), methods: map[string][]ticket{}}
	for r, err := range rows.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		d.add(r)
	}
	chosen, at := d.winners(c.Share), int32(0)
	out := make([]artifact.Row, 0, len(chosen))
	for r, err := range rows.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		if len(out) == len(chosen) {
			break
		}
		if chosen[len(out)] == at {
			out = append(out, r)
		}
		at++
	}
	return out, nil
}

// draw holds a pseudo-random number for each row, by method. The rows with the lowest numbers are chosen.
type draw struct {
	seed    int64
	rows    int32
	methods map[string][]ticket
}

type ticket struct {
	number uint64
	row    int32
}

func (d *draw) add(r artifact.Row) {
	d.methods[r.Method] = append(d.methods[r.Method], ticket{text.RNG(d.seed, "review", r.ID).Uint64(), d.rows})
	d.rows++
}

// winners returns the indexes of the chosen rows, in rising order.
func (d *draw) winners(share float64) []int32 {
	var out []int32
	for _, tickets := range d.methods {
		slices.SortFunc(tickets, func(a, b ticket) int { return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.row, b.row)) })
		for _, t := range tickets[:max(int(math.Round(share*float64(len(tickets)))), 1)] {
			out = append(out, t.row)
		}
	}
	slices.Sort(out)
	return out
}
