package engine

import (
	"context"
	"errors"
	"time"

	"rein/cache"
	"rein/engine/internal/dag"
	"rein/engine/record"
)

// Forecast is what a run would do, and how long that would take. Its JSON is the output of `rein plan --json`.
type Forecast struct {
	Pipelines []PipelineForecast `json:"pipelines"`
	// Cached, Run and Unknown count pieces of work: equal steps of several pipelines are one.
	Cached  int `json:"cached"`
	Run     int `json:"run"`
	Unknown int `json:"unknown"`
	Skipped int `json:"skipped"`
	// TotalMS is the wall time with Jobs steps at a time, if every unknown step has to run. Low and High are the same with every step at
	// the lower and the upper quartile of its history.
	Jobs        int   `json:"jobs"`
	TotalMS     int64 `json:"total_ms"`
	TotalLowMS  int64 `json:"total_low_ms"`
	TotalHighMS int64 `json:"total_high_ms"`
	// CriticalPath is the longest chain of steps: no number of jobs makes the run shorter than CriticalMS.
	CriticalPath []string `json:"critical_path,omitempty"`
	CriticalMS   int64    `json:"critical_ms"`
	OutputBytes  int64    `json:"output_bytes"` // size of the results on disk
	// NoHistory counts the steps that may run and have no known past run. The forecast leaves them out.
	NoHistory int `json:"no_history"`
	// Trainings counts the steps that may run and that train a model. It is a measure of the work where no time is known.
	Trainings int `json:"trainings"`
	// Note is a further sentence for the reader, for example that the index was lost and a run would find more results than the plan.
	Note string `json:"note,omitempty"`
}

// PipelineForecast is one pipeline's part of a Forecast.
type PipelineForecast struct {
	Name  string         `json:"name"`
	Steps []StepForecast `json:"steps"` // in topological order
}

// PlanStatus is what a plan knows of a step.
type PlanStatus string

// The states of a step in a plan. Unknown: something upstream has to run first, and may give what it gave before.
const (
	PlanCached  PlanStatus = "cached"
	PlanRun     PlanStatus = "run"
	PlanUnknown PlanStatus = "unknown"
	PlanSkipped PlanStatus = "skipped"
)

// StepForecast is one step of a plan.
type StepForecast struct {
	Name       string     `json:"name"`
	Type       string     `json:"type"`
	Status     PlanStatus `json:"status"`
	First      bool       `json:"-"` // of several equal steps it is the one that runs
	Reasons    []string   `json:"reasons,omitempty"`
	Why        []Reason   `json:"why,omitempty"` // the same, for programs
	ForecastMS int64      `json:"forecast_ms"`
	LowMS      int64      `json:"forecast_low_ms,omitempty"`
	HighMS     int64      `json:"forecast_high_ms,omitempty"`
	Samples    int        `json:"forecast_samples,omitempty"` // number of past runs in the forecast
	Bytes      int64      `json:"forecast_bytes,omitempty"`   // of disk for the outputs
	ActionID   string     `json:"action_id,omitempty"`
}

// Pending tells whether a run would have anything to do.
func (f *Forecast) Pending() bool { return f.Run+f.Unknown > 0 }

// Plan says what Run would do. It writes nothing.
func Plan(ctx context.Context, g *Graph, o Options) (*Forecast, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	p, err := newPlanner(ctx, g, o)
	if err != nil {
		return nil, err
	}
	if err := p.plan(ctx); err != nil {
		return nil, err
	}
	if o.CheckOutputs {
		if err := p.checkVacant(ctx); err != nil {
			return nil, err
		}
	}
	f := p.forecast()
	if whole, err := p.store.Whole(ctx); err != nil {
		return nil, err
	} else if !whole {
		f.Note = "the index of results is lost: a run makes it again from the run records, and finds more cached than this"
	}
	return f, nil
}

// planner walks the units in order, asking the store about each.
type planner struct {
	lookup
	options Options
	history *history
	forced  map[*unit]bool
	units   []planned // by unit.id
}

// planned is what a plan knows of a unit.
type planned struct {
	status   PlanStatus
	reasons  []Reason
	action   cache.Digest
	key      string
	outputs  map[string]cache.Blob
	estimate estimate
	hollow   bool // cached, but its outputs must be made again if a step needs them
}

