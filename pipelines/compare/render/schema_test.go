package render

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/comparetest"
)

// swept is a comparison of the points of a sweep.
func swept(t *testing.T) *compare.Result {
	t.Helper()
	s := comparetest.NewShelf(t)
	pipes := []record.Pipeline{s.Strategy("p n=1", weak, weak, 0, 1), s.Strategy("p n=2", weak, model{FP: 0.001, FN: 0.01, Rows: weak.Rows, Data: weak.Data}, 0, 1)}
	r, err := compare.Compute(t.Context(), compare.Input{Pipelines: pipes, Blobs: s, Sweeps: []compare.Sweep{{Of: "p", Design: "full", Variables: []string{"n"},
		Points: map[string][]string{"p n=1": {"1"}, "p n=2": {"2"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := answers(&r.Sweeps[0], r.Basis()+compare.Decisive); len(r.Sweeps[0].Effects) == 0 || len(got) != 1 || !strings.HasPrefix(got[0], "n: ") {
		t.Errorf("no effect was told: %+v, %v, %q", r.Sweeps[0], r.Notes, got)
	}
	return r
}

// raced is a comparison of what a race left.
func raced(t *testing.T) *compare.Result {
	t.Helper()
	s := comparetest.NewShelf(t)
	race := &compare.Race{Metric: compare.Own + compare.Decisive, Rounds: 4, Work: 3, Stopped: "the budget of 1m0s has no time for round 3 of 4", Points: []compare.Racer{
		{Name: "p n=2", Columns: []string{"p n=2 seed=1"}, Rounds: 2, Figure: 0.5, Units: 40},
		{Name: "p n=1", Columns: []string{"p n=1 seed=1"}, Rounds: 1, Figure: 0.25, Units: 20, Lost: &compare.Loss{To: "p n=2", Difference: 0.25, Units: 20, Evidence: 31}}}}
	r, err := compare.Compute(t.Context(), compare.Input{Pipelines: []record.Pipeline{s.Strategy("p n=2 seed=1", weak, weak, 0, 1), {Name: "p n=1 seed=1"}}, Blobs: s,
		Sweeps: []compare.Sweep{{Of: "p", Design: "race", Variables: []string{"n"}, Seeds: map[string]int{"p n=1 seed=1": 1, "p n=2 seed=1": 1}, Race: race,
			Points: map[string][]string{"p n=1 seed=1": {"1"}, "p n=2 seed=1": {"2"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := Missing(r.Strategy("p n=1 seed=1").Missing); got != "dropped after round 1 of 4: p n=2 has a recall at 1% FP rate, own traffic that is higher by 25.0 points on 20 attacks" {
		t.Errorf("what was dropped says %q", got)
	}
	return r
}

func TestJSONFollowsItsSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s := comparetest.NewShelf(t)
	failed := s.Strategy("failed", weak, weak, 0, 1)
	failed.Steps[6].Error, failed.Steps[7].Outputs, failed.Steps[7].Result.Metrics = "out of memory", nil, nil
	other := s.Strategy("other", weak, model{FP: 0.001, FN: 0.01, Rows: 20000, Data: "another test set"}, 0, 1)
	for name, r := range map[string]*compare.Result{"four": four(t), "none": compute(t, s), "failed": compute(t, s, failed), "incomparable": compute(t, s, other, failed), "sweep": swept(t), "race": raced(t)} {
		var b strings.Builder
		if err := JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
