package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rein/cmd/rein/internal/runlog"
	"rein/cmd/rein/internal/view"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/lang"
	"rein/steps/score"
)

// compareFlags say what to run and how to show it.
type compareFlags struct {
	load    loadFlags
	run     runFlags
	noRun   bool
	control bool
	format  string
	out     string
	require string
	details bool
	sweep   sweepFlags
	against string // name of a champion
	view    render.Options
}

func (a *app) compareCmd() *cobra.Command {
	var f compareFlags
	c := &cobra.Command{
		Use:   "compare [FILE|DIR]...",
		Short: "Run what is missing, then put the strategies side by side",
		Long: `compare runs what isn't cached and puts the strategies side by side: the recommended one first, with the rows that the
choice rests on. --all has every row, --details the paired tests and the rule too, and --out report.html all of it with
charts. Without arguments, and without a folder "pipelines", it compares the strategies that are built in.

EXIT STATUS
  0    compared, whatever it recommends
  1    with --require approve: no strategy is approved
  2    the command line or a pipeline file is wrong
  3    nothing could be compared
  130  interrupted; what was finished is kept`,
		Example: `  rein compare pipelines
  rein compare --out report.html
  rein compare --no-run --format json
  rein compare --no-run --all
  rein compare --controls --details
  rein compare --against champion pipelines/hybrid.hcl
  rein compare --sweep variations=4,6,8,10,12 pipelines/hybrid.hcl
  rein compare --sweep variations=4..12..2 --design race --var folds=5 --budget 20m pipelines/hybrid.hcl
  rein compare --var train=data/prompts.jsonl --require approve`,
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			f.format, err = formatFor(c, f.format, f.out, map[string]string{".txt": "table", ".md": "markdown", ".html": "html", ".json": "json"})
			if err != nil {
				return err
			}
			return a.compare(c.Context(), args, &f)
		},
	}
	f.load.register(c)
	a.complete(c, &f.load)
	f.run.registerRun(c)
	a.registerExecutor(c, &f.load, &f.run.executor)
	must(c.RegisterFlagCompletionFunc("force", a.completeSteps(&f.load)))
	fl := c.Flags()
	fl.BoolVar(&f.noRun, "no-run", false, "compare what past runs measured; start nothing")
	fl.BoolVar(&f.control, "controls", false, "add to each strategy an arm with as many plain copies in the place of variations")
	fl.StringArrayVar(&f.sweep.sweep, "sweep", nil, "give a variable several values, a column for each: `NAME=V,V,...` or NAME=FROM..TO..STEP; several of them are crossed")
	fl.StringVar(&f.against, "against", "", "add what was promoted under this `NAME` (rein promote) as a column")
	fl.StringVar(&f.sweep.design, "design", "", "`DESIGN` of a sweep: full (every combination), fractional (a balanced part of them) or race (points that are shown to lose are dropped between folds or seeds)")
	fl.IntVar(&f.sweep.seeds, "seeds", 0, "cross a sweep with this `NUMBER` of seeds: the variable seed is 1, 2, and so on")
	fl.StringVar(&f.format, "format", "table", "`FORMAT`: table, markdown, html or json; without it the ending of --out says")
	fl.StringVarP(&f.out, "out", "o", "", "write to this `FILE`")
	fl.StringVar(&f.require, "require", "", "exit with 1 unless some strategy has this `VERDICT` (approve)")
	fl.StringSliceVar(&f.view.Rows, "rows", nil, "only rows whose name or section has one of these `WORDS`")
	fl.StringVar(&f.view.SortBy, "sort", "", "order the strategies by this `ROW`")
	fl.BoolVar(&f.view.All, "all", false, "every row, not those alone that answer which strategy to ship")
	fl.BoolVar(&f.details, "details", false, "every row; also print concerns, paired tests, what the steps said, the plan's contradictions and the money")
	fl.BoolVar(&f.view.Transpose, "transpose", false, "strategies as rows")
	fixed := func(flag string, values ...string) {
		must(c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
	}
	fixed("format", "table", "markdown", "html", "json")
	fixed("design", lang.Designs...)
	fixed("require", compare.Approve)
	must(c.RegisterFlagCompletionFunc("against", completeChampions))
	must(c.RegisterFlagCompletionFunc("sweep", a.completeVariables(&f.load)))
	return c
}

func (a *app) compare(ctx context.Context, args []string, f *compareFlags) error {
	write, err := a.matrixWriter(ctx, f)
	if err != nil {
		return err
	}
	if f.require != "" && f.require != compare.Approve {
		return configError(fmt.Errorf("--require %q: want approve", f.require))
	}
	p, controls, err := a.loadForCompare(ctx, args, f)
	if err != nil {
		return err
	}
	var sweeps []compare.Sweep
	var dropped []record.Pipeline
	if !f.control {
		if p, sweeps, err = a.withSweeps(p, args, &f.load, &f.sweep); err != nil {
			return err
		}
		if p, dropped, err = a.races(ctx, p, sweeps, f); err != nil {
			return err
		}
	}
	rec, err := a.measured(ctx, p, f)
	if err != nil {
		return err
	}
	rec = append(rec, dropped...)
	store, err := a.store(f.noRun) // with a run, what is worked out is kept
	if err != nil {
		return err
	}
	defer store.Close()
	if f.against != "" {
		c, err := a.against(store, f.against)
		if err != nil {
			return err
		}
		rec = append(rec, c)
	}
	result, err := compare.Compute(ctx, compare.Input{Pipelines: rec, Blobs: store, Memo: store, Program: thisProgram(),
		Scorers: openScorer, Controls: controls, Sweeps: sweeps})
	if err != nil {
		return err
	}
	measured := slices.ContainsFunc(result.Strategies, func(s *compare.Strategy) bool { return s.Missing == nil })
	if measured || f.format != "table" || result.Baseline.Step != "" && result.Baseline.Missing == nil { // a table of blanks would hide the reason why there are no figures
		err := a.writeOut(f.out, func(w io.Writer) error { return write(w, result) })
		var option *render.OptionError
		if errors.As(err, &option) {
			return configError(err)
		} else if err != nil {
			return err
		}
	}
	if !measured {
		return nothingMeasured(result)
	}
	if f.require == "" || slices.ContainsFunc(result.Strategies, func(s *compare.Strategy) bool { return s.Verdict == f.require }) {
		return nil
	}
	return &exitError{exitVerdict, errors.New("no strategy is approved")}
}

