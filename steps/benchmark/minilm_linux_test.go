package benchmark

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rein/steps/internal/encoder"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
)

// Reports the processor time that MiniLM's graph needs for one row on one thread: int8, or REIN_WEIGHTS. Other graphs with an input of ids, whose paths
// REIN_GRAPHS lists, take turns with it: those of another build, or the one that bench/fused_minilm.py writes.
func TestMiniLMProcessorTime(t *testing.T) {
	dir := os.Getenv("REIN_MINILM")
	if dir == "" {
		t.Skip("set REIN_MINILM to the folder of all-MiniLM-L6-v2")
	}
	m, err := encoder.Read(dir, 2, 512, 1)
	if err != nil {
		t.Fatal(err)
	}
	weights := onnxgraph.Quantized
	if os.Getenv("REIN_WEIGHTS") == "fp32" {
		weights = onnxgraph.FP32
	}
	names, graphs := []string{"ours"}, [][]byte{m.Graph("rein", nil, weights)}
	for _, path := range filepath.SplitList(os.Getenv("REIN_GRAPHS")) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names, graphs = append(names, strings.TrimSuffix(filepath.Base(path), ".onnx")), append(graphs, b)
	}
	var sessions []*ort.Session
	for _, g := range graphs {
		s, err := ort.Open(g, ort.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		sessions = append(sessions, s)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	rng := rand.New(rand.NewPCG(1, 1))
	for _, length := range []int{64, 96, 128} {
		times := make([][]float64, len(sessions))
		for round := range 303 {
			ids := make([]int64, length)
			for i := range ids {
				ids[i] = 999 + rng.Int64N(29000)
			}
			for i, s := range sessions {
				begin := processorTime(t)
				if _, err := s.Run(1, length, ids); err != nil {
					t.Fatal(err)
				}
				if round >= 3 { // the first ones warm up
					times[i] = append(times[i], processorTime(t)-begin)
				}
			}
		}
		for i, v := range times {
			t.Logf("%d ids, %s: least %.2f ms, p50 %.2f, p95 %.2f", length, names[i], percentile(v, 0), percentile(v, 0.5), percentile(v, 0.95))
		}
	}
}

// processorTime is what this thread has used, in milliseconds.
func processorTime(t *testing.T) float64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		t.Fatal(err)
	}
	return 1e3*float64(now.Sec) + float64(now.Nsec)/1e6
}
