package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/lang"
	"rein/steps/metric"
)

// bisectFlags name the metric that got worse, and the versions between which to search.
type bisectFlags struct {
	load    loadFlags
	run     runFlags
	metric  string
	worseBy float64
	bad     string // lower or higher: which is worse, if the metric doesn't tell
	edit    bool
}

func (a *app) bisectCmd() *cobra.Command {
	f := bisectFlags{run: runFlags{keepGoing: true}}
	c := &cobra.Command{
		Use:   "bisect GOOD BAD FILE | --edit A.hcl B.hcl",
		Short: "Find the commit, or the setting, that made a figure worse",
		Long: `bisect walks the commits between two revisions that change what a strategy reads, runs the strategy at some of them in a
temporary worktree, and names the first commit whose figure is worse. What was run before comes from the cache, so an
interrupted search goes on where it was. A commit counts as bad where a paired test on the same rows shows it to be worse
than GOOD, as good where it is shown to be better than BAD, and is passed over where neither is shown. A figure without
rows to test counts as bad where it is nearer to BAD's than to GOOD's. With --worse-by, bad is what is worse than GOOD by
at least that much.

With --edit it compares two files: which of the variables that they set differently makes the difference.

EXIT STATUS
  0  found
  1  the figure isn't worse at BAD, or the commits can't be told apart
  2  the command line, a revision or a pipeline file is wrong
  3  a fault`,
		Example: `  rein bisect v1.2 main pipelines/hybrid.hcl --metric fp_rate
  rein bisect HEAD~20 HEAD p.hcl --metric words --bad lower
  rein bisect --edit pipelines/balanced.hcl pipelines/hybrid.hcl --metric fp_rate`,
		Args: func(c *cobra.Command, args []string) error {
			if f.edit {
				return cobra.ExactArgs(2)(c, args)
			}
			return cobra.ExactArgs(3)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			if f.edit {
				return a.bisectEdit(c.Context(), args[0], args[1], &f)
			}
			return a.bisect(c.Context(), args[0], args[1], args[2], &f)
		},
	}
	f.load.register(c)
	a.completeRevisions(c, &f.load, 2)
	fl := c.Flags()
	fl.StringVar(&f.metric, "metric", "fp_rate", "the figure (`METRIC`) that got worse")
	fl.Float64Var(&f.worseBy, "worse-by", 0, "bad is what is worse than GOOD by at least this `DIFFERENCE`")
	fl.StringVar(&f.bad, "bad", "", "which `VALUES` of the metric are bad, where that isn't known: lower or higher")
	fl.BoolVar(&f.edit, "edit", false, "compare two files: which setting makes the difference")
	fl.IntVarP(&f.run.jobs, "jobs", "j", 0, "`N` steps at a time (default: the number of cores)")
	must(c.RegisterFlagCompletionFunc("metric", cobra.FixedCompletions(metric.Names(), cobra.ShellCompDirectiveNoFileComp)))
	must(c.RegisterFlagCompletionFunc("bad", cobra.FixedCompletions([]string{"lower", "higher"}, cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// check finds the metric and its bad direction.
func (f *bisectFlags) check(c *cobra.Command) error {
	if f.worseBy < 0 {
		return configError(fmt.Errorf("--worse-by %g: want a number above 0", f.worseBy))
	}
	if f.bad != "" && f.bad != "lower" && f.bad != "higher" {
		return configError(fmt.Errorf("--bad %q: want lower or higher", f.bad))
	}
	m, known := metric.Lookup(f.metric)
	if known {
		f.metric = m.Name
	}
	if f.bad == "" {
		switch m.Better {
		case metric.Lower:
			f.bad = "higher"
		case metric.Higher:
			f.bad = "lower"
		default:
			return configError(fmt.Errorf("--metric %s: nothing says which of its values are bad; give --bad lower or --bad higher", f.metric))
		}
	}
	return nil
}

// tried is a strategy as it was run for the search.
type tried struct {
	label    string
	pipeline record.Pipeline
	value    float64
	missing  string // why there is no value
}

// judged is what a tried one is.
type judged int

const (
	unclear judged = iota
	good
	bad
)

// judge tells what x is between the two ends.
func (f *bisectFlags) judge(ctx context.Context, blobs compare.Blobs, begin, end, x tried) (judged, string, error) {
	if x.missing != "" {
		return unclear, x.missing, nil
	}
	worse := func(than tried) float64 { // how much x is worse
		if f.bad == "lower" {
			return than.value - x.value
		}
		return x.value - than.value
	}
	figure := render.Format(f.metric, compare.Figure{Value: x.value})
	if f.worseBy > 0 {
		if worse(begin) >= f.worseBy {
			return bad, figure, nil
		}
		return good, figure, nil
	}
	against, err := testOf(ctx, blobs, begin, x, f.metric)
	if err != nil {
		return unclear, "", err
	}
	if against == nil || against.Conclusion == compare.Incomparable {
		if worse(begin) > -worse(end) { // nearer to the bad end
			return bad, figure, nil
		}
		return good, figure, nil
	}
	if x.value == begin.value || against.Conclusion == compare.Better {
		return good, figure, nil
	}
	if against.Conclusion == compare.Worse {
		return bad, figure, nil
	}
	if against, err = testOf(ctx, blobs, end, x, f.metric); err != nil {
		return unclear, "", err
	}
	switch {
	case x.value == end.value:
		return bad, figure, nil
	case against != nil && against.Conclusion == compare.Better:
		return good, figure, nil
	}
	return unclear, figure + ", not shown to differ from either end", nil
}

// testOf is the paired test of b against a on a metric; nil if they have no rows in common.
func testOf(ctx context.Context, blobs compare.Blobs, a, b tried, name string) (*compare.Test, error) {
	pa, pb := a.pipeline, b.pipeline
	pa.Name, pb.Name = "before", "after"
	r, err := compare.Compute(ctx, compare.Input{Pipelines: []record.Pipeline{pa, pb}, Blobs: blobs})
	if err != nil {
		return nil, err
	}
	return r.TestOf("before", "after", name), nil
}

// try runs a loaded pipeline and reads its figure.
func (a *app) try(ctx context.Context, p *lang.Program, label string, f *bisectFlags) (tried, error) {
	out := tried{label: label}
	for _, pipe := range p.Graph.Pipelines {
		pipe.Outputs = nil // a search publishes nothing
	}
	quiet := a.quiet
	a.quiet = true
	rec, err := a.run(ctx, p, &f.run)
	a.quiet = quiet
	switch {
	case ctx.Err() != nil:
		return out, &exitError{exitInterrupted, errors.New("interrupted; what was run is kept: the same command goes on from there")}
	case rec == nil:
		return out, err
	}
	out.pipeline = rec.Pipelines[0]
	s, err := compare.Summarize(out.pipeline)
	if err != nil {
		return out, err
	}
	v, ok := s.Figures[f.metric]
	if !ok {
		out.missing = "it doesn't measure " + f.metric
		for _, st := range out.pipeline.Steps {
			if st.Status == string(engine.StatusFailed) {
				out.missing = fmt.Sprintf("step %s failed: %s", st.Name, firstLine(st.Error))
			}
		}
	}
	out.value = v.Value
	return out, nil
}
