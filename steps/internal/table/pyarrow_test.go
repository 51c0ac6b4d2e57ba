package table

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pyarrow returns a Python that has pyarrow, or skips the test.
func pyarrow(t *testing.T) string {
	t.Helper()
	py := os.Getenv("REIN_PYTHON")
	if py == "" {
		py = "python3"
	}
	if out, err := exec.Command(py, "-c", "import pyarrow").CombinedOutput(); err != nil {
		t.Skipf("no Python with pyarrow (pip install pyarrow; REIN_PYTHON says which python): %v %.200s", err, out)
	}
	return py
}

// TestParquetAsPyarrowReadsIt compares what we read from every kind of column, also nested, with what pyarrow reads. pyarrow wrote the
// file.
func TestParquetAsPyarrowReadsIt(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command(pyarrow(t), filepath.Join("testdata", "write.py"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(files) < 9 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		b, err := os.ReadFile(path[:len(path)-len("parquet")] + "json")
		if err != nil {
			t.Fatal(err)
		}
		var want []map[string]any
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		var got []map[string]any
		for rec, err := range Scan(Source{name, path}, Options{}) {
			if err != nil || rec.Broken != nil {
				t.Fatalf("%s: %v, %v", name, err, rec.Broken)
			}
			got = append(got, rec.Values)
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d rows, want %d", name, len(got), len(want))
			continue
		}
		for i := range want {
			if diff := cmp.Diff(expected(want[i], got[i]), any(got[i])); diff != "" {
				t.Errorf("%s: row %d: %s", name, i+1, diff)
				break
			}
		}
	}
}

// expected brings a value into the form in which it is compared: integers and decimals by their digits, floats by their value.
func expected(want, got any) any {
	switch w := want.(type) {
	case map[string]any:
		if s, ok := w["number"].(string); ok && len(w) == 1 {
			return json.Number(s)
		}
		if x, ok := w["float"].(float64); ok && len(w) == 1 {
			n, _ := got.(json.Number)
			if y, err := strconv.ParseFloat(string(n), 64); err == nil && math.Abs(x-y) <= 1e-7*math.Abs(x) {
				return n
			}
			return x
		}
		g, _ := got.(map[string]any)
		out := map[string]any{}
		for k, v := range w {
			out[k] = expected(v, g[k])
		}
		return out
	case []any:
		g, _ := got.([]any)
		out := make([]any, len(w))
		for i, v := range w {
			var of any
			if i < len(g) {
				of = g[i]
			}
			out[i] = expected(v, of)
		}
		return out
	}
	return want
}
