package compare

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rein/cache"
	"rein/engine/record"
	"rein/steps/stats"
)

// run is what is known of a column besides its figures.
type run struct {
	meta     record.Meta
	steps    []record.Step
	result   *record.Step // step whose figures are the column's; nil if there is none
	report   *evaluation  // nil: not there
	scores   *scores
	problems []Finding
}

// Compute compares what is recorded. Missing figures aren't errors: they are blanks with a reason.
func Compute(ctx context.Context, in Input) (*Result, error) {
	r := &Result{Schema: SchemaVersion, blobs: in.Blobs, scorers: in.Scorers, Strategies: []*Strategy{}, Tests: []Test{}, detail: map[string]*run{}}
	r.Baseline.Measured = map[string]Figure{}
	for _, p := range in.Pipelines {
		if err := r.add(p); err != nil {
			return nil, fmt.Errorf("%s: %w", p.File, err)
		}
	}
	for name, of := range in.Controls {
		if s := r.Strategy(name); s != nil && r.Strategy(of) != nil {
			s.control(of)
		}
	}
	r.besideControls()
	r.assume(in)
	if in.Blobs != nil {
		r.open(ctx, in)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	r.slices()
	r.test()
	r.keep(ctx, in.Memo)
	r.Sweeps = in.Sweeps
	r.sweep(ctx)
	for _, s := range r.Strategies {
		r.judge(s)
	}
	r.recommend()
	for _, s := range r.Strategies {
		s.Business = r.business(s)
	}
	r.Contradictions = r.checkPlanned()
	return r, nil
}

// Strategy finds a column by name; nil if there is none.
func (r *Result) Strategy(name string) *Strategy {
	for _, s := range r.Strategies {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func (r *Result) add(p record.Pipeline) error {
	var meta record.Meta
	if len(p.Meta) > 0 {
		if err := json.Unmarshal(p.Meta, &meta); err != nil {
			return fmt.Errorf("the record's meta: %w", err)
		}
	}
	base := ancestors(p.Steps, meta.Baseline)
	d := &run{meta: meta, steps: p.Steps, result: find(p.Steps, meta.Result)}
	s := &Strategy{Name: p.Name, Title: cmp.Or(p.Title, p.Name), File: p.File, Measured: map[string]Figure{}, Concerns: []Finding{},
		Planned: meta.Planned, Expected: meta.Expect, Targets: meta.Targets, Gates: []Gate{}, Steps: []Timing{}}
	if s.Planned == nil {
		s.Planned = map[string]any{}
	}
	if s.Expected == nil {
		s.Expected = map[string]record.Expectation{}
	}
	var own []record.Step // that measured something
	s.Steps = make([]Timing, 0, len(p.Steps))
	for i := range p.Steps {
		st := &p.Steps[i]
		s.Steps = append(s.Steps, Timing{Name: st.Name, Type: st.Type, Stage: st.Traits.Stage, Measures: st.Traits.Measures, Status: st.Status, MS: st.Result.RunMS, Needs: st.Needs,
			Device: st.Result.Device, Shared: base[st.Name]})
		if base[st.Name] {
			continue
		}
		if len(st.Result.Metrics) > 0 {
			own = append(own, *st)
		}
		for _, n := range st.Result.Notes {
			s.Notes = append(s.Notes, st.Name+": "+n)
		}
	}
	// What isn't measured by the result is a model of more rows that is shipped: it tells what the result's steps don't.
	measured := ancestors(p.Steps, meta.Result)
	beside, needed := parted(withoutParts(own, d.result), func(st record.Step) bool { return !measured[st.Name] })
	fold(s.Measured, beside)
	fold(s.Measured, needed)
	if d.result != nil {
		fold(s.Measured, []record.Step{*d.result})
	}
	s.Missing, s.Promise = missing(p.Steps, meta.Result, d.result), promised(s.Measured)
	s.CriticalMS = CriticalPath(s.Steps)
	s.HumanDays, s.ElapsedMS = s.humanDays()
	r.detail[p.Name] = d
	r.Strategies = append(r.Strategies, s)
	r.addBaseline(p, meta, base)
	return nil
}

// addBaseline takes the baseline's figures of the first pipeline that has them. Pipelines whose baseline is another one are
// told apart by the result's content.
func (r *Result) addBaseline(p record.Pipeline, meta record.Meta, base map[string]bool) {
	st := find(p.Steps, meta.Baseline)
	if st == nil {
		return
	}
	if had := r.detail[BaselineName]; had != nil && len(r.Baseline.Measured) > 0 {
		if len(st.Outputs) > 0 && !sameOutputs(had.result.Outputs, st.Outputs) {
			r.Notes = append(r.Notes, OtherBaseline{p.Name, r.Strategies[0].Name})
		}
		return
	}
	var own []record.Step
	for _, s := range p.Steps {
		if base[s.Name] {
			own = append(own, s)
		}
	}
	r.Baseline.Step = st.Name
	fold(r.Baseline.Measured, own)
	r.Baseline.Missing, r.Baseline.Promise = missing(own, st.Name, st), promised(r.Baseline.Measured)
	r.detail[BaselineName] = &run{meta: meta, steps: own, result: st}
}

// parted divides steps into those for which so holds, and the others.
func parted(steps []record.Step, so func(record.Step) bool) (yes, no []record.Step) {
	for _, st := range steps {
		if so(st) {
			yes = append(yes, st)
		} else {
			no = append(no, st)
		}
	}
	return yes, no
}

func sameOutputs(a, b map[string]cache.Blob) bool {
	for port, x := range a {
		if y, ok := b[port]; ok && x.Digest != y.Digest {
			return false
		}
	}
	return true
}

// fold adds the steps' metrics, later ones winning.
func fold(into map[string]Figure, steps []record.Step) {
	for _, m := range together(steps) {
		maps.Copy(into, FiguresOf(m))
	}
}

// FiguresOf are metrics as figures: NAME_low and NAME_high become NAME's interval.
func FiguresOf(metrics map[string]float64) map[string]Figure {
	end := func(name string) *float64 {
		if v, ok := metrics[name]; ok {
			return &v
		}
		return nil
	}
	out := map[string]Figure{}
	for name, v := range metrics {
		if !bound(metrics, name) {
			out[name] = Figure{v, end(name + "_low"), end(name + "_high"), end(name + "_sources_low"), end(name + "_sources_high")}
		}
	}
	return out
}

// withoutParts leaves out the evaluations that a result is joined from. If the result is missing, those of some folds aren't a result.
func withoutParts(steps []record.Step, result *record.Step) []record.Step {
	if result == nil {
		return steps
	}
	return slices.DeleteFunc(slices.Clone(steps), func(st record.Step) bool {
		return st.Type == result.Type && slices.Contains(result.Needs, st.Name)
	})
}

// together are the steps' metrics in their order; those of a step with for_each are the means over its instances.
func together(steps []record.Step) []map[string]float64 {
	var out []map[string]float64
	at, n := map[string]int{}, map[string]float64{}
	for _, st := range steps {
		step, _, keyed := strings.Cut(st.Name, "[")
		if !keyed {
			out = append(out, st.Result.Metrics)
			continue
		}
		i, ok := at[step]
		if !ok {
			i = len(out)
			at[step], out = i, append(out, map[string]float64{})
		}
		for name, v := range st.Result.Metrics {
			key := step + " " + name
			n[key]++
			out[i][name] += (v - out[i][name]) / n[key]
		}
	}
	return out
}

// promised is the promise of a threshold as the measured figures give it; nil if there is none.
func promised(m map[string]Figure) *Promise {
	limit, ok := m["promise_limit"]
	if !ok {
		return nil
	}
	wanted := m["promise_wanted"].Value
	return &Promise{Limit: limit.Value, Sources: int(m["promise_sources"].Value), Probability: m["promise_probability"].Value,
		Wanted: wanted, Needs: stats.SourcesNeeded(wanted)}
}

// bound tells whether a metric is the end of an interval, and doesn't merely have such a name.
func bound(m map[string]float64, name string) bool {
	for _, suffix := range []string{"_sources_low", "_sources_high", "_low", "_high"} {
		if of, ok := strings.CutSuffix(name, suffix); ok {
			if _, ok := m[of]; ok {
				return true
			}
		}
	}
	return false
}

func find(steps []record.Step, name string) *record.Step {
	i := slices.IndexFunc(steps, func(s record.Step) bool { return s.Name == name })
	if name == "" || i < 0 {
		return nil
	}
	return &steps[i]
}

// ancestors are a step and the steps that it depends on, directly or not.
func ancestors(steps []record.Step, name string) map[string]bool {
	out := map[string]bool{}
	var visit func(string)
	visit = func(n string) {
		if st := find(steps, n); st != nil && !out[n] {
			out[n] = true
			for _, need := range st.Needs {
				visit(need)
			}
		}
	}
	visit(name)
	return out
}

// missing says why a result's figures aren't there; nil if they are.
func missing(steps []record.Step, name string, result *record.Step) Finding {
	for _, st := range steps {
		if st.Error != "" {
			line, _, _ := strings.Cut(st.Error, "\n")
			return StepFailed{st.Name, st.Status, line, st.Advice}
		}
	}
	switch {
	case result == nil && name != "":
		return NeverRan{name}
	case result == nil:
		return NoResultStep{}
	case len(result.Result.Metrics) == 0:
		return NoResultYet{result.Name}
	}
	return nil
}

// CriticalPath is the longest chain of steps by the time that they took when they were made.
func CriticalPath(steps []Timing) (longest int64) {
	for _, end := range endings(steps) {
		longest = max(longest, end)
	}
	return longest
}

// endings are the times at which steps would end if each started as soon as possible.
func endings(steps []Timing) map[string]int64 {
	ends := map[string]int64{}
	for _, s := range steps { // in topological order
		var start int64
		for _, n := range s.Needs {
			start = max(start, ends[n])
		}
		ends[s.Name] = start + s.MS
	}
	return ends
}

// Variable is the value of a strategy's numeric variable.
func (r *Result) Variable(s *Strategy, name string) (float64, bool) {
	var v float64
	raw := r.detail[s.Name].meta.Variables[name].Value
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return 0, false
	}
	return v, true
}
