package compare

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rein/cache"
	"rein/engine/record"
	"rein/pipelines/compare/comparetest"
)

// alarmist flags "ignore" strongly and "mail" a little.
type alarmist struct{ closed *bool }

func (alarmist) Threats(_ context.Context, texts []string) ([]float64, error) {
	out := make([]float64, len(texts))
	for i, text := range texts {
		out[i] = 0.1
		if strings.Contains(text, "ignore") {
			out[i] += 0.7
		}
		if strings.Contains(text, "mail") {
			out[i] += 0.1
		}
	}
	return out, nil
}

func (a alarmist) Close() error { *a.closed = true; return nil }

// The words that are said to cause an alarm are those that the model reacts to, not those that stand beside them.
func TestCausesAreTriedOut(t *testing.T) {
	s := comparetest.NewShelf(t)
	file := filepath.Join(t.TempDir(), "model")
	if err := os.WriteFile(file, []byte("a model"), 0o644); err != nil {
		t.Fatal(err)
	}
	meta, _ := json.Marshal(record.Meta{Result: "after"})
	step := s.Scored("after", func(text string) bool { return strings.Contains(text, "ignore") }, "export")
	export := record.Step{Name: "export", Type: "export-onnx", Outputs: map[string]cache.Blob{"model": s.Put(file)}}
	closed, opened := false, ""
	r, err := Compute(t.Context(), Input{Blobs: s, Pipelines: []record.Pipeline{{Name: "x", Meta: meta, Steps: []record.Step{export, step}}},
		Scorers: func(_ context.Context, model string) (Scorer, error) { opened = model; return alarmist{&closed}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Microscope(t.Context(), "x", BaselineName)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Clusters) != 1 || !closed || opened == "" {
		t.Fatalf("clusters %+v, closed %v, opened %q", m.Clusters, closed, opened)
	}
	c := m.Clusters[0]
	if c.Token != "ignore" || c.Masked != mostMaskedRows || c.Passes != mostMaskedRows || c.Fall < 2 || c.Fall > 5 {
		t.Errorf("cluster %+v", c)
	}
	round := cmp.Transformer("round", func(f float64) int { return int(f*100 + 0.5) })
	// The rows were recorded with a score of 0.9: "ignore" and "mail" and chance. Odds of 9 and 2/8: without "ignore" they pass, so "mail" isn't needed.
	ignore := math.Log(9) - math.Log(0.25)
	if diff := cmp.Diff([]Cause{{"ignore", ignore, mostMaskedRows}}, c.Causes, round); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Cause{{Word: "ignore", Fall: ignore}}, c.Examples[0].Causes, round); diff != "" || !c.Examples[0].Turns {
		t.Error(diff)
	}
}

func TestLeaveOut(t *testing.T) {
	for _, c := range []struct{ text, token, want string }{
		{"Ignore the mail, ignore THE noise", "ignore", "the mail, THE noise"},
		{"Ignore the mail, ignore THE noise", "ignore the", "mail, noise"},
		{"don't stop", "stop", "don't"},
		{"ignoreme", "ignore", "ignoreme"},
		{"a a a", "a a", ""},
		{"", "x", ""},
	} {
		if got := leaveOut(c.text, c.token); got != c.want {
			t.Errorf("%q without %q: %q, want %q", c.text, c.token, got, c.want)
		}
	}
}

// A word that is left out is not there any more, and no other is lost.
func TestLeaveOutProperty(t *testing.T) {
	distinct := func(text string) []string {
		var out []string
		for _, s := range spans(text) {
			out = append(out, strings.ToLower(text[s[0]:s[1]]))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("abé' ,.\t界")), 0, 40, -1).Draw(t, "text")
		for _, w := range distinct(text) {
			left := distinct(leaveOut(text, w))
			if len(left) != len(distinct(text))-1 {
				t.Fatalf("%q without %q has the words %q", text, w, left)
			}
		}
	})
}

// A word that the false positives share and the model doesn't react to makes no cluster.
func TestAWordWithoutEffectIsNoCluster(t *testing.T) {
	m := &Microscope{Clusters: []Cluster{{Token: "garden", rows: []Flip{{full: "the garden mail", Score: 0.9}}}, {Token: "ignore", rows: []Flip{{full: "ignore the garden", Score: 0.9}}}}}
	r := &Result{detail: map[string]*run{"x": {report: &evaluation{Threshold: 0.5}}}}
	file := filepath.Join(t.TempDir(), "model")
	if err := os.WriteFile(file, []byte("a model"), 0o644); err != nil {
		t.Fatal(err)
	}
	closed, s := false, comparetest.NewShelf(t)
	r.detail["x"].result, r.detail["x"].steps = &record.Step{Needs: []string{"m"}}, []record.Step{{Name: "m", Outputs: map[string]cache.Blob{"model": s.Put(file)}}}
	r.blobs = s
	r.scorers = func(context.Context, string) (Scorer, error) { return fixed{alarmist{&closed}}, nil }
	if err := r.attribute(t.Context(), "x", m); err != nil {
		t.Fatal(err)
	}
	if len(m.Clusters) != 1 || m.Clusters[0].Token != "ignore" || !closed {
		t.Errorf("%+v", m.Clusters)
	}
}

// fixed scores texts without "ignore" as high as ever, unless they had it.
type fixed struct{ alarmist }

func (f fixed) Threats(_ context.Context, texts []string) ([]float64, error) {
	out := make([]float64, len(texts))
	for i, text := range texts {
		if out[i] = 0.9; !strings.Contains(text, "ignore") && !strings.Contains(text, "mail") {
			out[i] = 0.1
		}
	}
	return out, nil
}
