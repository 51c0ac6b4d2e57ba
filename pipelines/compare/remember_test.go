package compare_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rein/cache"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/comparetest"
)

// kept is a memo in memory.
type kept map[cache.Digest][]byte

func (m kept) GetMany(_ context.Context, keys []cache.Digest) ([][]byte, error) {
	out := make([][]byte, len(keys))
	for i, k := range keys {
		out[i] = m[k]
	}
	return out, nil
}

func (m kept) PutMany(_ context.Context, keys []cache.Digest, values [][]byte) error {
	for i, k := range keys {
		m[k] = values[i]
	}
	return nil
}

// torn are blobs whose scores hold nothing that could be read.
type torn struct {
	compare.Blobs
	scores string // path of an empty file
	opened map[cache.Digest]bool
}

func (b torn) Path(ctx context.Context, blob cache.Blob) (string, error) {
	if b.opened[blob.Digest] {
		return b.scores, nil
	}
	return b.Blobs.Path(ctx, blob)
}

func asText(t interface{ Fatal(...any) }, r *compare.Result) string {
	type whole struct {
		*compare.Result
		RowsOf []*[2]compare.RowSet
		Notes  []compare.Finding
	}
	w := whole{Result: r, Notes: r.Notes}
	for _, t := range r.Tests {
		w.RowsOf = append(w.RowsOf, t.RowsOf)
	}
	b, err := json.MarshalIndent(w, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Whatever is compared after whatever: what was remembered gives the comparison that a first one gives.
func TestRememberedTestsAreNeverStale(t *testing.T) {
	shelf := comparetest.NewShelf(t)
	models := []comparetest.Model{
		{FP: 0.05, FN: 0.1, UnseenFP: 0.1, UnseenFN: 0.1, Rows: 2000, New: true}, {FP: 0.02, FN: 0.1, UnseenFP: 0.05, UnseenFN: 0.1, Rows: 2000, New: true},
		{FP: 0.02, FN: 0.2, UnseenFP: 0.05, UnseenFN: 0.1, Rows: 2000}, {FP: 0.03, FN: 0.1, Rows: 2000, Data: "other"}, {FP: 0.03, FN: 0.1, Rows: 500, Seeds: [4]float64{0.02, 0.04}},
	}
	memo := kept{}
	rapid.Check(t, func(rt *rapid.T) {
		which := rapid.IntRange(0, len(models)-1)
		base := models[which.Draw(rt, "base")]
		var of []record.Pipeline
		for i := range rapid.IntRange(1, 4).Draw(rt, "strategies") {
			of = append(of, shelf.Strategy([]string{"a", "b", "c", "d"}[i], base, models[which.Draw(rt, "model")], 1, 1000))
		}
		program := rapid.SampledFrom([]string{"", "one", "two"}).Draw(rt, "program")
		want, err := compare.Compute(t.Context(), compare.Input{Pipelines: of, Blobs: shelf})
		if err != nil {
			rt.Fatal(err)
		}
		got, err := compare.Compute(t.Context(), compare.Input{Pipelines: of, Blobs: shelf, Memo: memo, Program: program})
		if err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(asText(rt, want), asText(rt, got)); d != "" {
			rt.Fatal(d)
		}
	})
}

// A comparison that was made before reads no scores; one of the same names with other scores, and another program, do.
func TestRememberedTestsReadNoScores(t *testing.T) {
	shelf := comparetest.NewShelf(t)
	base := comparetest.Model{FP: 0.05, FN: 0.1, UnseenFP: 0.1, UnseenFN: 0.1, Rows: 2000}
	better := base
	better.FP = 0.02
	one, two := shelf.Strategy("one", base, better, 1, 1000), shelf.Strategy("one", base, base, 1, 1000)
	in := compare.Input{Pipelines: []record.Pipeline{one}, Blobs: shelf, Memo: kept{}, Program: "p"}
	first, err := compare.Compute(t.Context(), in)
	if err != nil || len(first.Tests) == 0 {
		t.Fatal(first, err)
	}
	empty := filepath.Join(t.TempDir(), "scores")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	in.Blobs = torn{shelf, empty, map[cache.Digest]bool{scoresOf(one): true, scoresOf(two): true}}
	again, err := compare.Compute(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(asText(t, first), asText(t, again)); d != "" {
		t.Error(d)
	}
	for name, change := range map[string]func(*compare.Input){
		"other scores":    func(in *compare.Input) { in.Pipelines = []record.Pipeline{two} },
		"another program": func(in *compare.Input) { in.Program = "q" },
		"no memo":         func(in *compare.Input) { in.Memo = nil },
	} {
		in := in
		change(&in)
		r, err := compare.Compute(t.Context(), in)
		if err != nil || len(r.Tests) > 0 || !strings.Contains(fmt.Sprint(r.Notes), "the scores of step") {
			t.Errorf("%s: %d tests, notes %v, %v", name, len(r.Tests), r.Notes, err)
		}
	}
}

func scoresOf(p record.Pipeline) (d cache.Digest) {
	for _, st := range p.Steps {
		if b, ok := st.Outputs["scores"]; ok {
			d = b.Digest // of the last evaluation: the strategy's own
		}
	}
	return d
}
