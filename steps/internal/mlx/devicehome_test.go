package mlx

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rein/steps/internal/encoder"
	"rein/steps/internal/ngram"
)

// Training on the device gives the same weights and word table as training in Go. No word comes twice in a batch here: AdaGrad makes a step
// for each occurrence in Go, but one step for all of them on the device.
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
			if strings.HasSuffix(w.Name, "qkv.bias") { // the softmax cancels the keys' bias, so its gradient is noise
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

// Training on the device that continues from Moments and the model gives the same result as training without a break.
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

// A graph that was compiled ahead isn't compiled again, and compiling changes no weights.
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

// With bfloat16, the logits are about those of float32, and training lowers the loss. A device without bfloat16 uses float32.
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
