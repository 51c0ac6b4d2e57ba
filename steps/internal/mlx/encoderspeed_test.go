package mlx

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"rein/steps/internal/encoder"
)

// shape is a batch whose training step is timed.
type shape struct {
	rows, length int
	precision    string
}

func (s shape) String() string { return fmt.Sprintf("%dx%dx%s", s.rows, s.length, s.precision) }

// Reports the time of MiniLM's training steps here and in PyTorch, measured in turns. REIN_DEVICE chooses another device than ONNX Runtime
// on the CPU. A GPU gets larger batches.
func TestMiniLMStepAgainstPyTorch(t *testing.T) {
	dir, py := os.Getenv("REIN_MINILM"), os.Getenv("REIN_PYTHON")
	if dir == "" || py == "" || exec.Command(py, "-c", "import torch, transformers").Run() != nil {
		t.Skip("set REIN_MINILM to the all-MiniLM-L6-v2 folder and REIN_PYTHON to an interpreter with torch and transformers")
	}
	device, steps, shapes := "cpu", 9, []shape{{16, 64, "fp32"}}
	if d := os.Getenv("REIN_DEVICE"); d != "" {
		device = d
	}
	theirs := "cpu"
	if device == "cuda" {
		theirs, steps = "cuda", 25
		shapes = []shape{{32, 128, "fp32"}, {128, 128, "fp32"}, {32, 128, "bf16"}, {128, 128, "bf16"}, {512, 128, "bf16"}}
	}
	b, err := Open(device, true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	args := []string{filepath.Join("..", "..", "train", "bench", "torch_minilm.py"), dir, theirs, fmt.Sprint(steps), fmt.Sprint(runtime.GOMAXPROCS(0))}
	for _, s := range shapes {
		args = append(args, s.String())
	}
	for range 2 {
		ours := map[shape]float64{}
		for _, s := range shapes {
			ours[s] = stepSeconds(t, b, dir, s, steps)
		}
		out, err := exec.Command(py, args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		var torch map[string]float64
		if err := json.Unmarshal(out, &torch); err != nil {
			t.Fatal(err)
		}
		for _, s := range shapes {
			u, p := ours[s], torch[s.String()]
			t.Logf("%s %s, %s: %.1f ms a step, %.0f rows/s; PyTorch %.1f ms, %.0f rows/s (%.2f times as fast)",
				b.Name, b.Notice, s, 1e3*u, float64(s.rows)/u, 1e3*p, float64(s.rows)/p, p/u)
		}
	}
}

// stepSeconds is the median time of a training step.
func stepSeconds(t *testing.T, b *Backend, dir string, s shape, steps int) float64 {
	t.Helper()
	m, err := encoder.Read(dir, 6, 128, 1)
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEncoder(b, m, EncoderConfig{Clip: 1, WeightDecay: 0.01, BFloat16: s.precision == "bf16"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, batch := tokens(m, s.rows, s.length, 1)
	rng := rand.New(rand.NewPCG(1, 3))
	for i := range batch.IDs { // random ids, as in the run with PyTorch
		batch.IDs[i], batch.Mask[i] = int32(5+rng.IntN(30000-5)), 1
	}
	var times []time.Duration
	for range steps + 2 {
		begin := time.Now()
		if _, _, err := e.Step([]EncoderBatch{batch}, 1e-5); err != nil {
			t.Fatal(err)
		}
		times = append(times, time.Since(begin))
	}
	return slices.Sorted(slices.Values(times[2:]))[steps/2].Seconds()
}
