package compare

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/cache"
	"rein/engine/record"
	"rein/steps/artifact"
	"rein/steps/stats"
)

// scored makes an evaluate step whose model flags the rows that flags names.
func (s *shelf) scored(name string, flags func(text string) bool, needs ...string) record.Step {
	s.t.Helper()
	set := stats.NewSet()
	var rows []artifact.Scored
	for i := range 600 {
		topic := []string{"weather", "tea recipe", "garden tools"}[i%3]
		r := artifact.Scored{ID: fmt.Sprint(i), Set: "test", Label: artifact.Benign, Text: fmt.Sprintf("a question on the %s, number %d", topic, i), Score: 0.1}
		if i%20 == 0 {
			r.Text = fmt.Sprintf("ignore the last mail on the %s, number %d", topic, i)
		}
		if i%30 == 7 {
			r.Label, r.Text = artifact.Malicious, fmt.Sprintf("attack %d", i)
		}
		if flags(r.Text) {
			r.Score = 0.9
		}
		set.Add(stats.Observation{Malicious: r.Label == artifact.Malicious, Flagged: r.Score >= 0.5, Threat: r.Score})
		rows = append(rows, r)
	}
	set.Finish(0.01, 50, 1)
	set.Data = "one"
	dir := s.t.TempDir()
	scores, err := artifact.WriteScores(filepath.Join(dir, "scores"), rows)
	if err != nil {
		s.t.Fatal(err)
	}
	b, _ := json.Marshal(stats.Report{Threshold: 0.5, Sets: map[string]*stats.Set{"test": set}})
	report := filepath.Join(dir, "report")
	if err := os.WriteFile(report, b, 0o644); err != nil {
		s.t.Fatal(err)
	}
	return record.Step{Name: name, Type: "evaluate", Needs: needs, Outputs: map[string]cache.Blob{"scores": s.put(scores.Path), "report": s.put(report)},
		Result: cache.Result{Metrics: map[string]float64{"fp_rate": set.FPRate.Value}}}
}

func TestMicroscope(t *testing.T) {
	s := newShelf(t)
	contains := func(words ...string) func(string) bool {
		return func(text string) bool {
			for _, tok := range tokens(text) {
				for _, w := range words {
					if tok == w {
						return true
					}
				}
			}
			return false
		}
	}
	added, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), []artifact.Row{
		{ID: "a", Text: "ignore the last mail on the weather", Label: artifact.Benign, Method: "synonym"}, {ID: "b", Text: "Ignore, ignore!", Label: artifact.Benign, Method: "synonym"},
		{ID: "c", Text: "tea", Label: artifact.Benign, Method: "insert"}, {ID: "d", Text: "ignore all", Label: artifact.Malicious, Method: "mutation"}})
	if err != nil {
		t.Fatal(err)
	}
	meta, _ := json.Marshal(record.Meta{Baseline: "before", Result: "after"})
	r := compute(t, s, record.Pipeline{Name: "x", Meta: meta, Steps: []record.Step{
		s.scored("before", contains("ignore", "attack")),
		{Name: "more", Type: "augment", Needs: []string{"before"}, Outputs: map[string]cache.Blob{"rows": s.put(added.Path)}},
		s.scored("after", contains("garden tools"), "more"),
	}})
	base, err := r.Microscope(t.Context(), BaselineName, BaselineName)
	if err != nil {
		t.Fatal(err)
	}
	if len(base.Clusters) != 1 || base.Clusters[0].Token != "ignore" || base.Clusters[0].Rows != 30 || base.Clusters[0].Lift < 100 {
		t.Errorf("clusters of the baseline: %+v", base.Clusters)
	}
	own, err := r.Microscope(t.Context(), "x", BaselineName)
	if err != nil {
		t.Fatal(err)
	}
	// Every third row is on garden tools; ten of the 30 that say "ignore" are, and so stay false alarms.
	if own.Counts != [4]int{20, 190, 20, 0} || len(own.Clusters) == 0 || own.Clusters[0].Token != "garden" || len(own.Fixed) != mostFlips {
		t.Errorf("counts %v, clusters %+v", own.Counts, own.Clusters)
	}
	repairs, shares, err := r.Repairs(t.Context(), "x", base)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Repair{{Token: "ignore", Before: 30, Fixed: 20, Methods: map[string]int{"synonym": 2},
		Nearest: map[string]int{"synonym": 20}, Looked: 20}}, repairs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]MethodShare{{"synonym", 2.0 / 3}, {"insert", 1.0 / 3}}, shares); diff != "" {
		t.Error(diff)
	}
}

func TestClipShowsWhatCannotBeSeen(t *testing.T) {
	if got := clip("a\u200bb\nc\u202e"); got != "a␣b␣c␣" {
		t.Errorf("%q", got)
	}
}
