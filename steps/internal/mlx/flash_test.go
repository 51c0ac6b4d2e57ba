package mlx

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/gomlx/compute/dtypes"
	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/nn"
)

// The device's own attention gives about the results of ours, also for rows of different lengths, and about the same gradients. REIN_DEVICE
// chooses the device. Without it, plain Go checks only lengths and axes.
func TestFlashAttention(t *testing.T) {
	b := fusing(t)
	if device := os.Getenv("REIN_DEVICE"); device != "" {
		var err error
		if b, err = Open(device, true); err != nil {
			t.Fatal(err)
		}
		defer b.Close()
	}
	b.flash.try = b.tryFlash
	train := func(own bool) (logits, losses []float32) {
		m := tiny(t, "bert")
		e, err := NewEncoder(b, m, EncoderConfig{BFloat16: true})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if !e.flash {
			t.Fatal("the device's attention isn't used")
		}
		e.flash = own
		_, batch := tokens(m, 8, 32, 1)
		for i := range batch.Mask[len(batch.Mask)-batch.Length:] { // a row of padding
			at := len(batch.Mask) - batch.Length + i
			batch.IDs[at], batch.Mask[at] = m.Pad, 0
		}
		batch.Weights[batch.Rows-1] = 0
		if logits, err = e.Logits(batch); err != nil {
			t.Fatal(err)
		}
		for range 12 {
			loss, _, err := e.Step([]EncoderBatch{batch}, 0.005)
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, loss)
		}
		return logits[:len(logits)-m.Classes], losses
	}
	wantLogits, wantLosses := train(false)
	logits, losses := train(true)
	near := func(what string, got, want []float32) {
		t.Helper()
		for i := range want {
			if d := got[i] - want[i]; !(d <= 0.05 && d >= -0.05) {
				t.Errorf("%s %d: %v of the device's attention, %v of ours", what, i, got[i], want[i])
			}
		}
	}
	near("logit", logits, wantLogits)
	near("loss", losses, wantLosses)
	if last := losses[len(losses)-1]; last > 0.8*losses[0] {
		t.Errorf("the loss went from %v to %v only", losses[0], last)
	}
}

// If a device's attention fails, training uses ours. Each head size is tried once.
func TestFlashAttentionThatFails(t *testing.T) {
	b, tried := fusing(t), 0
	b.flash.try = func(int) error { tried++; return errors.New("no cuDNN") }
	for range 2 {
		e, err := NewEncoder(b, tiny(t, "bert"), EncoderConfig{BFloat16: true})
		if err != nil {
			t.Fatal(err)
		}
		if e.flash {
			t.Error("it is used")
		}
		e.Close()
	}
	if tried != 1 {
		t.Errorf("tried %d times", tried)
	}
}

// normalize is layer normalisation, and its explicit gradient is the gradient of that.
func TestNormalize(t *testing.T) {
	b := backend(t)
	run := func(norm func(x, gain, offset *g.Node) *g.Node) [][]float32 {
		exec, err := newExec(b, func(in []*g.Node) []*g.Node {
			y := norm(in[0], in[1], in[2])
			return append([]*g.Node{y}, g.Gradient(g.ReduceAllSum(g.Mul(y, in[3])), in[0], in[1], in[2])...)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer exec.Finalize()
		rng := rand.New(rand.NewPCG(1, 2))
		draw := func(dims ...int) *tensors.Tensor {
			n := 1
			for _, d := range dims {
				n *= d
			}
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(rng.NormFloat64()) + 0.5
			}
			return tensors.FromFlatDataAndDimensions(x, dims...)
		}
		out, err := exec.Call(draw(5, 7), draw(7), draw(7), draw(5, 7))
		if err != nil {
			t.Fatal(err)
		}
		return flat(out)
	}
	want := run(func(x, gain, offset *g.Node) *g.Node { return nn.LayerNorm(x, []int{1}, 1e-12, gain, offset, nil) })
	got := run(func(x, gain, offset *g.Node) *g.Node { return normalize(x, gain, offset, 1e-12) })
	for i, what := range []string{"value", "gradient of x", "gradient of the gain", "gradient of the offset"} {
		for j := range want[i] {
			if d := got[i][j] - want[i][j]; !(d < 1e-4 && d > -1e-4) {
				t.Errorf("%s %d: %v, GoMLX's layer normalisation has %v", what, j, got[i][j], want[i][j])
			}
		}
	}
}

// With bfloat16, no matrix product of a training step is computed in float32, not even for the gradients.
func TestGradientsInBFloat16(t *testing.T) {
	m := tiny(t, "bert")
	e, err := NewEncoder(fusing(t), m, EncoderConfig{BFloat16: true, Clip: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	products := 0
	d := e.home.(*deviceHome)
	d.whole, err = newExec(fusing(t), func(in []*g.Node) []*g.Node {
		out := d.stepGraph(in)
		for _, n := range in[0].Graph().Nodes() {
			if n.Type() != g.NodeTypeDotGeneral {
				continue
			}
			products++
			if of := n.Inputs()[0].DType(); of != dtypes.BFloat16 {
				t.Errorf("a product of %s: %s", of, n)
			}
		}
		return out
	})
	if err != nil {
		t.Fatal(err)
	}
	_, batch := tokens(m, 4, 8, 1)
	if _, _, err := e.Step([]EncoderBatch{batch}, 0.001); err != nil {
		t.Fatal(err)
	}
	if want := 3 * (6*m.Layers + 1); products != want { // the forward product, and one for each factor's gradient
		t.Errorf("%d products, want %d", products, want)
	}
}
