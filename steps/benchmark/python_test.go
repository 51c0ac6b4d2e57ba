package benchmark

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
)

// The test runs the same graphs in Python's ONNX Runtime, in turns with rein's: one thread, one row, on one core. It reports the ratios of
// the medians.
func TestAgainstPythonONNXRuntime(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	py := os.Getenv("REIN_PYTHON")
	if py == "" {
		py = "python3"
	}
	if exec.Command(py, "-c", "import onnxruntime, numpy").Run() != nil {
		t.Skipf("%s has no onnxruntime: set REIN_PYTHON to an interpreter that has", py)
	}
	graphs := map[string]string{"n-grams": filepath.Join(ngramtest.Random(t, 0.5, true).Path, artifact.ModelGraphFile)}
	if dir := os.Getenv("REIN_MINILM"); dir != "" {
		m, err := encoder.Read(dir, 6, 512, 1)
		if err != nil {
			t.Fatal(err)
		}
		for name, weights := range map[string]onnxgraph.Weights{"MiniLM": onnxgraph.FP32, "MiniLM, int8": onnxgraph.Quantized} {
			graphs[name] = filepath.Join(t.TempDir(), "model.onnx")
			if err := os.WriteFile(graphs[name], m.Graph("rein", nil, weights), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	undo, _ := pin(1) // Python inherits it
	defer undo()
	for name, path := range graphs {
		lengths := []int{16, 64, 128, 512}
		ours, theirs, version := turns(t, py, path, lengths)
		for i, length := range lengths {
			a, b := median(ours[i]), median(theirs[i])
			t.Logf("%s, %d ids: %.3f ms, Python's onnxruntime %s %.3f ms (%.2f times its time)", name, length, a*1e3, version, b*1e3, a/b)
		}
	}
}

// turns measures both in turns and returns the medians by length and round, in seconds.
func turns(t *testing.T, py, path string, lengths []int) (ours, theirs [][]float64, version string) {
	t.Helper()
	graph, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ort.Open(graph, ort.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	args := []string{filepath.Join("bench", "onnxruntime_latency.py"), path}
	for _, n := range lengths {
		args = append(args, strconv.Itoa(n))
	}
	cmd := exec.Command(py, args...)
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	lines := bufio.NewScanner(out)
	ours, theirs = make([][]float64, len(lengths)), make([][]float64, len(lengths))
	for range 5 {
		fmt.Fprintln(in)
		if !lines.Scan() {
			t.Fatal("Python ended")
		}
		var r struct {
			Version string
			Seconds []float64
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		version = r.Version
		for i, n := range lengths {
			ids := make([]int64, n)
			for j := range ids {
				ids[j] = int64(j%1000 + 1)
			}
			var times []float64
			for range max(8, 2000/n) {
				begin := time.Now()
				if _, err := s.Run(1, n, ids); err != nil {
					t.Fatal(err)
				}
				times = append(times, time.Since(begin).Seconds())
			}
			ours[i], theirs[i] = append(ours[i], median(times)), append(theirs[i], r.Seconds[i])
		}
	}
	return ours, theirs, version
}

func median(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }
