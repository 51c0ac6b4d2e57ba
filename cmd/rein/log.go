package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rein/cache"
	"rein/cmd/rein/internal/runlog"
	"rein/cmd/rein/internal/view"
	"rein/engine/record"
	"rein/pipelines/human"
	"rein/steps/metric"
)

// logFlags say which runs are listed, and what of them.
type logFlags struct {
	n        int
	metrics  []string
	pipeline string
	format   string
	chart    string
}

func (a *app) logCmd() *cobra.Command {
	var f logFlags
	c := &cobra.Command{
		Use:   "log",
		Short: "List past runs, the newest first, with their revisions and figures",
		Long: `log lists past runs. With --metrics, --pipeline or --chart it has a line for each pipeline of a run, with its figures:
the FP rate over the last 20 commits is one command. A * after a revision says that there were uncommitted changes.
rein show RUN shows one run.

EXIT STATUS
  0  always, unless the state folder can't be read (3)
  2  the command line is wrong`,
		Example: "  rein log -n 5\n  rein log --metrics fp_rate,recall --pipeline hybrid\n  rein log --chart fp_rate --pipeline hybrid\n  rein log --metrics fp_rate --format csv -n 0",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.log(&f) },
	}
	fl := c.Flags()
	fl.IntVarP(&f.n, "number", "n", 20, "at most `N` runs; 0 for all")
	fl.StringSliceVar(&f.metrics, "metrics", nil, "these figures of each pipeline: `METRIC,...`")
	fl.StringVar(&f.pipeline, "pipeline", "", "only runs of the pipeline with this `NAME`")
	fl.StringVar(&f.chart, "chart", "", "draw this `METRIC` over the runs")
	fl.StringVar(&f.format, "format", "table", "`FORMAT`: table, json or csv")
	fl.BoolVar(&a.json, "json", false, "the whole records as JSON")
	must(c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json", "csv"}, cobra.ShellCompDirectiveNoFileComp)))
	must(c.RegisterFlagCompletionFunc("metrics", cobra.FixedCompletions(metric.Names(), cobra.ShellCompDirectiveNoFileComp)))
	must(c.RegisterFlagCompletionFunc("chart", cobra.FixedCompletions(metric.Names(), cobra.ShellCompDirectiveNoFileComp)))
	return c
}

func (a *app) log(f *logFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	store, err := a.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	if a.json {
		return a.logRecords(store, f.n)
	}
	runs, broken, err := runlog.History(store, f.n, f.metrics, func(s runlog.Summary) bool {
		return f.pipeline == "" || slices.ContainsFunc(s.Pipelines, func(p runlog.PipelineSummary) bool { return p.Name == f.pipeline })
	})
	if err != nil {
		return err
	}
	a.leftOut(broken)
	switch {
	case f.format != "table":
		return f.write(a.out, figuresOf(runs, f.pipeline))
	case len(runs) == 0 && f.pipeline != "":
		fmt.Fprintf(a.err, "no run has a pipeline %q\n", f.pipeline)
		return nil
	case len(runs) == 0:
		fmt.Fprintln(a.err, "no runs yet; rein run makes the first")
		return nil
	case f.chart != "":
		return a.logChart(figuresOf(runs, f.pipeline), f.chart)
	case len(f.metrics) > 0 || f.pipeline != "":
		return a.logFigures(figuresOf(runs, f.pipeline), f.metrics)
	}
	return a.logTable(runs)
}

// check reads the names of metrics and refuses invalid combinations of flags.
func (f *logFlags) check() error {
	if err := notNegative("--number", f.n); err != nil {
		return err
	}
	if !slices.Contains([]string{"table", "json", "csv"}, f.format) {
		return configError(fmt.Errorf("--format %q: want table, json or csv", f.format))
	}
	for i, m := range f.metrics {
		f.metrics[i] = metric.Canonical(m)
	}
	if f.chart != "" {
		f.chart = metric.Canonical(f.chart)
		if len(f.metrics) > 0 || f.format != "table" {
			return configError(errors.New("--chart draws one metric for a person: leave --metrics and --format out"))
		}
		f.metrics = []string{f.chart}
	}
	if len(f.metrics) == 0 && (f.pipeline != "" || f.format != "table") {
		f.metrics = []string{"fp_rate", "tp_rate"}
	}
	return nil
}

// logRecords prints whole records.
func (a *app) logRecords(store *cache.Store, n int) error {
	runs, broken, err := readRuns(store, n)
	if err != nil {
		return err
	}
	a.leftOut(broken)
	return writeJSON(a.out, runs)
}

func (a *app) leftOut(broken []error) {
	for _, err := range broken {
		fmt.Fprintf(a.err, "note: left out: %v\n", err)
	}
}

// readRuns reads the newest n run records (0: all), newest first. broken are the runs that can't be read.
func readRuns(store *cache.Store, n int) (runs []*record.Run, broken []error, err error) {
	ids, err := store.Runs()
	if err != nil {
		return nil, nil, err
	}
	slices.Reverse(ids)
	runs = []*record.Run{}
	for _, id := range ids {
		if n > 0 && len(runs) == n {
			break
		}
		r, err := runlog.Read(store, id)
		if err != nil {
			broken = append(broken, err)
			continue
		}
		runs = append(runs, r)
	}
	return runs, broken, nil
}

func (a *app) logTable(runs []runlog.Summary) error {
	t, paint := a.table(a.out), human.NewPalette(a.color(a.out))
	t.Painted(paint.Dim, "run", "started", "took", "outcome", "revision", "steps", "pipelines")
	for _, r := range runs {
		var names []string
		for _, p := range r.Pipelines {
			names = append(names, p.Name)
		}
		row := t.Row
		if r.Outcome != "pass" {
			row = func(cells ...string) { t.Painted(paint.Warn, cells...) }
		}
		row(r.ID, human.Time(r.Started), human.Duration(r.Ended.Sub(r.Started)), r.Outcome, view.Revision(r.Git), view.StatusText(r.Statuses), strings.Join(names, " "))
	}
	return t.Write(a.out)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// writeJSONLine writes v as one line of JSON.
func writeJSONLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func milliseconds(ms int64) string { return human.Duration(time.Duration(ms) * time.Millisecond) }
