package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rein/cmd/rein/internal/view"
	"rein/engine"
)

func (a *app) planCmd() *cobra.Command {
	var l loadFlags
	var r runFlags
	var exitCode bool
	c := &cobra.Command{
		Use:   "plan [FILE|DIR]...",
		Short: "Show what would run, why, and how long it would take",
		Long: `plan says of each step whether its result is cached, and else why it would run, with a forecast of time from
past runs. It writes nothing.

EXIT STATUS
  0  planned; with --exit-code: there is nothing to do
  2  the command line or a pipeline file is wrong
  4  with --exit-code: something would run`,
		Example: `  rein plan pipelines/hybrid.hcl
  rein plan --var variations=10 --exit-code
  rein plan --json`,
		RunE: func(c *cobra.Command, args []string) error {
			f, err := a.plan(c.Context(), args, &l, &r)
			if err != nil {
				return err
			}
			if a.json {
				err = writeJSONLine(a.out, f)
			} else {
				err = printPlan(a.out, f)
			}
			if err == nil && exitCode && f.Pending() {
				return &exitError{exitPending, nil}
			}
			return err
		},
	}
	l.register(c)
	a.complete(c, &l)
	c.Flags().IntVarP(&r.jobs, "jobs", "j", 0, "steps at a time (default: the number of cores)")
	c.Flags().StringArrayVar(&r.force, "force", nil, "plan as if this `STEP` were run whatever the cache says")
	a.registerExecutor(c, &l, &r.executor)
	must(c.RegisterFlagCompletionFunc("force", a.completeSteps(&l)))
	c.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 4 if something would run")
	c.Flags().BoolVar(&a.json, "json", false, "as JSON")
	return c
}

func (a *app) plan(ctx context.Context, args []string, l *loadFlags, r *runFlags) (*engine.Forecast, error) {
	if err := notNegative("--jobs", r.jobs); err != nil {
		return nil, err
	}
	p, err := a.loadToRun(ctx, args, l)
	if err != nil {
		return nil, err
	}
	store, err := a.store(true)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	o := a.engineOptions(store)
	o.Jobs, o.Force = r.jobs, r.force
	if err := a.useExecutors(&o, p, r.executor, nil); err != nil {
		return nil, err
	}
	return engine.Plan(ctx, p.Graph, o)
}

func printPlan(w io.Writer, f *engine.Forecast) error {
	for i, p := range f.Pipelines {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s\n", p.Name)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, s := range p.Steps {
			forecast := ""
			if s.ForecastMS > 0 && s.Status != engine.PlanCached && s.Status != engine.PlanSkipped {
				forecast = "about " + milliseconds(s.ForecastMS)
			}
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", s.Name, s.Type, planWords[s.Status], forecast, strings.Join(s.Reasons, "; "))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\n%s\n", planSummary(f))
	return nil
}

// planWords are the states of a plan for people.
var planWords = map[engine.PlanStatus]string{
	engine.PlanCached: "cached", engine.PlanRun: "run", engine.PlanUnknown: "run if needed", engine.PlanSkipped: "not needed",
}

// planSummary is the plan in a line or two.
func planSummary(f *engine.Forecast) string {
	if !f.Pending() {
		return fmt.Sprintf("nothing to do: %d steps are cached", f.Cached)
	}
	out := fmt.Sprintf("%d to run, %d to run if what is before them changes, %d cached", f.Run, f.Unknown, f.Cached)
	if f.TotalMS > 0 {
		out += fmt.Sprintf("\nabout %s with %d at a time (%s to %s), %s of disk", milliseconds(f.TotalMS), f.Jobs,
			milliseconds(f.TotalLowMS), milliseconds(f.TotalHighMS), view.Bytes(f.OutputBytes))
		if len(f.CriticalPath) > 1 {
			out += fmt.Sprintf("\nlongest chain, %s: %s", milliseconds(f.CriticalMS), strings.Join(f.CriticalPath, " -> "))
		}
	}
	if f.NoHistory > 0 {
		out += fmt.Sprintf("\n%d steps have no history: the forecast leaves them out", f.NoHistory)
	}
	if f.Note != "" {
		out += "\nnote: " + f.Note
	}
	return out
}
