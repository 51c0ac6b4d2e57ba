package table

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"
)

// textRow is a row with texts that files often get wrong.
type textRow struct {
	Text  string `json:"text" parquet:"text"`
	More  string `json:"more" parquet:"more"`
	Label string `json:"label" parquet:"label"`
}

func textRows() []textRow {
	field := rapid.Custom(func(t *rapid.T) string {
		return rapid.StringOfN(rapid.SampledFrom([]rune("ab ,;\"'\t\\#%{}[]:|\n=-éß日本🙂\u200b")), 0, 30, -1).Draw(t, "text")
	})
	rows := make([]textRow, 300)
	for i := range rows {
		// "x" keeps a record from being an empty line, which CSV readers skip
		rows[i] = textRow{"x" + field.Example(3*i), field.Example(3*i + 1), field.Example(3*i + 2)}
	}
	return rows
}

// TestTextsAsOthersReadThem compares what we read from CSV, JSON lines and Parquet with what DuckDB and Python read.
func TestTextsAsOthersReadThem(t *testing.T) {
	py := os.Getenv("REIN_PYTHON")
	if py == "" {
		py = "python3"
	}
	if out, err := exec.Command(py, "-c", "import duckdb").CombinedOutput(); err != nil {
		t.Skipf("no Python with DuckDB (pip install duckdb; REIN_PYTHON says which python): %v %.200s", err, out)
	}
	rows := textRows()
	var c, j, p bytes.Buffer
	cw, jw, pw := csv.NewWriter(&c), json.NewEncoder(&j), parquet.NewGenericWriter[textRow](&p)
	cw.Write([]string{"text", "more", "label"})
	for _, r := range rows {
		cw.Write([]string{r.Text, r.More, r.Label})
		if err := jw.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	cw.Flush()
	if _, err := pw.Write(rows); err != nil || pw.Close() != nil || cw.Error() != nil {
		t.Fatal(err)
	}
	files := []string{file(t, "a.csv", c.String()).Path, file(t, "a.jsonl", j.String()).Path, file(t, "a.parquet", p.String()).Path}
	said, err := exec.Command(py, append([]string{filepath.Join("testdata", "read.py")}, files...)...).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	var others map[string][]map[string]any
	if err := json.Unmarshal(said, &others); err != nil {
		t.Fatal(err)
	}
	ours := map[string]string{"duckdb csv": files[0], "python csv": files[0], "python json": files[1], "duckdb parquet": files[2]}
	for reader, path := range ours {
		var got []map[string]any
		for rec, err := range Scan(Source{filepath.Base(path), path}, Options{}) {
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			got = append(got, rec.Values)
		}
		if diff := cmp.Diff(others[reader], got); diff != "" || len(got) != len(rows) {
			t.Errorf("%s, %d rows: %s", reader, len(got), diff)
		}
	}
}
