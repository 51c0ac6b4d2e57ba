package suite

import (
	"context"
	"fmt"
	"strings"

	"rein/cache"
	"rein/engine"
	"rein/pipelines/lang"
)

// ranStep is a step of a run as a condition sees it: step.NAME.
type ranStep struct {
	Status string             `json:"status"`
	Error  string             `json:"error"`
	Metric map[string]float64 `json:"metric"`
	Notes  []string           `json:"notes"`
}

// run executes the pipeline in a temporary cache. Results that the project's cache has are taken from there. The facts are outcome, metric,
// missed and step.
func (r *Run) run(ctx context.Context, p *lang.Program, env Env) (map[string]any, error) {
	s, drop, err := store()
	if err != nil {
		return nil, err
	}
	defer drop()
	p.Graph.Pipelines[0].Outputs = nil // a test publishes nothing
	o := env.Engine(s)
	if env.Project != nil {
		o.Remote = &lent{from: env.Project, to: s}
	}
	rec, err := engine.Run(ctx, p.Graph, o)
	if err != nil {
		return nil, err
	}
	figures, err := env.Figures(rec.Pipelines[0])
	if err != nil {
		return nil, err
	}
	steps := map[string]ranStep{}
	var broken []string
	for _, st := range rec.Pipelines[0].Steps {
		x := ranStep{st.Status, st.Error, map[string]float64{}, append([]string{}, st.Result.Notes...)}
		for k, v := range st.Result.Metrics {
			x.Metric[k] = v
		}
		steps[st.Name] = x
		if st.Status == string(engine.StatusFailed) {
			broken = append(broken, fmt.Sprintf("step %s failed: %s", st.Name, st.Error))
		}
	}
	if len(broken) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(broken, "\n"))
	}
	return map[string]any{"outcome": rec.Verdict, "missed": append([]string{}, rec.Missed...), "metric": figures, "step": steps}, nil
}

// lent gives a store the results of another one, to which it never writes.
type lent struct{ from, to *cache.Store }

// Fetch implements engine.Remote.
func (l *lent) Fetch(ctx context.Context, action cache.Digest) (*cache.Entry, error) {
	e, err := l.from.Get(ctx, action)
	if err != nil {
		return nil, err
	}
	for _, b := range e.Outputs {
		path, err := l.from.Path(ctx, b)
		if err != nil {
			return nil, err
		}
		if _, err := l.to.Import(ctx, path); err != nil {
			return nil, err
		}
	}
	return e, l.to.Put(ctx, e)
}

// Send implements engine.Remote: what a test makes is thrown away.
func (l *lent) Send(context.Context, *cache.Entry) {}
