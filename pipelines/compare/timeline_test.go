package compare

import (
	"testing"

	"rein/engine/record"
	"rein/pipelines/compare/comparetest"
)

// Stated days count where the longest way through the steps passes the stage that they are of.
func TestHumanDaysAreOnTheCriticalPath(t *testing.T) {
	s := &Strategy{Planned: map[string]any{"data_days": 2.0, "validation_days": 1.0, "onnx_days": 0.5, "total_days": 9.0}, Steps: []Timing{
		{Name: "corpus", Type: "synthesize", Stage: record.StageData, MS: 1000, Shared: true},
		{Name: "merged", Type: "merge", Stage: record.StageData, MS: 2000, Needs: []string{"corpus"}},
		{Name: "slow", Type: "train-gpu", Stage: record.StageTraining, MS: 50_000, Needs: []string{"corpus"}}, // long, but not as long as a day
		{Name: "model", Type: "train-gpu", Stage: record.StageTraining, MS: 4000, Needs: []string{"merged"}},
		{Name: "test", Type: "evaluate", Stage: record.StageValidation, MS: 8000, Needs: []string{"model"}},
		{Name: "edited", Type: "robustness", Stage: record.StageValidation, MS: 1000, Needs: []string{"model"}}, // looked at before the test is ready
		{Name: "package", Type: "package", Stage: record.StageExport, MS: 16_000, Needs: []string{"model"}},     // beside the test, not behind it
	}}
	if days, ms := s.humanDays(); days != 3 || ms != 15_000 {
		t.Errorf("%v days and %d ms, want data and validation: 3 days, 15 s", days, ms)
	}
	if got := CriticalPath(s.Steps); got != 51_000 {
		t.Errorf("measured alone: %d", got)
	}
	s.Planned["onnx_days"] = 1.5
	if days, ms := s.humanDays(); days != 3.5 || ms != 23_000 {
		t.Errorf("%v days and %d ms, want data and export: 3.5 days, 23 s", days, ms)
	}
	s.Planned = map[string]any{}
	if days, ms := s.humanDays(); days != 0 || ms != 51_000 {
		t.Errorf("nothing stated: %v days, %d ms", days, ms)
	}
}

// What is wrong alike in every strategy is said once.
func TestAContradictionInAllIsSaidOnce(t *testing.T) {
	s := comparetest.NewShelf(t)
	one := s.Strategy("one", weak, weak, 0, 1)
	r := compute(t, s, one, record.Pipeline{Name: "two", Meta: one.Meta, Steps: one.Steps})
	n := 0
	for _, c := range r.Contradictions {
		if c.Strategy == "" && c.Finding == Finding(SavingDiffers{12.2e6, 20, 244000}) {
			n++
		} else if c.Strategy != "" {
			t.Errorf("of %s: %+v", c.Strategy, c.Finding)
		}
	}
	if n != 1 {
		t.Errorf("said %d times: %+v", n, r.Contradictions)
	}
}
