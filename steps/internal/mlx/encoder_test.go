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
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/ort"
)

// tokens draws a batch of ids, the last rows shorter, and looks them up.
func tokens(m *encoder.Model, rows, length int, seed uint64) (ids []int64, b EncoderBatch) {
	rng := rand.New(rand.NewPCG(seed, 2))
	b = EncoderBatch{Length: length, Targets: make([]float32, rows*m.Classes), Weights: make([]float32, rows), Drop: make([]float32, rows*m.Hidden)}
	for i := range b.Drop {
		b.Drop[i] = 1
	}
	for r := range rows {
		class := rng.IntN(m.Classes)
		b.Targets[r*m.Classes+class], b.Weights[r] = 1, 1
		for p := range length {
			id := int64(5 + class + m.Classes*rng.IntN(5))
			if p > 0 && p >= length-r%4 {
				id = int64(m.Pad)
			}
			ids = append(ids, id)
			mask := float32(1)
			if id == int64(m.Pad) {
				mask = 0
			}
			b.Mask = append(b.Mask, mask)
			b.Words = append(b.Words, m.Words[int(id)*m.Hidden:][:m.Hidden]...)
		}
	}
	return ids, b
}

func tiny(t testing.TB, kind string) *encoder.Model {
	t.Helper()
	m, err := encoder.Read(encodertest.Folder(t, kind), 3, 16, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The trained graph and the exported one are two implementations of one model.
func TestEncoderEqualsItsONNX(t *testing.T) {
	for _, kind := range []string{"bert", "distilbert", "roberta", "mpnet"} {
		m := tiny(t, kind)
		e, err := NewEncoder(backend(t), m, EncoderConfig{Rows: 6})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		ids, b := tokens(m, 6, 8, 1)
		want, err := e.Logits(b)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ort.Open(m.Graph("rein", nil, false), ort.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		got, err := s.Run(6, 8, ids)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if d := want[i] - got[1][i]; d > 1e-5 || d < -1e-5 {
				t.Fatalf("%s: logit %d: %v in GoMLX, %v in ONNX", kind, i, want[i], got[1][i])
			}
		}
	}
}

func TestEncoderLearnsAndRepeats(t *testing.T) {
	train := func(frozen int) (first, last float32, weights [][]float32) {
		m := tiny(t, "bert")
		e, err := NewEncoder(backend(t), m, EncoderConfig{Rows: 8, Frozen: frozen, WeightDecay: 0.01, Clip: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		for i := range 40 {
			_, b := tokens(m, 8, 8, uint64(i%4))
			loss, grad, err := e.Step(b, 0.005)
			if err != nil {
				t.Fatal(err)
			}
			if (grad == nil) != (frozen > 0) {
				t.Fatalf("frozen %d: gradient of the words: %v", frozen, grad != nil)
			}
			if i == 0 {
				first = loss
			}
			last = loss
		}
		e.Unpack()
		for _, w := range m.Weights {
			weights = append(weights, w.Data)
		}
		return first, last, weights
	}
	start := tiny(t, "bert")
	for _, frozen := range []int{0, 1, 2} {
		first, last, a := train(frozen)
		if last > 0.8*first {
			t.Errorf("frozen %d: loss went from %v to %v only", frozen, first, last)
		}
		_, _, b := train(frozen)
		for i := range a {
			if !slices.Equal(a[i], b[i]) {
				t.Fatalf("frozen %d: weights %s: equal training gave others", frozen, start.Weights[i].Name)
			}
			if same := slices.Equal(a[i], start.Weights[i].Data); same != (frozen > 0 && i < start.Layer(frozen)) {
				t.Errorf("frozen %d: weights %s: unchanged %v", frozen, start.Weights[i].Name, same)
			}
		}
	}
}

// A training step of MiniLM, 16 rows of 64 tokens, against PyTorch's: reports both, measured in turns. REIN_DEVICE picks
// another device than the CPU's ONNX Runtime.
func TestMiniLMStepAgainstPyTorch(t *testing.T) {
	dir, py := os.Getenv("REIN_MINILM"), os.Getenv("REIN_PYTHON")
	if dir == "" || py == "" || exec.Command(py, "-c", "import torch, transformers").Run() != nil {
		t.Skip("set REIN_MINILM to the all-MiniLM-L6-v2 folder and REIN_PYTHON to an interpreter with torch and transformers")
	}
	const rows, length, steps = 16, 64, 9
	m, err := encoder.Read(dir, 6, 128, 1)
	if err != nil {
		t.Fatal(err)
	}
	device := os.Getenv("REIN_DEVICE")
	if device == "" {
		device = "cpu"
	}
	b, err := Open(device, true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	e, err := NewEncoder(b, m, EncoderConfig{Rows: rows, Clip: 1, WeightDecay: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, batch := tokens(m, rows, length, 1)
	for range 2 {
		var times []time.Duration
		for range steps + 2 {
			begin := time.Now()
			if _, _, err := e.Step(batch, 1e-5); err != nil {
				t.Fatal(err)
			}
			times = append(times, time.Since(begin))
		}
		ours := slices.Sorted(slices.Values(times[2:]))[steps/2].Seconds()
		out, err := exec.Command(py, filepath.Join("..", "..", "train", "bench", "torch_minilm.py"), dir,
			fmt.Sprint(rows), fmt.Sprint(length), fmt.Sprint(steps), fmt.Sprint(runtime.GOMAXPROCS(0))).Output()
		if err != nil {
			t.Fatal(err)
		}
		var theirs struct{ Seconds float64 }
		if err := json.Unmarshal(out, &theirs); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %s: %.3f s a step, PyTorch %.3f s (%.2f times as fast)", b.Name, b.Notice, ours, theirs.Seconds, theirs.Seconds/ours)
	}
}