func newPlanner(ctx context.Context, g *Graph, o Options) (*planner, error) {
	w, err := prepare(ctx, g, o.executorOf, o.Store.Salt)
	if err != nil {
		return nil, asConfig(ctx, err)
	}
	if err := w.checkSources(o.Store.Dir()); err != nil {
		return nil, &ConfigError{err}
	}
	if err := w.checkPlaces(); err != nil {
		return nil, &ConfigError{err}
	}
	forced, err := w.forced(o.Force)
	if err != nil {
		return nil, err
	}
	return &planner{lookup: lookup{store: o.Store, sources: newSources(o.Store), work: w}, options: o, history: newHistory(o.Store),
		forced: forced, units: make([]planned, len(w.units))}, nil
}

func (p *planner) plan(ctx context.Context) error {
	for _, level := range p.work.levels() {
		if err := p.level(ctx, level); err != nil {
			return err
		}
	}
	p.demand(ctx, func(*unit) bool { return true })
	return nil
}

// demand goes from the last unit to the first. A unit whose outputs are gone has to run if one that needs them runs, and may have to if one
// may run.
func (p *planner) demand(ctx context.Context, within func(*unit) bool) {
	for i := len(p.work.units) - 1; i >= 0; i-- {
		u, status := p.work.units[i], p.units[i].status
		if !within(u) || status == PlanCached {
			continue
		}
		for _, f := range p.work.feeders(u) {
			pl := &p.units[f.id]
			switch {
			case !pl.hollow || pl.status == PlanRun:
			case status == PlanRun:
				pl.reasons = append(pl.reasons[:1:1], Reason{Code: record.WouldNeed, Of: u.nodes[0].Name})
				p.mayRun(ctx, f, PlanRun)
			case pl.status == PlanCached:
				pl.reasons = append(pl.reasons[:1:1], Reason{Code: record.MayNeed, Of: u.nodes[0].Name})
				p.mayRun(ctx, f, PlanUnknown)
			}
		}
	}
}

// mayRun changes the planned status of a hollow unit.
func (p *planner) mayRun(ctx context.Context, u *unit, status PlanStatus) {
	pl := &p.units[u.id]
	pl.status = status
	pl.estimate = p.history.estimate(ctx, u, inputSize(pl.key))
}

// level plans units that don't depend on each other.
func (p *planner) level(ctx context.Context, units []*unit) error {
	p.sources.prefetchOf(ctx, units)
	var keyed []*unit
	var actions []cache.Digest
	var keys []string
	for _, u := range units {
		if err := ctx.Err(); err != nil {
			return err
		}
		ok, err := p.key(ctx, u)
		if err != nil {
			return nodeError(u.nodes[0].Node, err)
		}
		if ok {
			keyed, actions, keys = append(keyed, u), append(actions, p.units[u.id].action), append(keys, p.units[u.id].key)
		}
	}
	found, err := p.entries(ctx, actions, keys)
	if err != nil {
		return err
	}
	for i, u := range keyed {
		if err := p.one(ctx, u, found[i]); err != nil {
			return nodeError(u.nodes[0].Node, err)
		}
	}
	return nil
}

// key makes a unit's key, if its inputs are known.
func (p *planner) key(ctx context.Context, u *unit) (bool, error) {
	pl := &p.units[u.id]
	in, ok, err := p.inputs(ctx, u, false, func(d *unit) map[string]cache.Blob { return p.units[d.id].outputs })
	if err != nil {
		return false, err
	}
	if !ok {
		pl.status = PlanUnknown
		pl.reasons = []Reason{{Code: record.WaitsFor, Detail: p.blockers(u)}}
		if p.forced[u] {
			pl.status, pl.reasons = PlanRun, because(record.Forced)
		}
		pl.estimate = p.history.estimate(ctx, u, -1)
		return false, nil
	}
	pl.key, pl.action = keyOf(u.facts, in.lines)
	return true, nil
}

func (p *planner) one(ctx context.Context, u *unit, found entry) error {
	pl := &p.units[u.id]
	a, err := p.ask(ctx, u, pl.action, found)
	if err != nil {
		return err
	}
	switch {
	case p.forced[u]:
		pl.status, pl.reasons = PlanRun, because(record.Forced)
	case a.entry != nil:
		pl.status, pl.outputs, pl.hollow = PlanCached, a.entry.Outputs, a.hollow
		if a.hollow {
			pl.reasons = []Reason{{Code: record.Lost, Detail: a.reason}}
		}
		if pl.outputs == nil {
			pl.outputs = map[string]cache.Blob{}
		}
		return nil
	default:
		pl.status, pl.reasons = PlanRun, p.reasons(ctx, u, pl.key, a.reason)
	}
	pl.estimate = p.history.estimate(ctx, u, inputSize(pl.key))
	return nil
}

