package artifact

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Answers that are read by columns must equal the rows, over several row groups, with and without further seeds.
func TestAnswersAreThoseOfTheRows(t *testing.T) {
	for _, seeds := range []int{0, 1, 3} {
		rows := make([]Scored, 70_000)
		for i := range rows {
			rows[i] = Scored{ID: fmt.Sprint(i), Set: []string{"test", "unseen"}[i/60_000], Label: []string{Benign, Malicious}[i%7/6], Text: "text", Score: float64(i) / 70_000}
			for s := range seeds {
				rows[i].Seeds = append(rows[i].Seeds, float64(s+i))
			}
		}
		rows[3].Seeds = nil
		path := Scores{filepath.Join(t.TempDir(), "scores.parquet")}
		if err := writeAll(path.Path, rows); err != nil {
			t.Fatal(err)
		}
		got, err := path.Answers()
		if err != nil {
			t.Fatal(err)
		}
		var want []Answer
		for r, err := range scan[Scored](path.Path) {
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, Answer{r.Set, r.Label, r.Score, slices.Clone(r.Seeds), r.Threshold})
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%d seeds: %.2000s", seeds, diff)
		}
	}
}

func TestAnswersOfWhatIsNoScores(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scores.parquet")
	if err := os.WriteFile(path, []byte("PAR1 and then no Parquet"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := (Scores{path}).Answers(); err == nil {
		t.Error("no error")
	}
}

func BenchmarkAnswers(b *testing.B) {
	rows := make([]Scored, 120_000)
	for i := range rows {
		rows[i] = Scored{ID: fmt.Sprint(i), Set: "test", Label: Benign, Text: "some text of some length", Score: float64(i*7919%120_001) / 120_001}
	}
	path := Scores{filepath.Join(b.TempDir(), "scores.parquet")}
	if err := writeAll(path.Path, rows); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := path.Answers(); err != nil {
			b.Fatal(err)
		}
	}
}
