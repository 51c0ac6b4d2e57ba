package benchmark

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/stepstest"
)

func numbered(t *testing.T, n int) artifact.Rows {
	t.Helper()
	rows := make([]artifact.Row, n)
	for i := range rows {
		rows[i] = artifact.Row{ID: fmt.Sprint(i), Text: fmt.Sprint("prompt ", i)}
	}
	in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestChoiceOfPrompts(t *testing.T) {
	rows := numbered(t, 300)
	get := func(seed, n int, from artifact.Rows) []string {
		got, err := choose(t.Context(), from, Config{Threads: []int{1}, Prompts: n, Seed: seed})
		if err != nil || len(got) != n {
			t.Fatalf("%d prompts, %v; want %d", len(got), err, n)
		}
		return got
	}
	distinct := func(texts []string) int { return len(slices.Compact(slices.Sorted(slices.Values(texts)))) }
	if !slices.Equal(get(1, 50, rows), get(1, 50, rows)) {
		t.Error("the same seed chose others")
	}
	if slices.Equal(get(1, 50, rows), get(2, 50, rows)) {
		t.Error("the seed doesn't matter")
	}
	if distinct(get(1, 300, rows)) != 300 {
		t.Error("a prompt is chosen twice while others are left")
	}
	if distinct(get(1, 50, numbered(t, 7))) != 7 {
		t.Error("not all of few prompts are used")
	}
	if _, err := run(t.Context(), stepstest.New(t, "report").Env, Config{Threads: []int{1}, Prompts: 20, Rounds: 1}, In{ngramtest.Random(t, 0.5, true), numbered(t, 0)}); err == nil || !strings.Contains(err.Error(), "no prompts") {
		t.Errorf("no rows: %v", err)
	}
}

func TestNearestRank(t *testing.T) {
	var v []float64
	for i := 100; i >= 1; i-- {
		v = append(v, float64(i))
	}
	for p, want := range map[float64]float64{0: 1, 0.5: 50, 0.95: 95, 0.99: 99, 1: 100} {
		if got := percentile(v, p); got != want {
			t.Errorf("percentile %v of 1..100 is %v, want %v", p, got, want)
		}
	}
}

func TestHardwareIsInTheKey(t *testing.T) {
	op, err := Step().Op(cty.EmptyObjectVal)
	if err != nil {
		t.Fatal(err)
	}
	d, err := op.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"os", "arch", "cores", "procs"} {
		if d.Fingerprints[name] == "" {
			t.Errorf("%s is not in the key: %v", name, d.Fingerprints)
		}
	}
	if runtime.GOOS == "linux" && resident() < 1<<20 {
		t.Errorf("a process of %d bytes", resident())
	}
}
