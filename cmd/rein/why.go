package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rein/engine"
	"rein/pipelines/human"
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
			pipeline, step := cutPipeline(args[len(args)-1])
			e, err := engine.Why(c.Context(), p.Graph, a.engineOptions(store), pipeline, step)
			if only := args[0]; err != nil && len(args) == 1 && exists(only) && (pipeline != "" || strings.HasSuffix(only, ".hcl")) {
				return configError(fmt.Errorf("%s is a path and no step: rein why %[1]s STEP", shellWord(only)))
			}
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, e)
			}
			t := a.table(a.out)
			explain(t, human.NewPalette(a.color(a.out)), e, not)
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

// cutPipeline reads STEP, step.STEP or PIPELINE/STEP. A for_each key may contain a slash: STEP["a/b"].
func cutPipeline(arg string) (pipeline, step string) {
	name, _, _ := strings.Cut(arg, "[")
	if at := strings.IndexByte(name, '/'); at >= 0 {
		pipeline, arg = arg[:at], arg[at+1:]
	}
	return pipeline, strings.TrimPrefix(arg, "step.")
}

// explain adds an explanation to a table: first what would run, then the first input that differs, then what it waits for.
func explain(t *human.Table, paint human.Palette, e *engine.Explanation, not bool) {
	t.Line(paint.Bold, fmt.Sprintf("%s/%s (%s): %s", e.Pipeline, e.Step, e.Type, planWords[e.Status]))
	past := ""
	if e.Nearest != nil {
		past = "its run"
		if e.Nearest.Pipeline != e.Pipeline || e.Nearest.Step != e.Step {
			past = e.Nearest.Pipeline + "/" + e.Nearest.Step
		}
		past += " of " + human.Time(e.Nearest.Made)
	}
	switch {
	case past != "" && len(e.Changes) > 0:
		t.Line(nil, fmt.Sprintf("  differs from %s in:", past))
		for _, c := range e.Changes {
			t.Line(nil, "    "+c.String())
		}
	case past != "" && e.Status == engine.PlanCached && len(e.Reasons) == 0:
		t.Line(nil, "  has the result of "+past+": nothing that it depends on has changed since")
		if !not {
			t.Line(paint.Dim, "  (why --not lists what that is)")
		}
	default:
		for _, r := range e.Reasons {
			t.Line(nil, "  "+r)
		}
	}
	if not && e.Status == engine.PlanCached {
		t.Line(nil, "  it runs again when one of these changes:")
		facts(t, e.Facts)
	}
	for _, u := range e.Upstream {
		t.Line(nil, "")
		explain(t, paint, u, not)
	}
}

// factWords are the words for the kinds of a key's lines.
var factWords = []struct{ kind, word string }{{"type", "step type"}, {"input", "input"}, {"config", "arguments"}, {"fingerprint", "facts"}}

// facts lists a key by kind: short values in one paragraph, long ones on lines of their own.
func facts(t *human.Table, lines []string) {
	const short = 40
	of := map[string][]string{}
	for _, l := range lines {
		kind, rest, _ := strings.Cut(l, " ")
		switch f := strings.Fields(rest); {
		case kind == "input" && len(f) > 3:
			rest = inputFact(f)
		case kind == "type" && len(f) == 2:
			rest = strings.Trim(f[0], `"`) + ", version " + f[1]
		}
		of[kind] = append(of[kind], rest)
	}
	for _, k := range factWords {
		word := k.word
		var together []string
		row := func(text string) {
			t.Row("    "+word, text)
			word = ""
		}
		for _, f := range of[k.kind] {
			if len(f) > short || k.kind == "input" {
				row(f)
			} else {
				together = append(together, f)
			}
		}
		if len(together) > 0 {
			row(strings.Join(together, ", "))
		}
		delete(of, k.kind)
	}
	for _, kind := range sortedKeys(of) {
		for _, f := range of[kind] {
			t.Row("    "+kind, f)
		}
	}
}

// inputFact describes an input's line of a key: its port, its size, and the start of its digest.
func inputFact(f []string) string {
	size, err := strconv.ParseInt(f[3], 10, 64)
	if err != nil {
		return strings.Join(f, " ")
	}
	return fmt.Sprintf("%s  %s, %.12s", strings.Join(append([]string{f[0]}, f[4:]...), " "), human.Bytes(size), f[2])
}
