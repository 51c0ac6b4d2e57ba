package compare

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
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
	// The rows were recorded with a score of 0.9: "ignore" and "mail" and chance. Odds of 9, 2/8 and 8/2.
	ignore, mail := math.Log(9)-math.Log(0.25), math.Log(9)-math.Log(4)
	if diff := cmp.Diff([]Cause{{"ignore", ignore, mostMaskedRows}, {"mail", mail, mostMaskedRows}}, c.Causes, round); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Cause{{Word: "ignore", Fall: ignore}, {Word: "mail", Fall: mail}}, c.Examples[0].Causes, round); diff != "" {
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