// blockers names the inputs that aren't known yet.
func (p *planner) blockers(u *unit) string {
	var names []string
	for _, d := range u.deps {
		if p.units[d.id].outputs == nil {
			names = append(names, "step."+d.nodes[0].Name)
		}
	}
	return listOf(names)
}

// forced finds the units that --force names.
func (w *work) forced(names []string) (map[*unit]bool, error) {
	out := map[*unit]bool{}
	for _, name := range names {
		found := false
		for _, p := range w.graph.Pipelines {
			for _, n := range w.order[p] {
				if n.Name == name || p.Name+"/"+n.Name == name {
					found = true
					if n.unit != nil {
						out[n.unit] = true
					}
				}
			}
		}
		if !found {
			return nil, configErrorf("--force %s: no pipeline has a step of this name", name)
		}
	}
	return out, nil
}

// forecast adds up what plan found.
func (p *planner) forecast() *Forecast {
	f := &Forecast{Jobs: p.options.Jobs}
	for _, pl := range p.work.graph.Pipelines {
		pf := PipelineForecast{Name: pl.Name}
		for _, n := range p.work.order[pl] {
			pf.Steps = append(pf.Steps, p.step(n))
			if n.unit == nil {
				f.Skipped++
			}
		}
		f.Pipelines = append(f.Pipelines, pf)
	}
	for id, u := range p.units {
		switch u.status {
		case PlanCached:
			f.Cached++
			continue
		case PlanRun:
			f.Run++
		case PlanUnknown:
			f.Unknown++
		}
		if p.work.units[id].nodes[0].Traits.Stage == StageTraining {
			f.Trainings++
		}
		if !u.estimate.known {
			f.NoHistory++
		}
		f.OutputBytes += u.estimate.bytes
	}
	p.times(f)
	return f
}

// step is what is said of a node.
func (p *planner) step(n *nodeOf) StepForecast {
	s := p.foresee(n)
	s.Reasons = record.Words(s.Why)
	return s
}

func (p *planner) foresee(n *nodeOf) StepForecast {
	s := StepForecast{Name: n.Name, Type: n.Type}
	if n.unit == nil {
		s.Status, s.Why = PlanSkipped, because(record.NotNeeded)
		return s
	}
	pl := &p.units[n.unit.id]
	s.Status, s.Why = pl.status, pl.reasons
	if !pl.action.IsZero() {
		s.ActionID = pl.action.String()
	}
	first := n.unit.nodes[0]
	s.First = first == n
	if !s.First && pl.status != PlanCached {
		s.Why = []Reason{{Code: record.RunsWith, Of: first.pipeline.Name + "/" + first.Name}}
		return s
	}
	e := pl.estimate
	s.ForecastMS, s.LowMS, s.HighMS, s.Samples = int64(e.ms+0.5), int64(e.low+0.5), int64(e.hi+0.5), e.samples
	s.Bytes = e.bytes
	return s
}

// times simulates the schedule with the median and with both quartiles, and finds the critical path.
func (p *planner) times(f *Forecast) {
	order := make([]int, len(p.work.units))
	deps := make([][]int, len(order))
	for i, u := range p.work.units {
		order[i] = i
		for _, d := range u.deps {
			deps[i] = append(deps[i], d.id)
		}
	}
	depsOf := func(v int) []int { return deps[v] }
	weight := func(of func(estimate) float64) func(int) float64 {
		return func(v int) float64 { return of(p.units[v].estimate) }
	}
	median := weight(func(e estimate) float64 { return e.ms })
	f.TotalMS = int64(dag.Makespan(order, depsOf, median, f.Jobs) + 0.5)
	f.TotalLowMS = int64(dag.Makespan(order, depsOf, weight(func(e estimate) float64 { return e.low }), f.Jobs) + 0.5)
	f.TotalHighMS = int64(dag.Makespan(order, depsOf, weight(func(e estimate) float64 { return e.hi }), f.Jobs) + 0.5)
	length, path := dag.LongestPath(order, depsOf, median)
	f.CriticalMS = int64(length + 0.5)
	for _, v := range path {
		if p.units[v].status != PlanCached {
			n := p.work.units[v].nodes[0]
			f.CriticalPath = append(f.CriticalPath, n.pipeline.Name+"/"+n.Name)
		}
	}
}

// total is the forecast as a duration.
func (f *Forecast) total() time.Duration { return time.Duration(f.TotalMS) * time.Millisecond }

// asConfig turns an error of the graph into a ConfigError. An interruption stays one, and a fault of the state folder.
func asConfig(ctx context.Context, err error) error {
	var fault *cache.StateFault
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &fault):
		return err
	}
	return &ConfigError{err}
}
