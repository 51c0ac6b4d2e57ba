package holdout

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

func write(t *testing.T, rows ...artifact.Row) artifact.Rows {
	t.Helper()
	r, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rows are n of a source, each like no other.
func rows(source string, n int) []artifact.Row {
	var out []artifact.Row
	for i := range n {
		var words []string
		for w := range 12 {
			words = append(words, fmt.Sprint(source, i, "x", w))
		}
		out = append(out, artifact.Row{ID: fmt.Sprint(source, "-", i), Text: strings.Join(words, " "), Label: artifact.Benign, Source: source})
	}
	return out
}

// Rows of sources that the models will know, and rows without a source, are own traffic; all others are new sources. Copies of known rows
// are left out and counted.
func TestQuestions(t *testing.T) {
	train, chosen, mined := rows("a", 50), rows("b", 50), rows("c", 50)
	test := append(append(append(rows("d", 100), rows("e", 100)...), rows("", 100)...), rows("f", 100)...)
	for i := range 100 {
		test[i].Source = []string{"a", "b", "c"}[i%3] // other rows of known sources
	}
	copied := train[3]
	copied.ID, copied.Text, copied.Source = "copy", strings.ToUpper(copied.Text), "e"
	near := mined[7]
	near.ID, near.Text = "near", near.Text+" too"
	test = append(test, copied, near)
	in := In{Rows: write(t, test...), Train: write(t, train...), Validation: write(t, chosen...), Pool: write(t, mined...)}
	env := stepstest.New(t, "own", "new")
	out, err := run(t.Context(), env.Env, Config{OnLeak: "exclude"}, in)
	if err != nil {
		t.Fatal(err)
	}
	own, _ := out.Own.Read()
	other, _ := out.New.Read()
	if len(own) != 200 || len(other) != 200 || env.Metrics["leaked_rows"] != 2 || env.Metrics["new_sources"] != 2 {
		t.Errorf("%d own, %d new, %v", len(own), len(other), env.Metrics)
	}
	for _, r := range append(own, other...) {
		if r.ID == "copy" || r.ID == "near" {
			t.Errorf("%s is reported on", r.ID)
		}
	}
	for _, r := range other {
		if r.Source != "e" && r.Source != "f" {
			t.Errorf("%s is of source %q, which isn't new", r.ID, r.Source)
		}
	}
	if _, err := run(t.Context(), stepstest.New(t, "own", "new").Env, Config{OnLeak: "stop"}, in); err == nil || !stepstest.IsVerdict(err) || !strings.Contains(err.Error(), "2 of 402 rows leak") {
		t.Errorf("to stop at any: %v", err)
	}
	env = stepstest.New(t, "own", "new")
	if _, err := run(t.Context(), env.Env, Config{OnLeak: "record"}, in); err != nil || env.Metrics["own_rows"]+env.Metrics["new_rows"] != 402 {
		t.Errorf("to record: %v, %v", err, env.Metrics)
	}
	in.Rows = write(t, append(test, train[:3]...)...)
	if _, err := run(t.Context(), stepstest.New(t, "own", "new").Env, Config{OnLeak: "exclude"}, in); err == nil || !stepstest.IsVerdict(err) || !strings.Contains(err.Error(), "at most 1%") {
		t.Errorf("over 1%%: %v", err)
	}
}
