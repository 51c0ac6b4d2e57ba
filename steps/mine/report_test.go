package mine

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/scorer/scorertest"
	"rein/steps/stats"
	"rein/steps/stepstest"
)

// What is said of strata and families adds up to the rows that are kept, over more than one batch.
func TestReportAddsUp(t *testing.T) {
	const threshold, margin = 0.6, 0.05
	in := pool(t, batch+500, artifact.Benign)
	rows, err := in.Read()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		rows[i].Label = artifact.Malicious
	}
	if in, err = artifact.WriteRows(in.Path, rows); err != nil {
		t.Fatal(err)
	}
	env := stepstest.New(t, "rows", "reserve", "scores", "report")
	out, err := run(t.Context(), env.Env, Config{Margin: margin}, In{Model: ngramtest.Random(t, threshold, false), Pool: in})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := out.Rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	scored, err := out.Scores.Read()
	if err != nil || len(scored) != len(kept) {
		t.Fatalf("%d scored rows, %v; want %d", len(scored), err, len(kept))
	}
	families, strata, near := map[string]int{}, map[string]int{}, 0
	for i, s := range scored {
		if r := kept[i]; s.ID != r.ID || s.Text != r.Text || s.Score != r.Score || s.Category != r.Category || s.Label != artifact.Benign {
			t.Fatalf("%+v is not %+v", s, r)
		}
		if s.Score < threshold {
			near++
			continue
		}
		families[s.Family]++
		strata[s.Category]++
	}
	b, err := os.ReadFile(out.Report.Path)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if near == 0 || !maps.Equal(r.Families, families) || r.Near != near || r.Found != len(kept)-near || r.Rows != len(rows)-40 || r.Malicious != 40 || r.Threshold != threshold {
		t.Errorf("%+v; want families %v, %d near of %d", r, families, near, len(kept))
	}
	sum := 0
	for name, s := range r.Strata {
		if s.Found != strata[name] || s.Rate != stats.Wilson(s.Found, s.Rows) {
			t.Errorf("%s: %+v, want %d found", name, s, strata[name])
		}
		sum += s.Rows
	}
	if sum != r.Rows || len(r.Strata) != 2 {
		t.Errorf("%d strata of %d rows, want 2 of %d", len(r.Strata), sum, r.Rows)
	}
	if env.Metrics["pool_near_misses"] != float64(near) || env.Metrics["pool_fp_rate_low"] >= env.Metrics["pool_fp_rate"] {
		t.Errorf("metrics %v", env.Metrics)
	}
	if !strings.Contains(strings.Join(env.Notes, ""), "40 malicious rows of the pool were passed over") {
		t.Errorf("notes %q", env.Notes)
	}
}

func TestScoresAreComputedOnce(t *testing.T) {
	memo, in := &stepstest.Memo{}, In{Model: scorertest.Encoder(t), Pool: pool(t, 200, artifact.Benign)}
	var results [2][]artifact.Row
	for i := range results {
		memo.Hits = 0
		out, err := run(t.Context(), stepstest.NewWithMemo(t, memo, "rows", "reserve", "scores", "report").Env, Config{}, in)
		if err != nil {
			t.Fatal(err)
		}
		if results[i], err = out.Rows.Read(); err != nil {
			t.Fatal(err)
		}
	}
	if memo.Hits != 200 || !slices.Equal(results[0], results[1]) {
		t.Errorf("%d of 200 scores came from the memo", memo.Hits)
	}
}

func TestMarginIsChecked(t *testing.T) {
	for _, m := range []float64{-0.1, 1} {
		if (Config{Margin: m}).Validate() == nil {
			t.Errorf("margin %v is accepted", m)
		}
	}
}
