package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rein/engine"
	"rein/pipelines/human"
)

func (a *app) planCmd() *cobra.Command {
	var l loadFlags
	var r runFlags
	var exitCode, all bool
	c := &cobra.Command{
		Use:   "plan [FILE|DIR]...",
		Short: "Show what would run, why, and how long it would take",
		Long: `plan lists the steps whose results are not cached, and why they would run, with a forecast of time from
past runs. A step that several pipelines share is listed once. It writes nothing.

EXIT STATUS
  0  planned; with --exit-code: there is nothing to do
  2  the command line or a pipeline file is wrong
  4  with --exit-code: something would run`,
		Example: `  rein plan pipelines/hybrid.hcl
  rein plan --var variations=10 --exit-code
  rein plan --json`,
		RunE: func(c *cobra.Command, args []string) error {
			f, notes, err := a.plan(c.Context(), args, &l, &r)
			if err != nil {
				return err
			}
			if a.json {
				err = writeJSONLine(a.out, f)
			} else {
				err = a.printPlan(f, all, notes)
			}
			if err == nil && exitCode && f.Pending() {
				return &exitError{exitPending, nil}
			}
			return err
		},
	}
	l.register(c)
	a.complete(c, &l)
	c.Flags().IntVarP(&r.jobs, "jobs", "j", 0, "`N` steps at a time (default: the number of cores)")
	c.Flags().StringArrayVar(&r.force, "force", nil, "plan as if this `STEP` were run whatever the cache says")
	a.registerExecutor(c, &l, &r.executor)
	must(c.RegisterFlagCompletionFunc("force", a.completeSteps(&l)))
	c.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 4 if something would run")
	c.Flags().BoolVar(&all, "all", false, "list cached and shared steps too, and those that aren't needed")
	c.Flags().BoolVar(&a.json, "json", false, "as JSON")
	return c
}

// plan finds what would run, and notes about the data.
func (a *app) plan(ctx context.Context, args []string, l *loadFlags, r *runFlags) (*engine.Forecast, []string, error) {
	if err := notNegative("--jobs", r.jobs); err != nil {
		return nil, nil, err
	}
	if f, err := a.planAgain(ctx, args, l, r); f != nil || err != nil {
		return f, nil, err
	}
	p, err := a.loadToRun(ctx, args, l)
	if err != nil {
		return nil, nil, err
	}
	store, err := a.store(true)
	if err != nil {
		return nil, nil, err
	}
	defer store.Close()
	o := a.engineOptions(store)
	o.Jobs, o.Force, o.CheckOutputs = r.jobs, r.force, true
	if err := a.useExecutors(&o, p, r.executor, nil); err != nil {
		return nil, nil, err
	}
	f, err := engine.Plan(ctx, p.Graph, o)
	if err != nil || a.json || !f.Pending() {
		return f, nil, err
	}
	notes, err := unbalanced(ctx, store, p.Graph, f)
	if err != nil {
		return nil, nil, err
	}
	slow, err := wantGPU(ctx, p.Graph, f)
	if err != nil {
		return nil, nil, err
	}
	more, err := repeated(ctx, p.Graph, f)
	return f, slices.Concat(notes, slow, more), err
}

// planAgain is plan where there is nothing to do; nil if nobody can tell without looking at the graph.
func (a *app) planAgain(ctx context.Context, args []string, l *loadFlags, r *runFlags) (*engine.Forecast, error) {
	known, ok := a.identify(args, l)
	if !ok || !r.repeats() {
		return nil, nil
	}
	store, err := a.store(true)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	o := a.engineOptions(store)
	o.Jobs, o.Known = r.jobs, known
	f, err := engine.PlanAgain(ctx, o)
	if f != nil {
		a.tellShipped(args)
	}
	return f, err
}

