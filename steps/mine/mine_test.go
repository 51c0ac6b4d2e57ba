package mine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/scorer/scorertest"
	"rein/steps/stepstest"
)

func pool(t *testing.T, n int, label string) artifact.Rows {
	t.Helper()
	var rows []artifact.Row
	for i := range n {
		rows = append(rows, artifact.Row{ID: fmt.Sprint(i), Text: fmt.Sprintf("prompt %d %s", i, strings.Repeat("tea ", i%7)), Label: label, Category: []string{"a", "b"}[i%2]})
	}
	r, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// scores are rows with the scores that the random model gives them, and the sorted scores.
func scores(t *testing.T, rows artifact.Rows) (all []artifact.Row, sorted []float64) {
	t.Helper()
	all, err := rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	sorted = scorertest.Threats(t, ngramtest.Random(t, 0.5, false), all)
	for i, v := range sorted {
		all[i].Score = v
	}
	slices.Sort(sorted)
	return all, sorted
}

func TestMineKeepsWhatIsOverTheThreshold(t *testing.T) {
	rows := pool(t, 300, artifact.Benign)
	all, sorted := scores(t, rows)
	threshold, nearly := (sorted[199]+sorted[200])/2, (sorted[99]+sorted[100])/2
	model := ngramtest.Random(t, threshold, false)
	var over, near []string
	for _, r := range all {
		if r.Score >= threshold {
			over = append(over, r.ID)
		}
		if r.Score >= nearly {
			near = append(near, r.ID)
		}
	}
	for margin, want := range map[float64][]string{0: over, threshold - nearly: near} {
		env := stepstest.New(t, "rows", "reserve", "scores", "report")
		out, err := run(t.Context(), env.Env, Config{Margin: margin}, In{Model: model, Pool: rows})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := out.Rows.Read()
		var ids []string
		for _, r := range got {
			ids = append(ids, r.ID)
			if r.Score < 0.6-margin || r.Category == "" {
				t.Errorf("%+v", r)
			}
		}
		if fmt.Sprint(ids) != fmt.Sprint(want) {
			t.Errorf("margin %v: %v, want %v", margin, ids, want)
		}
		if env.Metrics["pool_fp_count"] != float64(len(over)) || env.Metrics["pool_rows"] != 300 || env.Metrics["pool_fp_rate"] != float64(len(over))/300 {
			t.Errorf("metrics %v", env.Metrics)
		}
	}
}

func TestMineSaysWhyThereIsNothing(t *testing.T) {
	for want, in := range map[string]In{
		"no benign rows (5 malicious ones)": {Model: ngramtest.Random(t, 0.6, false), Pool: pool(t, 5, artifact.Malicious)},
		"none of the 5 benign rows":         {Model: ngramtest.Random(t, 1, false), Pool: pool(t, 5, artifact.Benign)},
	} {
		if _, err := run(t.Context(), stepstest.New(t, "rows", "reserve", "scores", "report").Env, Config{}, in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// The reserve holds the rows under the threshold that come nearest to it, its share counted among benign rows.
func TestReserveIsWhatComesNearest(t *testing.T) {
	benign := pool(t, 300, artifact.Benign)
	all, sorted := scores(t, benign)
	for _, threshold := range []float64{(sorted[199] + sorted[200]) / 2, 1} { // 1: no false positives
		model := ngramtest.Random(t, threshold, false)
		var under []artifact.Row
		for _, r := range all {
			if r.Score < threshold {
				under = append(under, r)
			}
		}
		slices.SortStableFunc(under, func(a, b artifact.Row) int { return cmp.Compare(b.Score, a.Score) })
		want := map[string]bool{}
		for _, r := range under[:60] {
			want[r.ID] = true
		}
		mixed, _ := pool(t, 900, artifact.Malicious).Read()
		for i := range mixed {
			mixed[i].ID = "m" + mixed[i].ID
		}
		rows, err := artifact.WriteRows(filepath.Join(t.TempDir(), "mixed"), append(mixed[:450], append(all, mixed[450:]...)...))
		if err != nil {
			t.Fatal(err)
		}
		env := stepstest.New(t, "rows", "reserve", "scores", "report")
		out, err := run(t.Context(), env.Env, Config{Reserve: 0.2}, In{Model: model, Pool: rows})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := out.Reserve.Read()
		last := -1
		for _, r := range got {
			at := slices.IndexFunc(all, func(x artifact.Row) bool { return x.ID == r.ID })
			if !want[r.ID] || r.Score != all[at].Score || at <= last {
				t.Errorf("threshold %v: row %s, score %v", threshold, r.ID, r.Score)
			}
			last = at
		}
		if len(got) != 60 {
			t.Errorf("threshold %v: %d rows, want 60", threshold, len(got))
		}
		if said := strings.Join(env.Notes, "\n"); threshold == 1 && !strings.Contains(said, "none of the 300 benign rows malicious at its threshold 1; the 60 with the highest scores") {
			t.Errorf("notes: %s", said)
		}
	}
}

// A model that flags little is mined where it has a recall of 95%; both counts are reported, and a threshold that flags more stays.
func TestMinesAtARecall(t *testing.T) {
	m, rows := ngramtest.Random(t, 0.999999, false), pool(t, 300, artifact.Benign)
	attacks := pool(t, 100, artifact.Malicious)
	env := stepstest.New(t, "rows", "reserve", "scores", "report")
	out, err := run(t.Context(), env.Env, Config{Recall: 0.95}, In{Model: m, Pool: rows, Validation: attacks})
	if err != nil {
		t.Fatal(err)
	}
	found, err := out.Rows.Read()
	if err != nil || len(found) == 0 || env.Metrics["pool_fp_count"] != float64(len(found)) || env.Metrics["pool_fp_count_own"] >= float64(len(found)) {
		t.Errorf("%d mined, %v, %v", len(found), err, env.Metrics)
	}
	for _, r := range found {
		if r.Score < env.Metrics["mining_threshold"] {
			t.Errorf("%q at %v is under %v", r.ID, r.Score, env.Metrics["mining_threshold"])
		}
	}
	if said := strings.Join(env.Notes, "\n"); !strings.Contains(said, "at its own threshold") {
		t.Errorf("notes: %q", said)
	}
	if _, err := run(t.Context(), stepstest.New(t, "rows", "reserve", "scores", "report").Env, Config{Recall: 0.95}, In{Model: m, Pool: rows}); err == nil || !strings.Contains(err.Error(), "needs validation") {
		t.Errorf("without validation rows: %v", err)
	}
	low := stepstest.New(t, "rows", "reserve", "scores", "report")
	if _, err := run(t.Context(), low.Env, Config{Recall: 0.01}, In{Model: ngramtest.Random(t, 0.01, false), Pool: rows, Validation: attacks}); err != nil || low.Metrics["mining_threshold"] != 0.01 {
		t.Errorf("a threshold that flags more: %v, %v", err, low.Metrics)
	}
}

// Rows of the pool that the model doesn't read whole are counted and told of.
func TestWhatIsCutIsCounted(t *testing.T) {
	var rows []artifact.Row
	for i := range 5 {
		rows = append(rows, artifact.Row{ID: fmt.Sprint(i), Text: strings.Repeat("tea ", 1+i/3*(1<<13)), Label: artifact.Benign})
	}
	pool, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	env := stepstest.New(t, "rows", "reserve", "scores", "report")
	out, err := run(t.Context(), env.Env, Config{}, In{Model: ngramtest.Random(t, 0, false), Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	b, err := os.ReadFile(out.Report.Path)
	if err != nil || json.Unmarshal(b, &r) != nil {
		t.Fatal(err)
	}
	if r.Cut.Rows != 2 || r.Cut.Unit != "bytes" || !strings.Contains(strings.Join(env.Notes, "\n"), "2 rows are longer than the model reads") {
		t.Errorf("%+v, %q", r.Cut, env.Notes)
	}
}
