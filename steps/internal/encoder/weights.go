package encoder

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"

	"rein/steps/internal/safetensors"
)

// Tensor is a weight in row-major order. Matrices are [inputs, outputs].
type Tensor = safetensors.Tensor

// Model is an encoder with a head. Its weights are in the order that Config.shapes gives.
type Model struct {
	Config
	Classes int
	Words   []float32 // word table, [Vocab, Hidden]
	Weights []Tensor  // all others, in a fixed order
}

// Positions in Model.Weights: the weights of the embeddings come first, then those of each layer, then the head's.
const (
	Positions = iota // position embeddings, with the first token type's embedding added
	EmbedGain
	EmbedBias
	firstLayer
)

// Positions of a layer's weights, counted from Layer(i).
const (
	QKV = iota // [Hidden, 3*Hidden]: queries, keys and values side by side
	QKVBias
	Out
	OutBias
	Norm1
	Norm1Bias
	Up
	UpBias
	Down
	DownBias
	Norm2
	Norm2Bias
	perLayer
)

// Relative is the position of the relative bias [Buckets, Heads] in models that have one.
const Relative = firstLayer

// Layer is the position of the first weight of layer i.
func (c Config) Layer(i int) int {
	if c.Buckets > 0 {
		return Relative + 1 + i*perLayer
	}
	return firstLayer + i*perLayer
}

// Head is the position of the head's matrix; its bias follows.
func (c Config) Head() int { return c.Layer(c.Layers) }

// shapes lists the names and shapes of all weights except the word table, without data.
func (c Config) shapes(classes int) []Tensor {
	h := c.Hidden
	out := []Tensor{{Name: "positions", Shape: []int{c.Positions, h}}, {Name: "embed.gain", Shape: []int{h}}, {Name: "embed.bias", Shape: []int{h}}}
	if c.Buckets > 0 {
		out = append(out, Tensor{Name: "relative", Shape: []int{c.Buckets, c.Heads}})
	}
	for i := range c.Layers {
		for _, w := range []Tensor{
			{Name: "qkv", Shape: []int{h, 3 * h}}, {Name: "qkv.bias", Shape: []int{3 * h}},
			{Name: "out", Shape: []int{h, h}}, {Name: "out.bias", Shape: []int{h}},
			{Name: "norm1", Shape: []int{h}}, {Name: "norm1.bias", Shape: []int{h}},
			{Name: "up", Shape: []int{h, c.Inner}}, {Name: "up.bias", Shape: []int{c.Inner}},
			{Name: "down", Shape: []int{c.Inner, h}}, {Name: "down.bias", Shape: []int{h}},
			{Name: "norm2", Shape: []int{h}}, {Name: "norm2.bias", Shape: []int{h}},
		} {
			w.Name = fmt.Sprintf("layer%d.%s", i, w.Name)
			out = append(out, w)
		}
	}
	return append(out, Tensor{Name: "head", Shape: []int{h, classes}}, Tensor{Name: "head.bias", Shape: []int{classes}})
}

// Read reads an encoder from a Hugging Face folder and gives it a random head, which depends on the seed. maxTokens is the longest text in
// tokens that the model will read.
func Read(dir string, classes, maxTokens int, seed int64) (*Model, error) {
	cfg, kind, err := readConfig(dir, maxTokens)
	if err != nil {
		return nil, err
	}
	tok, err := cfg.OpenTokenizer(dir)
	if err != nil {
		return nil, err
	}
	cfg.Tokenizer = tok.Digest().String()
	tensors, err := safetensors.Read(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		return nil, err
	}
	r := reader{by: map[string]Tensor{}, family: families[kind]}
	for _, t := range tensors {
		name := t.Name
		for _, prefix := range []string{"bert.", "distilbert.", "roberta.", "mpnet."} {
			name = strings.TrimPrefix(name, prefix)
		}
		r.by[strings.NewReplacer("LayerNorm.gamma", "LayerNorm.weight", "LayerNorm.beta", "LayerNorm.bias").Replace(name)] = t
	}
	m := &Model{Config: cfg, Classes: classes, Words: r.take("embeddings.word_embeddings.weight")}
	r.embeddings(m)
	for i := range cfg.Layers {
		r.layer(m, i)
	}
	if r.err != nil {
		return nil, fmt.Errorf("%s: %w", dir, r.err)
	}
	m.drawHead(seed)
	return m, m.check()
}

