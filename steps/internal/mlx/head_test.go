package mlx

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	g "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

func backend(t testing.TB) *Backend {
	t.Helper()
	b, err := Open("auto", false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// batch draws a batch that can be learned: the class is how many of the first two columns are positive.
func batch(c HeadConfig, seed uint64) (pooled, targets, weights, mask []float32) {
	rng := rand.New(rand.NewPCG(seed, 1))
	targets, weights = make([]float32, c.Batch*c.Classes), make([]float32, c.Batch)
	for i := range c.Batch {
		row := make([]float32, c.Dim)
		for j := range row {
			row[j] = float32(rng.NormFloat64())
		}
		pooled = append(pooled, row...)
		class := 0
		if row[0] > 0 {
			class++
		}
		if row[1] > 0 {
			class++
		}
		targets[i*c.Classes+class], weights[i] = []float32{1, 0.5, 0.25}[i%3], 1 // what is missing from 1 goes to all malicious classes together
		if class == 0 {
			targets[i*c.Classes] = 1
		}
		for range c.Hidden {
			mask = append(mask, 1)
		}
	}
	return
}

func params(c HeadConfig) []float32 {
	rng := rand.New(rand.NewPCG(5, 5))
	p := make([]float32, c.Params())
	for i := range p {
		p[i] = float32(rng.NormFloat64() * 0.3)
	}
	return p
}

func trained(t *testing.T, c HeadConfig, steps int) (first, last float32, values, grad []float32) {
	t.Helper()
	h, err := NewHead(backend(t), c, params(c))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for i := range steps {
		pooled, targets, weights, mask := batch(c, uint64(i))
		if last, grad, err = h.Step(pooled, targets, weights, mask, 0.02); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = last
		}
	}
	return first, last, h.Values(), grad
}

var config = HeadConfig{Batch: 64, Dim: 4, Hidden: 16, Classes: 3}

func TestHeadLearnsAndRepeats(t *testing.T) {
	first, last, a, _ := trained(t, config, 200)
	if last > first/2 {
		t.Errorf("loss went from %v to %v only", first, last)
	}
	_, _, b, _ := trained(t, config, 200)
	if !slices.Equal(a, b) {
		t.Error("equal training gave other parameters")
	}
}

// ONNX Runtime runs the graph in place, other devices run it through GoMLX. Both give the same results.
func TestDevicesAgree(t *testing.T) {
	var values, grads [2][]float32
	for i, device := range []string{"cpu", "go"} {
		b, err := Open(device, false)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		h, err := NewHead(b, config, params(config))
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		for step := range 20 {
			pooled, targets, weights, mask := batch(config, uint64(step))
			if _, grads[i], err = h.Step(pooled, targets, weights, mask, 0.02); err != nil {
				t.Fatal(err)
			}
		}
		values[i] = h.Values()
	}
	for what, pair := range map[string][2][]float32{"parameters": values, "gradient": grads} {
		for i, v := range pair[0] {
			if d := v - pair[1][i]; d > 1e-4 || d < -1e-4 {
				t.Fatalf("%s %d: %v with ONNX Runtime, %v in Go", what, i, v, pair[1][i])
			}
		}
	}
}

// A short batch is an error. Otherwise rows of the previous batch would fill it up.
func TestShortBatchIsAnError(t *testing.T) {
	h, err := NewHead(backend(t), config, params(config))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	pooled, targets, weights, mask := batch(config, 1)
	if _, _, err := h.Step(pooled[:config.Dim], targets, weights, mask, 0.1); err == nil || !strings.Contains(err.Error(), "input 0 has 4 values, want [64 4]") {
		t.Errorf("got %v", err)
	}
}

func TestFillingRowsChangeNothing(t *testing.T) {
	h := func(fill float32) []float32 {
		head, err := NewHead(backend(t), config, params(config))
		if err != nil {
			t.Fatal(err)
		}
		pooled, targets, weights, mask := batch(config, 1)
		for i := config.Batch / 2; i < config.Batch; i++ {
			weights[i] = 0
			for j := range config.Dim {
				pooled[i*config.Dim+j] = fill
			}
		}
		_, grad, err := head.Step(pooled, targets, weights, mask, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range grad[config.Batch/2*config.Dim:] {
			if v != 0 {
				t.Fatal("a filling row has a gradient")
			}
		}
		return head.Values()
	}
	if !slices.Equal(h(0), h(3)) {
		t.Error("filling rows changed the update")
	}
}

// The gradient of the pooled input equals differences of the loss.
func TestGradientByDifferences(t *testing.T) {
	for name, loss := range map[string]Loss{
		"plain": {}, "focal": {Focal: 2}, "energy": {Energy: 0.5, Margin: 0.1},
	} {
		c := config
		c.Loss = loss
		at := func(bump float32, i int) (float32, []float32) {
			h, err := NewHead(backend(t), c, params(c))
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			pooled, targets, weights, mask := batch(c, 3)
			pooled[i] += bump
			l, grad, err := h.Step(pooled, targets, weights, mask, 0)
			if err != nil {
				t.Fatal(err)
			}
			return l, grad
		}
		for _, i := range []int{0, 5, 77, 200} {
			const e = 0.02
			up, _ := at(e, i)
			down, _ := at(-e, i)
			_, grad := at(0, i)
			want := (up - down) / (2 * e)
			if d := want - grad[i]; d > 3e-4 || d < -3e-4 {
				t.Errorf("%s: gradient %d is %v, differences give %v", name, i, grad[i], want)
			}
		}
	}
}

// A row's loss is that of its label, plus a share of the loss of its class among the malicious ones.
func TestLossByHand(t *testing.T) {
	probs := [][]float64{{0.5, 0.25, 0.25}, {0.2, 0.3, 0.5}, {0.2, 0.3, 0.5}}
	const share, off = 0.25, 0.1 // weight of the class among the malicious ones; label smoothing
	targets := [][]float64{{1 - off, 0, 0}, {off, share, 0}, {1, 0, 0}}
	want := 0.0
	want -= (1-off)*math.Log(0.5) + off*math.Log(0.5)
	want -= off*math.Log(0.2) + (1-off)*math.Log(0.8) + share*math.Log(0.3/0.8)
	want -= 2 * math.Log(0.2)
	weights := []float64{1, 1, 2}
	flat32 := func(rows [][]float64, of func(float64) float64) (out [][]float32) {
		for _, r := range rows {
			var row []float32
			for _, v := range r {
				row = append(row, float32(of(v)))
			}
			out = append(out, row)
		}
		return out
	}
	exec, err := g.NewExec(backend(t).b, func(logits, targets, weights *g.Node) *g.Node {
		return Loss{}.graph(logits, targets, weights)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	out, err := exec.Call(flat32(probs, func(p float64) float64 { return 3 + math.Log(p) }), flat32(targets, func(v float64) float64 { return v }),
		flat32([][]float64{weights}, func(v float64) float64 { return v })[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := float64(tensors.MustCopyFlatData[float32](out[0])[0]); math.Abs(got-want/3) > 1e-5 {
		t.Errorf("loss %v, want %v", got, want/3)
	}
}

func BenchmarkStep(b *testing.B) {
	c := HeadConfig{Batch: 1024, Dim: 16, Hidden: 32, Classes: 6}
	h, err := NewHead(backend(b), c, params(c))
	if err != nil {
		b.Fatal(err)
	}
	pooled, targets, weights, mask := batch(c, 1)
	for b.Loop() {
		if _, _, err := h.Step(pooled, targets, weights, mask, 0.01); err != nil {
			b.Fatal(err)
		}
	}
}
