package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rein/cmd/rein/internal/view"
	"rein/engine"
)

func (a *app) whyCmd() *cobra.Command {
	var l loadFlags
	var not bool
	c := &cobra.Command{
		Use:   "why [FILE|DIR] STEP",
		Short: "Say why a step would run: the first input that differs from its nearest past run",
		Long: `why compares a step's key with the nearest one of the past and names what differs, with the old and the new value.
With --not it lists what keeps a cached step cached: each of these would have to change for it to run.
It writes nothing.

EXIT STATUS
  0  explained
  2  there is no such step, or a pipeline file is wrong`,
		Example: `  rein why pipelines/hybrid.hcl variations
  rein why --not pipelines/hybrid.hcl baseline`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := a.load(args[:len(args)-1], &l)
			if err != nil {
				return err
			}
			store, err := a.store(true)
			if err != nil {
				return err
			}
			defer store.Close()
			pipeline, step, ok := strings.Cut(args[len(args)-1], "/")
			if !ok {
				pipeline, step = "", pipeline
			}
			e, err := engine.Why(c.Context(), p.Graph, a.engineOptions(store), pipeline, strings.TrimPrefix(step, "step."))
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, e)
			}
			t := a.table(a.out)
			explain(t, view.NewPalette(a.color(a.out)), e, not)
			return t.Write(a.out)
		},
	}
	l.register(c)
	a.complete(c, &l)
	files, names := c.ValidArgsFunction, a.completeSteps(&l)
	c.ValidArgsFunction = func(c *cobra.Command, args []string, part string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return files(c, args, part)
		}
		return names(c, args, part)
	}
	c.Flags().BoolVar(&not, "not", false, "what would have to change for a cached step to run")
	c.Flags().BoolVar(&a.json, "json", false, "as JSON")
	return c
}

// explain adds an explanation to a table: what would run, then the first input that differs, then what it waits for.
func explain(t *view.Table, paint view.Palette, e *engine.Explanation, not bool) {
	t.Line(paint.Bold, fmt.Sprintf("%s/%s (%s): %s", e.Pipeline, e.Step, e.Type, planWords[e.Status]))
	if e.Nearest != nil && len(e.Changes) > 0 {
		past := e.Nearest.Pipeline + "/" + e.Nearest.Step
		if e.Nearest.Pipeline == e.Pipeline && e.Nearest.Step == e.Step {
			past = "its run"
		}
		t.Line(nil, fmt.Sprintf("  differs from %s of %s in:", past, e.Nearest.Made.Local().Format("2006-01-02 15:04")))
		for _, c := range e.Changes {
			t.Line(nil, "    "+c.String())
		}
	} else {
		for _, r := range e.Reasons {
			t.Line(nil, "  "+r)
		}
	}
	if not || e.Status == engine.PlanCached && len(e.Facts) > 0 {
		t.Line(nil, "  it stays cached until one of these changes:")
		for _, f := range e.Facts {
			t.Line(nil, "    "+f)
		}
	}
	for _, u := range e.Upstream {
		t.Line(nil, "")
		explain(t, paint, u, false)
	}
}
