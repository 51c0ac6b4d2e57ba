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
	"strings"
	"testing"
	"time"

	"rein/steps/internal/encoder"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/ngram"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
)

// tokens draws a batch of ids, the last rows shorter, and looks them up.
func tokens(m *encoder.Model, rows, length int, seed uint64) (ids []int64, b EncoderBatch) {
	rng := rand.New(rand.NewPCG(seed, 2))
	b = EncoderBatch{Rows: rows, Length: length, Targets: make([]float32, rows*m.Classes), Weights: make([]float32, rows), Drop: make([]float32, rows*m.Hidden)}
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
			ids, b.IDs = append(ids, id), append(b.IDs, int32(id))
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
		e, err := NewEncoder(backend(t), m, EncoderConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		ids, b := tokens(m, 6, 8, 1)
		want, err := e.Logits(b)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ort.Open(m.Graph("rein", nil, onnxgraph.FP32), ort.Options{})
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
		e, err := NewEncoder(backend(t), m, EncoderConfig{Frozen: frozen, WeightDecay: 0.01, Clip: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		for i := range 40 {
			_, b := tokens(m, 8, 8, uint64(i%4))
			loss, grad, err := e.Step([]EncoderBatch{b}, 0.005)
			if err != nil {
				t.Fatal(err)
			}
			if (grad[0] == nil) != (frozen > 0) {
				t.Fatalf("frozen %d: gradient of the words: %v", frozen, grad[0] != nil)
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

// cut is a batch in n parts, weighted so that their losses add up to the batch's.
func cut(m *encoder.Model, b EncoderBatch, n int) []EncoderBatch {
	var out []EncoderBatch
	rows := b.Rows / n
	for p := range n {
		part := func(x []float32, per int) []float32 { return slices.Clone(x[p*rows*per : (p+1)*rows*per]) }
		q := EncoderBatch{Rows: rows, Length: b.Length, IDs: b.IDs[p*rows*b.Length : (p+1)*rows*b.Length], Words: part(b.Words, b.Length*m.Hidden), Mask: part(b.Mask, b.Length),
			Targets: part(b.Targets, m.Classes), Weights: part(b.Weights, 1), Drop: part(b.Drop, m.Hidden)}
		for i := range q.Weights {
			q.Weights[i] /= float32(n)
		}
		out = append(out, q)
	}
	return out
}

// fusing is a device that is trained on as XLA is: all of it is there.
func fusing(t testing.TB) *Backend {
	t.Helper()
	b, err := openGo()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	b.fuses = true
	return b
}

// A batch in parts moves the weights as the whole batch does, whether they are updated in Go or on the device.
func TestPartsAddUp(t *testing.T) {
	for _, there := range []bool{false, true} {
		train := func(parts int) (losses []float32, words []float32, m *encoder.Model) {
			m = tiny(t, "bert")
			b := backend(t)
			if there {
				b = fusing(t)
			}
			e, err := NewEncoder(b, m, EncoderConfig{WeightDecay: 0.01, Clip: 0.1})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			for i := range 5 {
				_, whole := tokens(m, 8, 8, uint64(i))
				loss, grads, err := e.Step(cut(m, whole, parts), 0.005)
				if err != nil {
					t.Fatal(err)
				}
				losses, words = append(losses, loss), slices.Concat(grads...)
			}
			e.Unpack()
			if there {
				words = m.Words
			}
			return losses, words, m
		}
		l1, w1, whole := train(1)
		l4, w4, parts := train(4)
		near := func(what string, a, b []float32, limit float32) {
			t.Helper()
			if len(a) == 0 {
				t.Fatalf("there is no %s", what)
			}
			for i := range a {
				if d := a[i] - b[i]; d > limit || d < -limit {
					t.Fatalf("on the device %v: %s %d: %v of a whole batch, %v of parts", there, what, i, a[i], b[i])
				}
			}
		}
		near("loss", l1, l4, 1e-4)
		near("gradient of the words, or the words", w1, w4, 1e-4)
		for i, w := range whole.Weights {
			near(w.Name, w.Data, parts.Weights[i].Data, 2e-3) // of 5 steps of up to 0.005: where a gradient is almost 0, Adam moves by its sign
		}
	}
}

// What is trained on the device, its word table too, is what is trained in Go, where no word comes twice in a batch (AdaGrad then
// takes a step for each time it comes, on the device one for all).
func TestTheDeviceTrainsAsGoDoes(t *testing.T) {
	for _, frozen := range []int{0, 1} {
		train := func(b *Backend) (loss float32, m *encoder.Model, moments [][]float32) {
			m = tiny(t, "bert")
			e, err := NewEncoder(b, m, EncoderConfig{WeightDecay: 0.01, Clip: 1, Frozen: frozen})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			words := ngram.NewEmbedder(&ngram.Model{Config: ngram.Config{Buckets: m.Vocab, Dim: m.Hidden}, Embedding: m.Words})
			for i := range 4 {
				ids := [][]int32{{5, 6, 7, int32(8 + i)}, {20, 21}}
				batch := e.Lookup(2, ids)
				batch.Targets, batch.Weights, batch.Drop = []float32{1, 0, 0, 0, 1, 0}, []float32{1, 1}, slices.Repeat([]float32{1}, 2*m.Hidden)
				var grads [][]float32
				if loss, grads, err = e.Step([]EncoderBatch{batch}, 0.005); err != nil {
					t.Fatal(err)
				}
				if frozen == 0 && !e.HoldsWords() {
					words.Scatter(batch.IDs, grads[0], 0.005, 0)
				}
			}
			e.Unpack()
			moments, _ = e.Moments()
			if frozen == 0 && !e.HoldsWords() {
				moments = append(moments, words.Accum)
			}
			return loss, m, moments
		}
		l1, here, m1 := train(backend(t))
		l2, there, m2 := train(fusing(t))
		near := func(what string, a, b []float32, limit float32) {
			t.Helper()
			for i := range a {
				if d := a[i] - b[i]; d > limit || d < -limit {
					t.Fatalf("frozen %d: %s %d: %v in Go, %v on the device", frozen, what, i, a[i], b[i])
				}
			}
		}
		near("loss", []float32{l1}, []float32{l2}, 1e-4)
		near("words", here.Words, there.Words, 1e-4)
		for i, w := range here.Weights {
			a, b := slices.Clone(w.Data), slices.Clone(there.Weights[i].Data)
			if strings.HasSuffix(w.Name, "qkv.bias") { // softmax takes no notice of the keys' bias: its gradient is noise
				clear(a[here.Hidden:][:here.Hidden])
				clear(b[here.Hidden:][:here.Hidden])
			}
			near(w.Name, a, b, 2e-3)
		}
		if len(m1) != len(m2) {
			t.Fatalf("frozen %d: %d arrays to go on from in Go, %d on the device", frozen, len(m1), len(m2))
		}
		for i := range m1 {
			near(fmt.Sprintf("moments %d", i), m1[i], m2[i], 1e-4)
		}
	}
}

// Training on the device goes on from what Moments and the model hold as if it hadn't stopped.
func TestTheDeviceGoesOn(t *testing.T) {
	b := fusing(t)
	train := func(stop int) *encoder.Model {
		m := tiny(t, "bert")
		e, err := NewEncoder(b, m, EncoderConfig{WeightDecay: 0.01})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { e.Close() }()
		for i := range 6 {
			if i == stop {
				e.Unpack()
				moments, step := e.Moments()
				e.Close()
				if e, err = NewEncoder(b, m, EncoderConfig{WeightDecay: 0.01}); err != nil {
					t.Fatal(err)
				}
				e.Restore(moments, step)
			}
			_, batch := tokens(m, 8, 8, uint64(i))
			if _, _, err := e.Step([]EncoderBatch{batch}, 0.005); err != nil {
				t.Fatal(err)
			}
		}
		e.Unpack()
		return m
	}
	straight, stopped := train(-1), train(3)
	if !slices.Equal(straight.Words, stopped.Words) {
		t.Error("another word table")
	}
	for i, w := range straight.Weights {
		if !slices.Equal(w.Data, stopped.Weights[i].Data) {
			t.Errorf("other weights %s", w.Name)
		}
	}
}

// What is compiled ahead is compiled once, and changes nothing.
func TestCompileAhead(t *testing.T) {
	train := func(ahead bool) *encoder.Model {
		m := tiny(t, "bert")
		e, err := NewEncoder(fusing(t), m, EncoderConfig{Clip: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if ahead {
			for _, parts := range []bool{false, true} {
				rows := 4
				if parts {
					rows = 2
				}
				if !e.Compiles(rows, 8) {
					t.Errorf("%d rows: nothing to compile", rows)
				}
				if err := e.Compile(rows, 8, parts); err != nil {
					t.Fatal(err)
				}
				if e.Compiles(rows, 8) {
					t.Errorf("%d rows: not compiled", rows)
				}
			}
		}
		_, batch := tokens(m, 4, 8, 1)
		for _, parts := range [][]EncoderBatch{{batch}, cut(m, batch, 2)} {
			if _, _, err := e.Step(parts, 0.005); err != nil {
				t.Fatal(err)
			}
		}
		e.Unpack()
		return m
	}
	want, got := train(false), train(true)
	for i, w := range want.Weights {
		if !slices.Equal(w.Data, got.Weights[i].Data) {
			t.Errorf("other weights %s", w.Name)
		}
	}
	e, err := NewEncoder(backend(t), tiny(t, "bert"), EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.Compiles(4, 8) {
		t.Error("ONNX Runtime is compiled for, too")
	}
}

// Products in bfloat16 give about the logits that float32 gives, and learn; a device without them goes on in float32.
func TestBFloat16(t *testing.T) {
	b := fusing(t)
	logits := func(b *Backend, half bool) (before []float32, first, last float32) {
		m := tiny(t, "bert")
		e, err := NewEncoder(b, m, EncoderConfig{BFloat16: half})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		_, batch := tokens(m, 4, 8, 1)
		if before, err = e.Logits(batch); err != nil {
			t.Fatal(err)
		}
		for i := range 12 {
			if last, _, err = e.Step([]EncoderBatch{batch}, 0.005); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = last
			}
		}
		return before, first, last
	}
	want, _, _ := logits(b, false)
	got, first, last := logits(b, true)
	if slices.Equal(want, got) {
		t.Error("bfloat16 gave the very logits of float32")
	}
	for i := range want {
		if d := want[i] - got[i]; d > 0.05 || d < -0.05 {
			t.Errorf("logit %d: %v in float32, %v in bfloat16", i, want[i], got[i])
		}
	}
	if last > 0.8*first {
		t.Errorf("the loss went from %v to %v only", first, last)
	}
	plain, _, _ := logits(backend(t), false)
	same, _, _ := logits(backend(t), true)
	if !slices.Equal(plain, same) {
		t.Error("a device without bfloat16 gave other logits when it was asked for")
	}
}

// shape is a batch whose training step is timed.
type shape struct {
	rows, length int
	precision    string
}

func (s shape) String() string { return fmt.Sprintf("%dx%dx%s", s.rows, s.length, s.precision) }

// Training steps of MiniLM against PyTorch's: reports both, measured in turns. REIN_DEVICE picks another device than the CPU's
// ONNX Runtime; a GPU gets batches worth its while.
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
	for i := range batch.IDs { // drawn as PyTorch's are
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
