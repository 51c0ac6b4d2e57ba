package score

import (
	"fmt"
	"path/filepath"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/stepstest"
)

func TestScoreKeepsRowsAndOrder(t *testing.T) {
	var rows []artifact.Row
	for i := range batch + 10 { // more than one batch
		rows = append(rows, artifact.Row{ID: fmt.Sprint(i), Text: fmt.Sprint("prompt ", i%50), Label: artifact.Benign})
	}
	in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	model := ngramtest.Random(t, 0.5, false)
	env := stepstest.New(t, "rows")
	out, err := run(t.Context(), env.Env, Config{}, In{model, in})
	if err != nil {
		t.Fatal(err)
	}
	got, err := out.Rows.Read()
	if err != nil || len(got) != len(rows) {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	s, err := Open(t.Context(), model.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	flagged := 0
	for i, r := range got {
		if r.ID != rows[i].ID || r.Text != rows[i].Text {
			t.Fatalf("row %d is %+v", i, r)
		}
		if r.Score >= s.Threshold() {
			flagged++
		}
	}
	answers, err := s.Score(t.Context(), []string{rows[7].Text})
	if err != nil || answers[0].Score != got[7].Score || answers[0].Malicious != (got[7].Score >= 0.5) || len(answers[0].Classes) != 3 {
		t.Errorf("%+v, %v, the step says %v", answers, err, got[7].Score)
	}
	if env.Metrics["flagged_rows"] != float64(flagged) || env.Metrics["scored_rows"] != float64(len(rows)) {
		t.Errorf("metrics %v, %d flagged", env.Metrics, flagged)
	}
}

func TestOpenNamesTheFolder(t *testing.T) {
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("no error")
	}
}
