package engine_test

import (
	"testing"

	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/record"
)

// Begin has a run's id and graph before its first event, and the record that is kept has the same.
func TestBeginComesFirst(t *testing.T) {
	o := options(enginetest.Store(t))
	var begun *record.Run
	events := 0
	o.Begin = func(r *record.Run) {
		if events > 0 {
			t.Errorf("%d events came before", events)
		}
		begun = r
	}
	o.Emit = func(engine.Event) { events++ } // one step at a time: from one goroutine
	o.Jobs, o.Command = 1, []string{"rein", "run"}
	a := step("a", &op{})
	r := mustRun(t, graph(a, step("b", &op{}, from("x", a))), o)
	if begun == nil || begun.ID != r.ID || !begun.Started.Equal(r.Started) || len(begun.Command) != 2 || begun.Verdict != "" || events == 0 {
		t.Fatalf("begun with %+v", begun)
	}
	for i, s := range begun.Pipelines[0].Steps {
		if kept := r.Pipelines[0].Steps[i]; s.Name != kept.Name || s.Status != "" || kept.Status != "ran" || len(s.Needs) != i {
			t.Errorf("step %d: %+v", i, s)
		}
	}
}
