package mine

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram"
	"rein/steps/internal/scorer"
	"rein/steps/stepstest"
)

// model is one that scores as if by chance: what counts here is that mine keeps what the scorer says.
func model(t *testing.T, threshold float64) artifact.Model {
	t.Helper()
	cfg := ngram.Default()
	cfg.Buckets = 1 << 12
	m := ngram.NewModel(cfg, 3, 4)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := m.Dim; i < len(m.Embedding); i++ { // row 0 stays zero
		m.Embedding[i] = float32(rng.NormFloat64())
	}
	dir := artifact.Model{Path: filepath.Join(t.TempDir(), "model")}
	info := artifact.ModelInfo{Classes: []string{"benign", "jailbreak", "other"}, Threshold: threshold, Rule: "fixed"}
	if err := m.Save(dir, info); err != nil {
		t.Fatal(err)
	}
	return dir
}

// pool has every tenth row malicious, the others in two strata.
func pool(t *testing.T, n int) ([]artifact.Row, artifact.Rows) {
	t.Helper()
	rng := rand.New(rand.NewPCG(2, 2))
	rows := make([]artifact.Row, n)
	for i := range rows {
		rows[i] = artifact.Row{ID: fmt.Sprint("r", i), Label: artifact.Benign, Category: []string{"other", "semantic jailbreak"}[i%2],
			Text: fmt.Sprintf("word%d and word%d", rng.IntN(900), rng.IntN(900)), Root: fmt.Sprint("root", i), Source: "s"}
		if i%10 == 0 {
			rows[i].Label = artifact.Malicious
		}
	}
	in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "pool"), rows)
	if err != nil {
		t.Fatal(err)
	}
	return rows, in
}

func mine(t *testing.T, env *stepstest.Env, margin, threshold float64, in artifact.Rows) ([]artifact.Row, error) {
	t.Helper()
	out, err := run(t.Context(), env.Env, Config{Margin: margin}, In{Model: model(t, threshold), Pool: in})
	if err != nil {
		return nil, err
	}
	got, err := out.Rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	return got, nil
}

// want is what mine should keep, one row after the other, with the median of all scores as the threshold.
func want(t *testing.T, rows []artifact.Row, margin float64) (kept []artifact.Row, near int, threshold float64) {
	t.Helper()
	s, err := scorer.Open(t.Context(), model(t, 0.5), scorer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var texts []string
	for _, r := range rows {
		texts = append(texts, r.Text)
	}
	scores, err := s.Score(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	var all []float64
	for _, x := range scores {
		all = append(all, float64(x.Threat))
	}
	slices.Sort(all)
	threshold = all[len(all)/2]
	for i, r := range rows {
		threat := float64(scores[i].Threat)
		if r.Label != artifact.Benign || threat < threshold-margin {
			continue
		}
		if threat < threshold {
			near++
		}
		r.Score = threat
		kept = append(kept, r)
	}
	return kept, near, threshold
}

func TestKeepsBenignRowsAtOrOverTheThreshold(t *testing.T) {
	rows, in := pool(t, batch+500) // two batches
	for _, margin := range []float64{0, 0.01} {
		expected, near, threshold := want(t, rows, margin)
		if margin > 0 == (near == 0) {
			t.Fatalf("margin %v: %d near misses make no test", margin, near)
		}
		env := stepstest.New(t, "rows")
		got, err := mine(t, env, margin, threshold, in)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, expected) {
			t.Errorf("margin %v: %d rows, want %d", margin, len(got), len(expected))
		}
		benign := len(rows) - (len(rows)+9)/10
		fps := float64(len(expected) - near)
		if m := env.Metrics; m["pool_rows"] != float64(benign) || m["pool_fp_count"] != fps || m["pool_fp_rate"] != fps/float64(benign) || m["pool_near_misses"] != float64(near) {
			t.Errorf("metrics %v; want %v of %d, %d near", m, fps, benign, near)
		}
		if !strings.Contains(strings.Join(env.Notes, "\n"), "malicious rows of the pool were passed over") {
			t.Errorf("notes %q", env.Notes)
		}
	}
}

// What is said of strata and families adds up to the rows that are kept.
func TestSaysWhichStrataAndFamilies(t *testing.T) {
	rows, in := pool(t, 400)
	expected, _, threshold := want(t, rows, 0)
	env := stepstest.New(t, "rows")
	if _, err := mine(t, env, 0, threshold, in); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, r := range expected {
		count[r.Category]++
	}
	logs, families := strings.Join(env.Logs, "\n"), 0
	for _, stratum := range []string{"other", "semantic jailbreak"} {
		if !strings.Contains(logs, fmt.Sprintf("%s: %d of ", stratum, count[stratum])) {
			t.Errorf("nothing of %d rows of %q in\n%s", count[stratum], stratum, logs)
		}
	}
	for _, line := range env.Logs {
		var n int
		if before, after, ok := strings.Cut(line, ": "); ok && strings.HasPrefix(before, "taken for ") {
			if _, err := fmt.Sscan(after, &n); err != nil {
				t.Fatal(err)
			}
			families += n
		}
	}
	if families != len(expected) {
		t.Errorf("families of %d rows, want %d:\n%s", families, len(expected), logs)
	}
}

func TestScoresAreComputedOnce(t *testing.T) {
	rows, in := pool(t, 200)
	_, _, threshold := want(t, rows, 0)
	memo := &stepstest.Memo{}
	first, err := mine(t, stepstest.NewWithMemo(t, memo, "rows"), 0, threshold, in)
	if err != nil {
		t.Fatal(err)
	}
	before := memo.Hits
	again, err := mine(t, stepstest.NewWithMemo(t, memo, "rows"), 0, threshold, in)
	if err != nil {
		t.Fatal(err)
	}
	if memo.Hits-before != 180 || !slices.Equal(first, again) {
		t.Errorf("%d of 180 scores came from the memo", memo.Hits-before)
	}
}

func TestNothingToMine(t *testing.T) {
	rows, in := pool(t, 50)
	if _, err := mine(t, stepstest.New(t, "rows"), 0, 1, in); err == nil || !strings.Contains(err.Error(), "none of the 45 benign rows") {
		t.Errorf("a model without mistakes: %v", err)
	}
	for i := range rows {
		rows[i].Label = artifact.Malicious
	}
	in, err := artifact.WriteRows(in.Path, rows)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mine(t, stepstest.New(t, "rows"), 0, 0.5, in); err == nil || !strings.Contains(err.Error(), "no benign rows (50 malicious ones)") {
		t.Errorf("a pool without benign rows: %v", err)
	}
}

func TestMarginIsChecked(t *testing.T) {
	for _, m := range []float64{-0.1, 1} {
		if err := (Config{Margin: m}).Validate(); err == nil {
			t.Errorf("margin %v is accepted", m)
		}
	}
}
