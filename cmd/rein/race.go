package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/human"
	"rein/pipelines/lang"
)

// race is a sweep whose points are measured round by round: fold by fold, or seed by seed.
type race struct {
	app     *app
	flags   *compareFlags
	program *lang.Program
	sweep   *compare.Sweep
	rounds  []round
	began   time.Time
	last    map[string]record.Pipeline // by strategy: what its newest round recorded, without the evaluation
	ended   bool                       // by the budget: what is left isn't run in full
}

// round says of each strategy which evaluation it has to make.
type round map[string]*engine.Node

// races runs the sweeps that are races. It returns the program without the strategies that were dropped, or that the budget has no
// time for, and what is recorded of those.
func (a *app) races(ctx context.Context, p *lang.Program, sweeps []compare.Sweep, f *compareFlags) (*lang.Program, []record.Pipeline, error) {
	began := time.Now()
	var all []*race
	for i := range sweeps {
		if sweeps[i].Design != lang.RaceDesign {
			continue
		}
		r := &race{app: a, flags: f, program: p, sweep: &sweeps[i], began: began, last: map[string]record.Pipeline{}}
		if err := r.findRounds(); err != nil {
			return nil, nil, configError(err)
		}
		if err := r.run(ctx); err != nil {
			return nil, nil, err
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return p, nil, nil
	}
	rest, gone := without(p, all)
	enough, err := all[0].enoughTime(ctx, rest)
	if err != nil {
		return nil, nil, err
	}
	if !enough {
		for _, r := range all {
			if r.sweep.Race.Stopped == "" {
				r.sweep.Race.Stopped = fmt.Sprintf("the budget of %v has no time to measure in full what is left", f.run.budget)
			}
			r.ended = true
		}
		rest, gone = without(p, all)
	}
	f.run.budget = 0 // it has been asked for all of this
	return rest, gone, nil
}

// without is a program without what its races have done with, and what is recorded of that.
func without(p *lang.Program, races []*race) (*lang.Program, []record.Pipeline) {
	done := map[string]bool{}
	var gone []record.Pipeline
	for _, r := range races {
		for _, point := range r.sweep.Race.Points {
			for _, c := range point.Columns {
				if rec, ok := r.last[c]; ok && (point.Lost != nil || r.ended) {
					done[c], gone = true, append(gone, rec)
				}
			}
		}
	}
	return restricted(p, func(pipe *engine.Pipeline) *engine.Pipeline {
		if done[pipe.Name] {
			return nil
		}
		return pipe
	}), gone
}

// findRounds finds the rounds: the folds that a result puts together or, where there are none, the seeds.
func (r *race) findRounds() error {
	parts := map[string][]*engine.Node{}
	var strategies []string
	for i, pipe := range r.program.Graph.Pipelines {
		parts[pipe.Name] = partsOf(pipe, r.program.Pipelines[i].Meta.Result)
		strategies = append(strategies, pipe.Name)
	}
	r.sweep.Race = compare.NewRace(r.sweep, strategies, 0)
	points := r.sweep.Race.Points
	folds, seeds := len(parts[points[0].Columns[0]]), len(points[0].Columns)
	for _, p := range points {
		for _, c := range p.Columns {
			switch n := len(parts[c]); {
			case n == 0:
				return fmt.Errorf("%s has no compare block that names a result step: a race has nothing to measure", r.sweep.Of)
			case n != folds:
				return fmt.Errorf("the points of %s have different numbers of folds: a race goes fold by fold", r.sweep.Of)
			}
		}
	}
	if folds < 2 && seeds < 2 {
		return fmt.Errorf("a race drops points of %s between folds or seeds, and there are none: give --var folds=5 where the strategy has folds, or --seeds 3", r.sweep.Of)
	}
	r.sweep.Race.Rounds = folds
	if folds < 2 {
		r.sweep.Race.Rounds = seeds
	}
	for i := range r.sweep.Race.Rounds {
		next := round{}
		for _, p := range points {
			if folds < 2 {
				next[p.Columns[i]] = parts[p.Columns[i]][0]
				continue
			}
			for _, c := range p.Columns { // all seeds of a fold
				next[c] = parts[c][i]
			}
		}
		r.rounds = append(r.rounds, next)
	}
	return nil
}

// partsOf are the evaluations that a pipeline's result puts together; the result itself where it puts none together.
func partsOf(pipe *engine.Pipeline, result string) []*engine.Node {
	i := slices.IndexFunc(pipe.Nodes, func(n *engine.Node) bool { return n.Name == result })
	if i < 0 {
		return nil
	}
	var out []*engine.Node
	needs := before(pipe.Nodes[i])
	for _, n := range pipe.Nodes { // in the order in which they are declared
		if n.Type == pipe.Nodes[i].Type && slices.Contains(needs, n) {
			out = append(out, n)
		}
	}
	if len(out) < 2 {
		return pipe.Nodes[i : i+1]
	}
	return out
}

// before are the nodes that a node waits for.
func before(n *engine.Node) []*engine.Node {
	out := slices.Clone(n.After)
	for _, in := range n.Inputs {
		for _, ref := range in.Refs {
			if ref.Node != nil {
				out = append(out, ref.Node)
			}
		}
	}
	return out
}

// restricted is a program with the pipelines that f gives in the place of its own; nil leaves one out.
func restricted(p *lang.Program, f func(*engine.Pipeline) *engine.Pipeline) *lang.Program {
	q := *p
	q.Graph, q.Pipelines = &engine.Graph{}, nil
	for i, pipe := range p.Graph.Pipelines {
		if pipe = f(pipe); pipe != nil {
			q.Graph.Pipelines, q.Pipelines = append(q.Graph.Pipelines, pipe), append(q.Pipelines, p.Pipelines[i])
		}
	}
	return &q
}

// roundName is a strategy's name in the record of a round: what the round measured isn't the strategy's result.
func roundName(strategy string, i int) string { return fmt.Sprintf("%s, round %d", strategy, i+1) }

// narrowed is the program of a round: of each strategy in it the evaluation, and what that needs.
func (r *race) narrowed(i int, in map[string]bool) *lang.Program {
	return restricted(r.program, func(pipe *engine.Pipeline) *engine.Pipeline {
		target := r.rounds[i][pipe.Name]
		if target == nil || !in[pipe.Name] {
			return nil
		}
		needed := map[*engine.Node]bool{}
		var visit func(*engine.Node)
		visit = func(n *engine.Node) {
			if !needed[n] {
				needed[n] = true
				for _, b := range before(n) {
					visit(b)
				}
			}
		}
		visit(target)
		own := *pipe
		own.Name, own.Outputs = roundName(pipe.Name, i), nil
		own.Nodes = slices.DeleteFunc(slices.Clone(pipe.Nodes), func(n *engine.Node) bool { return !needed[n] })
		return &own
	})
}

// run does the rounds until one point is left, the rounds are done, or the budget is used up.
func (r *race) run(ctx context.Context) error {
	result := r.sweep.Race
	store, err := r.app.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	judge := compare.NewJudge(result, store)
	defer judge.Finish()
	for i := range r.rounds {
		left := result.Left()
		if len(left) < 2 {
			return nil
		}
		in := map[string]bool{}
		for _, p := range left {
			for _, c := range p.Columns {
				in[c] = true
			}
		}
		program := r.narrowed(i, in)
		if i > 0 {
			if enough, err := r.enoughTime(ctx, program); err != nil {
				return err
			} else if !enough {
				result.Stopped = fmt.Sprintf("the budget of %v has no time for round %d of %d", r.flags.run.budget, i+1, len(r.rounds))
				r.ended = true
				return nil
			}
		}
		recorded, err := r.measured(ctx, program, i == 0)
		if err != nil {
			return err
		}
		if recorded == nil {
			result.Stopped = fmt.Sprintf("round %d of %d was never run", i+1, len(r.rounds))
			return nil
		}
		dropped, err := judge.Round(ctx, r.evaluations(i, left, recorded))
		if err != nil {
			result.Stopped = fmt.Sprintf("round %d: %v", i+1, err)
			return nil
		}
		r.tell(i, len(left), dropped)
	}
	return nil
}

// enoughTime tells whether what is left of the budget is forecast to be enough for a program.
func (r *race) enoughTime(ctx context.Context, p *lang.Program) (bool, error) {
	if r.flags.run.budget <= 0 || r.flags.noRun {
		return true, nil
	}
	store, err := r.app.store(true)
	if err != nil {
		return false, err
	}
	defer store.Close()
	o := r.app.engineOptions(store)
	o.Jobs = r.flags.run.jobs
	f, err := engine.Plan(ctx, p.Graph, o)
	if err != nil {
		return false, err
	}
	left := r.flags.run.budget - time.Since(r.began)
	return f.Run+f.Unknown == 0 || left > 0 && time.Duration(f.TotalMS)*time.Millisecond <= left, nil
}

// measured are the records of a round, of a run now or, with --no-run, as the cache has them; nil where it lacks one.
func (r *race) measured(ctx context.Context, p *lang.Program, first bool) ([]record.Pipeline, error) {
	if !r.flags.noRun {
		flags := *r.flags
		if !first { // the budget has been asked
			flags.run.budget = 0
		}
		return r.app.measured(ctx, p, &flags)
	}
	store, err := r.app.store(true)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	now, err := r.app.present(ctx, store, p)
	if err != nil {
		return nil, err
	}
	var out []record.Pipeline
	for i, pipe := range p.Graph.Pipelines {
		if len(now[i].pending) > 0 {
			return nil, nil
		}
		out = append(out, record.Pipeline{Name: pipe.Name, File: pipe.File, Title: pipe.Title, Meta: pipe.Meta, Steps: now[i].steps})
	}
	return out, nil
}

// evaluations are what a round measured of each point, and it keeps the rest of what was recorded.
func (r *race) evaluations(i int, left []*compare.Racer, recorded []record.Pipeline) map[string][]record.Step {
	out := map[string][]record.Step{}
	for _, p := range left {
		for _, c := range p.Columns {
			target := r.rounds[i][c]
			at := slices.IndexFunc(recorded, func(rec record.Pipeline) bool { return rec.Name == roundName(c, i) })
			if target == nil || at < 0 {
				continue
			}
			rec := recorded[at]
			if k := slices.IndexFunc(rec.Steps, func(s record.Step) bool { return s.Name == target.Name }); k >= 0 {
				out[p.Name] = append(out[p.Name], rec.Steps[k])
				rec.Steps = slices.Delete(slices.Clone(rec.Steps), k, k+1)
			}
			rec.Name = c
			r.last[c] = rec
		}
	}
	return out
}

// tell says how a round ended.
func (r *race) tell(i, points int, dropped []*compare.Racer) {
	if r.app.quiet {
		return
	}
	var names []string
	for _, p := range dropped {
		names = append(names, strings.TrimPrefix(p.Name, r.sweep.Of+" "))
	}
	text := "nothing is shown to lose"
	if len(names) > 0 {
		text = "dropped: " + strings.Join(names, ", ")
	}
	fmt.Fprintf(r.app.err, "race, round %d of %d: %s, %s\n", i+1, len(r.rounds), human.Many(points, "point"), text)
}