// nothingMeasured says why there is nothing to compare.
func nothingMeasured(r *compare.Result) error {
	text := "nothing was measured, so nothing could be compared"
	var reasons []string
	names := map[string][]string{}
	for _, s := range r.Strategies {
		why := render.Missing(s.Missing)
		if names[why] == nil {
			reasons = append(reasons, why)
		}
		names[why] = append(names[why], s.Name)
	}
	for _, reason := range reasons {
		text += fmt.Sprintf("\n  %s: %s", strings.Join(names[reason], ", "), reason)
	}
	return &exitError{exitFault, errors.New(text)}
}

func openScorer(ctx context.Context, model string) (compare.Scorer, error) {
	s, err := score.Open(ctx, model)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// loadForCompare loads the strategies and, with --controls, the pipelines that are derived from them. It doesn't need the user's data if
// nothing is run.
func (a *app) loadForCompare(ctx context.Context, args []string, f *compareFlags) (*lang.Program, map[string]string, error) {
	var p *lang.Program
	var err error
	f.load.anew = len(f.sweep.sweep) > 0 // which asks for the variables' types
	if f.noRun {
		p, err = a.load(args, &f.load)
	} else {
		p, err = a.loadToRun(ctx, args, &f.load)
	}
	if err != nil || !f.control {
		return p, nil, err
	}
	return a.withControls(p, args, &f.load) // they read what their strategies read
}

// matrixWriter is how the comparison is written.
func (a *app) matrixWriter(ctx context.Context, f *compareFlags) (func(io.Writer, *compare.Result) error, error) {
	switch f.format {
	case "table":
		return func(w io.Writer, r *compare.Result) error {
			o := f.view
			o.Brief = !f.details
			_, o.Width = isTerminal(w)
			o.Color = a.color(w)
			if o.All || f.details {
				o.Past = a.past(r)
			}
			return render.Table(w, r, o)
		}, nil
	case "markdown":
		return func(w io.Writer, r *compare.Result) error { return render.Markdown(w, r, f.view) }, nil
	case "html":
		return func(w io.Writer, r *compare.Result) error {
			o := f.view
			o.Past = a.past(r)
			o.Facts = append(o.Facts, time.Now().Format("2 January 2006"))
			if g := gitFacts(ctx, "."); g.Revision != "" {
				o.Facts = append(o.Facts, "commit "+view.Revision(g))
			}
			return render.HTML(ctx, w, r, o)
		}, nil
	case "json":
		return render.JSON, nil
	}
	return nil, configError(fmt.Errorf("--format %q: want table, markdown, html or json", f.format))
}

// measured are the pipelines' records: of a run that is made now or, with --no-run, of past ones. A step that failed or said no leaves
// blanks in the matrix; the other strategies are still compared.
func (a *app) measured(ctx context.Context, p *lang.Program, f *compareFlags) ([]record.Pipeline, error) {
	if f.noRun {
		store, err := a.store(true)
		if err != nil {
			return nil, err
		}
		defer store.Close()
		return a.results(ctx, store, p)
	}
	f.run.keepGoing = true
	rec, err := a.run(ctx, p, &f.run)
	var status *exitError
	switch {
	case rec == nil:
		return nil, err
	case errors.As(err, &status) && status.code == exitInterrupted:
		return nil, err
	case err != nil && err.Error() != "":
		printError(a.err, err.Error())
	}
	return rec.Pipelines, nil
}

// mostPast is how many runs a trend goes back.
const mostPast = 60

// past are the figures of the newest runs of a comparison's strategies, oldest first. An error only means that no trend is shown.
func (a *app) past(r *compare.Result) (out []render.Past) {
	store, err := a.store(true)
	if err != nil {
		return nil
	}
	defer store.Close()
	compared := func(p runlog.PipelineSummary) bool { // a pipeline of another file may have the same name
		s := r.Strategy(p.Name)
		return s != nil && s.File == p.File
	}
	runs, _, err := runlog.History(store, mostPast, nil, func(s runlog.Summary) bool { return slices.ContainsFunc(s.Pipelines, compared) })
	if err != nil {
		return nil
	}
	for _, run := range slices.Backward(runs) {
		p := render.Past{Commit: run.Started.Local().Format("2 Jan"), Figures: map[string]map[string]compare.Figure{}}
		if run.Git.Revision != "" {
			p.Commit = view.Revision(run.Git)
		}
		for _, of := range run.Pipelines {
			if compared(of) {
				p.Figures[of.Name] = of.Figures
			}
		}
		out = append(out, p)
	}
	return out
}
