package mlx

import (
	"math/rand/v2"
	"slices"
	"testing"

	"rein/steps/internal/encoder"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
)

// tokens draws a batch of ids, in which the last rows are shorter, and looks them up.
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

// cut divides a batch into n parts. Their weights are such that the parts' losses add up to the batch's.
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

// fusing returns plain Go as a device that trains the way XLA does: everything stays on the device.
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

// A batch in parts changes the weights as the whole batch does, both in Go and on the device.
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
			near(w.Name, w.Data, parts.Weights[i].Data, 2e-3) // 5 steps of up to 0.005 each: if a gradient is almost 0, its sign decides Adam's step
		}
	}
}