// repeated names the trainings to come that train more than the model that they give, and how many more.
func repeated(ctx context.Context, g *engine.Graph, f *engine.Forecast) ([]string, error) {
	count := map[string]map[string]int{}
	err := coming(ctx, g, f, func(n *engine.Node, s engine.StepForecast, d engine.Description) error {
		if n.Traits.Stage != engine.StageTraining || !s.First {
			return nil
		}
		var c struct {
			CrossFit int    `json:"cross_fit"`
			Folds    int    `json:"threshold_folds"`
			Rule     string `json:"threshold_rule"`
			For      string `json:"threshold_for"`
		}
		if err := json.Unmarshal(d.Config, &c); err != nil {
			return err
		}
		said := ""
		switch {
		case c.CrossFit > 0:
			said = fmt.Sprintf("cross_fit = %d: %[1]d more trainings", c.CrossFit)
		case c.Folds > 0 && c.Rule == "fp_rate" && c.For == "new_sources":
			said = fmt.Sprintf("threshold_folds = %d: %[1]d more trainings", c.Folds)
		default:
			return nil
		}
		name, _, _ := strings.Cut(n.Name, "[")
		if count[said] == nil {
			count[said] = map[string]int{}
		}
		count[said][name]++
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, said := range slices.Sorted(maps.Keys(count)) {
		of := times(count[said])
		if strings.Contains(of, " ") {
			of = "each of " + of
		}
		out = append(out, fmt.Sprintf("%s for %s, each without a group of sources: the threshold rests on scores by models that haven't seen a row's source.", said, of))
	}
	return out, nil
}

// coming goes through the steps that would run, or may have to.
func coming(ctx context.Context, g *engine.Graph, f *engine.Forecast, each func(*engine.Node, engine.StepForecast, engine.Description) error) error {
	for i, p := range g.Pipelines {
		steps := make(map[string]engine.StepForecast, len(p.Nodes))
		for _, s := range f.Pipelines[i].Steps {
			steps[s.Name] = s
		}
		for _, n := range p.Nodes {
			s, ok := steps[n.Name]
			if !ok || n.NotNeeded {
				continue
			}
			if s.Status != engine.PlanRun && s.Status != engine.PlanUnknown {
				continue
			}
			d, err := n.Op.Describe(ctx)
			if err == nil {
				err = each(n, s, d)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// times lists names, with how often they occur.
func times(count map[string]int) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		if count[name] > 1 {
			name += fmt.Sprintf(" (%d times)", count[name])
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// wantGPU names the steps that take a GPU where there is one and that no forecast has a time for: without a GPU a run can take hours, and
// the plan would not show it.
func wantGPU(ctx context.Context, g *engine.Graph, f *engine.Forecast) ([]string, error) {
	count := map[string]int{}
	err := coming(ctx, g, f, func(n *engine.Node, s engine.StepForecast, d engine.Description) error {
		if s.ForecastMS == 0 && s.First && d.UsesGPU {
			name, _, _ := strings.Cut(n.Name, "[")
			count[name]++
		}
		return nil
	})
	if err != nil || len(count) == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("the forecast has no time for %s, which a GPU would speed up. Without one, a core trains an encoder of MiniLM's size on 10 to 25 rows a second, and scores about 60; "+
		"a run on a few thousand rows gives later plans a time.", times(count))}, nil
}

// typeWidth is the width of a terminal from which a plan has a column for step types.
const typeWidth = 100

// printPlan lists the steps that would run, each once even if several pipelines share it; with all = true, the other steps too.
func (a *app) printPlan(f *engine.Forecast, all bool, notes []string) error {
	t := a.table(a.out)
	paint := human.NewPalette(a.color(a.out))
	for _, p := range f.Pipelines {
		var rows [][]string
		for _, s := range p.Steps {
			waits := s.Status == engine.PlanRun || s.Status == engine.PlanUnknown
			forecast := ""
			if s.ForecastMS > 0 && waits {
				forecast = "about " + milliseconds(s.ForecastMS)
			}
			if !all && !(waits && s.First) {
				continue
			}
			row := []string{"  " + s.Name, s.Type, planWords[s.Status], forecast, strings.Join(s.Reasons, "; ")}
			if t.Width > 0 && t.Width < typeWidth {
				row = slices.Delete(row, 1, 2)
			}
			rows = append(rows, row)
		}
		t.Line(paint.Bold, p.Name+": "+planCounts(planned(p)))
		for _, r := range rows {
			if slices.Contains(r, planWords[engine.PlanRun]) {
				t.Row(r...)
			} else {
				t.Painted(paint.Dim, r...)
			}
		}
		t.Line(nil, "")
	}
	for l := range strings.Lines(planSummary(f)) {
		t.Line(nil, strings.TrimSuffix(l, "\n"))
	}
	for _, n := range notes {
		t.Line(nil, "note: "+n)
	}
	return t.Write(a.out)
}

// planned counts a pipeline's steps by status. Steps that run for another pipeline count as shared.
func planned(p engine.PipelineForecast) (counts map[engine.PlanStatus]int, shared int) {
	counts = map[engine.PlanStatus]int{}
	for _, s := range p.Steps {
		if (s.Status == engine.PlanRun || s.Status == engine.PlanUnknown) && !s.First {
			shared++
		} else {
			counts[s.Status]++
		}
	}
	return counts, shared
}

// planCounts is a pipeline's plan in a line.
func planCounts(counts map[engine.PlanStatus]int, shared int) string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(counts[engine.PlanRun], "to run")
	add(counts[engine.PlanUnknown], "to run if needed")
	add(shared, "shared with one above")
	add(counts[engine.PlanCached], planWords[engine.PlanCached])
	add(counts[engine.PlanSkipped], planWords[engine.PlanSkipped])
	return strings.Join(parts, ", ")
}

// table is a table for a stream.
func (a *app) table(w io.Writer) *human.Table {
	_, width := isTerminal(w)
	return &human.Table{Width: width}
}

// planWords are the states of a plan for people.
var planWords = map[engine.PlanStatus]string{
	engine.PlanCached: "cached", engine.PlanRun: "run", engine.PlanUnknown: "run if needed", engine.PlanSkipped: "not needed",
}

// chain writes a path through one pipeline, with the pipeline's name once.
func chain(path []string) string {
	pipeline, _, _ := strings.Cut(path[0], "/")
	out := path[0]
	for _, p := range path[1:] {
		out += " -> " + strings.TrimPrefix(p, pipeline+"/")
	}
	return out
}

// planSummary is the plan in a line or two.
func planSummary(f *engine.Forecast) string {
	if !f.Pending() {
		return fmt.Sprintf("nothing to do, %s cached", human.Many(f.Cached, "step"))
	}
	out := fmt.Sprintf("%d to run, %d to run if what is before them changes, %d cached", f.Run, f.Unknown, f.Cached)
	if f.TotalMS > 0 {
		out += fmt.Sprintf("\nabout %s with %d at a time", milliseconds(f.TotalMS), f.Jobs)
		if low, high := milliseconds(f.TotalLowMS), milliseconds(f.TotalHighMS); low != high {
			out += fmt.Sprintf(" (%s to %s)", low, high)
		}
		out += fmt.Sprintf(", %s of disk", human.Bytes(f.OutputBytes))
		if len(f.CriticalPath) > 1 {
			out += fmt.Sprintf("\nlongest chain, %s: %s", milliseconds(f.CriticalMS), chain(f.CriticalPath))
		}
	}
	if f.NoHistory > 0 {
		out += fmt.Sprintf("\nthe forecast leaves out %s that never ran", human.Many(f.NoHistory, "step"))
		if f.Trainings > 0 && f.TotalMS == 0 {
			out += fmt.Sprintf("; %d of them train a model", f.Trainings)
		}
	}
	if f.Note != "" {
		out += "\nnote: " + f.Note
	}
	return out
}
