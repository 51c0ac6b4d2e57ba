package compare

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/cache"
	"rein/engine/record"
)

func TestEditedTextsAreInThePage(t *testing.T) {
	s := newShelf(t)
	path := filepath.Join(t.TempDir(), "report")
	report := `{"recall":{"value":0.98,"low":0.97,"high":0.99},"fp_rate":{"value":0.01,"low":0.005,"high":0.02},"trials":[{"edit":"typo","strength":0.3,
"recall":{"value":0.61,"low":0.57,"high":0.65},"fp_rate":{"value":0.02,"low":0.01,"high":0.03},"missed":[{"id":"1","text":"<i>slip</i>","score":0.2,"before":0.9}],
"alarms":[{"id":"2","text":"a harmles typo","score":0.8,"before":0.1},{"id":"3","text":"another","score":0.7,"before":0.1}]}]}`
	if err := os.WriteFile(path, []byte(report), 0o644); err != nil {
		t.Fatal(err)
	}
	p := s.strategy("x", weak, weak, 0, 1)
	p.Steps = append(p.Steps, record.Step{Name: "edits", Type: "robustness", Status: "ran", Needs: []string{"model"}, Outputs: map[string]cache.Blob{"report": s.put(path)},
		Result: cache.Result{Metrics: map[string]float64{"edited_tp_rate_worst": 0.61}}})
	var b strings.Builder
	if err := HTML(context.Background(), &b, compute(t, s, p), Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"61.0% (57.0-65.0)", "&lt;i&gt;slip&lt;/i&gt;", "Edited texts", "under the worst edit", "a harmles typo", "typo at 0.3"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
}
