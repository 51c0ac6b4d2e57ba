package score

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/steps/explain"
	"rein/steps/internal/ngram/ngramtest"
)

// An explanation must agree with the model's answers: without the spans the verdict changes, and any one of them changes it back.
func TestExplainIsTrue(t *testing.T) {
	model := ngramtest.Random(t, 0.6, false)
	s, err := Open(t.Context(), model.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	turned, flagged := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-f]{1,4}|[一-三]{1,3}`), 1, 120).Draw(t, "words")
		text := strings.Join(words, " ")
		answers, err := s.Score(t.Context(), []string{text})
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Explain(t.Context(), text, Known{})
		if err != nil {
			t.Fatal(err)
		}
		sum := e.Linear.Rest
		for _, p := range e.Linear.Pieces {
			sum += p.Adds
		}
		if math.Abs(sum-e.Linear.Total) > 1e-9 {
			t.Fatalf("the pieces and the rest add up to %v, not %v", sum, e.Linear.Total)
		}
		score := func(text string) float64 {
			a, err := s.Threats(t.Context(), []string{text})
			if err != nil {
				t.Fatal(err)
			}
			return a[0]
		}
		for _, p := range e.Spans {
			if text[p.Start:p.End] != p.Text || score(explain.Without(text, []explain.Span{p})) != p.Without {
				t.Fatalf("span %+v", p)
			}
		}
		if got := score(explain.Without(text, e.Spans)); len(e.Spans) > 0 && got != e.Without {
			t.Fatalf("without the spans %v, it says %v", got, e.Without)
		}
		if !answers[0].Malicious {
			if e.Turns {
				t.Fatal("a benign text turned")
			}
			return
		}
		flagged++
		if !e.Turns {
			return
		}
		turned++
		if e.Without >= s.Threshold() {
			t.Fatalf("%v is over the threshold still", e.Without)
		}
		for i := range e.Spans {
			rest := append(append([]explain.Span{}, e.Spans[:i]...), e.Spans[i+1:]...)
			if score(explain.Without(text, rest)) < s.Threshold() {
				t.Fatalf("span %d isn't needed", i)
			}
		}
	})
	if turned == 0 || flagged == 0 {
		t.Errorf("%d flagged, %d turned: the test saw nothing", flagged, turned)
	}
}
