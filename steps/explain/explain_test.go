package explain

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Texts that are explained together are explained as each alone, and in few rounds.
func TestTogetherAsAlone(t *testing.T) {
	rounds := 0
	score := func(_ context.Context, texts []string) ([]float64, error) {
		rounds++
		out := make([]float64, len(texts))
		for i, text := range texts {
			for _, w := range strings.Fields(text) {
				out[i] += float64(len(w)) / 20
			}
		}
		return out, nil
	}
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringMatching(`([a-c]{1,5} ){0,60}`), 0, 8).Draw(t, "texts")
		rounds = 0
		together, err := All(t.Context(), score, 0.5, texts)
		if err != nil {
			t.Fatal(err)
		}
		if rounds > 3+mostSpans*mostSpans {
			t.Fatalf("%d rounds for %d texts", rounds, len(texts))
		}
		for i, text := range texts {
			alone, err := All(t.Context(), score, 0.5, []string{text})
			if err != nil || !reflect.DeepEqual(alone[0], together[i]) {
				t.Fatalf("%q: alone %+v, together %+v, %v", text, alone, together[i], err)
			}
			if v, _ := score(t.Context(), []string{Without(text, alone[0].Spans)}); v[0] != alone[0].Without || alone[0].Turns && v[0] >= 0.5 {
				t.Fatalf("%q without the spans scores %v, not %v", text, v[0], alone[0].Without)
			}
		}
	})
}

// Pieces are in order, don't overlap, and miss nothing but space.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		pieces, at := Pieces(text), 0
		if len(pieces) > mostPieces {
			t.Fatalf("%d pieces", len(pieces))
		}
		for _, p := range pieces {
			if p.Start < at || strings.TrimSpace(text[at:p.Start]) != "" || p.End <= p.Start {
				t.Fatalf("%+v after %d of %q", p, at, text)
			}
			at = p.End
		}
		if strings.TrimSpace(text[at:]) != "" {
			t.Fatalf("%q is in no piece", text[at:])
		}
	})
}
