package artifact

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// python is an interpreter that has DuckDB and pandas: .ci/python makes one.
func python(t *testing.T) string {
	t.Helper()
	py := os.Getenv("REIN_PYTHON")
	if py == "" {
		py = "python3"
	}
	if err := exec.Command(py, "-c", "import duckdb, pandas, pyarrow").Run(); err != nil {
		t.Skipf("%s has no duckdb and pandas: %v (.ci/python installs them, or set REIN_PYTHON)", py, err)
	}
	return py
}

// Files that steps write must open in common tools.
func TestOtherReaders(t *testing.T) {
	py := python(t)
	texts := []string{"plain", "héllo 你好 🙂", "nul \x00 and\nlines\r\n", "", "quotes \" and , commas"}
	rows := make([]Row, 3*64*1024+17) // several row groups
	want := struct {
		Benign int
		Score  float64
	}{}
	for i := range rows {
		rows[i] = Row{ID: fmt.Sprint(i), Text: texts[i%len(texts)], Label: Malicious, Category: "pii", Source: "s", Score: float64(i) / 8}
		if i%3 == 0 {
			rows[i].Label = Benign
			want.Benign++
		}
		want.Score += rows[i].Score
	}
	path := filepath.Join(t.TempDir(), "rows.parquet")
	if _, err := WriteRows(path, rows); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(py, filepath.Join("testdata", "readers.py"), path).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, err.(*exec.ExitError).Stderr)
	}
	var got struct {
		Columns      []string
		DuckColumns  []string `json:"duckdb_columns"`
		Rows, Benign int
		DuckRows     int `json:"duckdb_rows"`
		DuckBenign   int `json:"duckdb_benign"`
		Texts        []string
		DuckTexts    []string `json:"duckdb_texts"`
		Score        float64
		DuckScore    float64 `json:"duckdb_score"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	columns := []string{"id", "text", "label", "category", "source", "root", "parent", "method", "score", "weight", "time", "role", "channel"}
	for name, c := range map[string][]string{"pandas": got.Columns, "DuckDB": got.DuckColumns} {
		if diff := cmp.Diff(columns, c); diff != "" {
			t.Errorf("%s: columns %s", name, diff)
		}
	}
	for name, x := range map[string][]string{"pandas": got.Texts, "DuckDB": got.DuckTexts} {
		if diff := cmp.Diff(texts, x); diff != "" {
			t.Errorf("%s: texts %s", name, diff)
		}
	}
	if got.Rows != len(rows) || got.DuckRows != len(rows) || got.Benign != want.Benign || got.DuckBenign != want.Benign {
		t.Errorf("counts %+v, want %d rows, %d benign", got, len(rows), want.Benign)
	}
	for name, x := range map[string]float64{"pandas": got.Score, "DuckDB": got.DuckScore} {
		if math.Abs(x-want.Score) > 1e-6*want.Score {
			t.Errorf("%s: scores add up to %v, want %v", name, x, want.Score)
		}
	}
}