// drawHead sets the head's weights to random initial values.
func (m *Model) drawHead(seed int64) {
	rng := rand.New(rand.NewPCG(uint64(seed), 0x68656164))
	w := make([]float32, m.Hidden*m.Classes)
	for i := range w {
		w[i] = float32(rng.NormFloat64() / math.Sqrt(float64(m.Hidden)))
	}
	m.Weights = append(m.Weights[:m.Head()], Tensor{Data: w}, Tensor{Data: make([]float32, m.Classes)})
	for i, s := range m.shapes(m.Classes) {
		m.Weights[i].Name, m.Weights[i].Shape = s.Name, s.Shape
	}
}

// check returns an error if a weight has the wrong size.
func (m *Model) check() error {
	if len(m.Words) != m.Vocab*m.Hidden {
		return fmt.Errorf("word table: %d values, want %d x %d", len(m.Words), m.Vocab, m.Hidden)
	}
	shapes := m.shapes(m.Classes)
	if len(m.Weights) != len(shapes) {
		return fmt.Errorf("%d weights, want %d", len(m.Weights), len(shapes))
	}
	for i, s := range shapes {
		size := 1
		for _, d := range s.Shape {
			size *= d
		}
		if len(m.Weights[i].Data) != size {
			return fmt.Errorf("weights %s: %d values, want %v", s.Name, len(m.Weights[i].Data), s.Shape)
		}
	}
	return nil
}

// reader converts weights from Hugging Face's names and layouts to ours. It keeps the first error.
type reader struct {
	by map[string]Tensor
	family
	err error
}

func (r *reader) take(name string) []float32 {
	t, ok := r.by[name]
	if !ok && r.err == nil {
		r.err = fmt.Errorf("no weight %q", name)
	}
	return t.Data
}

// transposed returns the transpose of a matrix, which the file stores as [outputs, inputs].
func (r *reader) transposed(name string) []float32 {
	w := r.take(name)
	if r.err != nil {
		return nil
	}
	shape := r.by[name].Shape
	if len(shape) != 2 {
		r.err = fmt.Errorf("weight %q: shape %v, want a matrix", name, shape)
		return nil
	}
	out := make([]float32, len(w))
	for i := range shape[0] {
		for j := range shape[1] {
			out[j*shape[0]+i] = w[i*shape[1]+j]
		}
	}
	return out
}

func (r *reader) embeddings(m *Model) {
	table := r.take("embeddings.position_embeddings.weight")
	if r.json {
		table = table[min((int(m.Pad)+1)*m.Hidden, len(table)):]
	}
	pos := append([]float32(nil), table...)
	if types := []float32(nil); r.types {
		if types = r.take("embeddings.token_type_embeddings.weight"); len(types) < m.Hidden {
			return
		}
		for i := range pos {
			pos[i] += types[i%m.Hidden] // we give every token the first type
		}
	}
	m.Weights = append(m.Weights, Tensor{Data: pos},
		Tensor{Data: r.take("embeddings.LayerNorm.weight")}, Tensor{Data: r.take("embeddings.LayerNorm.bias")})
	if m.Buckets > 0 {
		m.Weights = append(m.Weights, Tensor{Data: r.take("encoder.relative_attention_bias.weight")})
	}
}

func (r *reader) layer(m *Model, i int) {
	prefix := fmt.Sprintf(r.family.layer, i)
	name := func(k, part string) string { return prefix + r.parts[k] + "." + part }
	h := m.Hidden
	qkv, bias := make([]float32, 3*h*h), make([]float32, 3*h)
	for j, k := range []string{"q", "k", "v"} {
		w, b := r.transposed(name(k, "weight")), r.take(name(k, "bias"))
		if r.err == nil && (len(w) != h*h || len(b) != h) {
			r.err = fmt.Errorf("weight %q: %d values and %d of its bias, want %d and %d", name(k, "weight"), len(w), len(b), h*h, h)
		}
		if r.err != nil {
			return
		}
		for row := range h {
			copy(qkv[row*3*h+j*h:], w[row*h:(row+1)*h])
		}
		copy(bias[j*h:], b)
	}
	m.Weights = append(m.Weights, Tensor{Data: qkv}, Tensor{Data: bias},
		Tensor{Data: r.transposed(name("o", "weight"))}, Tensor{Data: r.take(name("o", "bias"))},
		Tensor{Data: r.take(name("n1", "weight"))}, Tensor{Data: r.take(name("n1", "bias"))},
		Tensor{Data: r.transposed(name("up", "weight"))}, Tensor{Data: r.take(name("up", "bias"))},
		Tensor{Data: r.transposed(name("down", "weight"))}, Tensor{Data: r.take(name("down", "bias"))},
		Tensor{Data: r.take(name("n2", "weight"))}, Tensor{Data: r.take(name("n2", "bias"))})
}
