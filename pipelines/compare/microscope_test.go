package compare

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/cache"
	"rein/engine/record"
	"rein/pipelines/compare/comparetest"
	"rein/steps/artifact"
)

func TestMicroscope(t *testing.T) {
	s := comparetest.NewShelf(t)
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
		s.Scored("before", contains("ignore", "attack")),
		{Name: "more", Type: "augment", Traits: record.Traits{Writes: true}, Needs: []string{"before"}, Outputs: map[string]cache.Blob{"rows": s.Put(added.Path)}},
		s.Scored("after", contains("garden tools"), "more"),
	}})
	base, err := r.Microscope(t.Context(), BaselineName, BaselineName)
	if err != nil {
		t.Fatal(err)
	}
	if len(base.Clusters) != 1 || base.Clusters[0].Token != "ignore" || base.Clusters[0].Rows != 30 {
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
