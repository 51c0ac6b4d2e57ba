package export

import (
	"cmp"
	"fmt"
	"slices"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/usergraph"
	"rein/steps/internal/windows"
)

// trained is a model as training left it. It writes its graph, and it answers without that graph: without ONNX Runtime, or with another
// graph.
type trained interface {
	graph(metadata map[string]string, weights onnxgraph.Weights) []byte
	logits(texts []string) ([][]float32, error)
	// atOnce is the number of texts to ask about at a time. They take some seconds, because progress is reported between them.
	atOnce() int
	save(dir artifact.Model, info artifact.ModelInfo) error
	close()
}

func load(dir artifact.Model) (trained, artifact.ModelInfo, error) {
	info, err := dir.Info()
	if err != nil {
		return nil, info, err
	}
	switch info.Kind {
	case ngram.Kind:
		m, _, err := ngram.Load(dir)
		return grams{m}, info, err
	case encoder.Kind:
		m, _, tok, err := encoder.Load(dir)
		if err != nil {
			return nil, info, err
		}
		t, err := newTransformer(m, tok, info.Windows)
		return t, info, err
	case usergraph.Kind:
		m, _, files, err := usergraph.Load(dir)
		if err != nil {
			return nil, info, err
		}
		t, err := newUserGraph(m, files, info.Windows)
		return t, info, err
	}
	return nil, info, fmt.Errorf("%s: models of kind %q can't be exported", dir.Path, info.Kind)
}

// grams is an n-gram model. Its reference answers are computed in plain Go.
type grams struct{ m *ngram.Model }

func (g grams) graph(metadata map[string]string, weights onnxgraph.Weights) []byte {
	return g.m.Graph("rein", metadata, weights)
}

func (g grams) save(dir artifact.Model, info artifact.ModelInfo) error { return g.m.Save(dir, info) }

func (g grams) close() {}

func (g grams) atOnce() int { return 1 << 12 }

func (g grams) logits(texts []string) ([][]float32, error) {
	m, out := g.m, make([][]float32, len(texts))
	corpus := ngram.NewCorpus(m.Config, texts)
	const chunk = 256
	ngram.Parallel((len(texts)+chunk-1)/chunk, func() func(int) {
		pooled, hidden := make([]float32, m.Dim), make([]float32, m.Hidden)
		return func(p int) {
			for i := p * chunk; i < min((p+1)*chunk, len(texts)); i++ {
				out[i] = make([]float32, m.Classes)
				m.Logits(corpus.Row(i), pooled, hidden, out[i])
			}
		}
	})
	return out, nil
}

// transformer is an encoder. Its reference answers come from the graph that it was trained with.
type transformer struct {
	m       *encoder.Model
	tok     *encoder.Tokenizer
	read    *windows.Reader
	backend *mlx.Backend
	net     *mlx.Encoder
}

const rowsAtOnce = 16

func newTransformer(m *encoder.Model, tok *encoder.Tokenizer, w *artifact.Windows) (*transformer, error) {
	b, err := mlx.Open("cpu", true)
	if err != nil {
		return nil, err
	}
	net, err := mlx.NewEncoder(b, m, mlx.EncoderConfig{Frozen: m.Layers})
	return &transformer{m, tok, windows.New(tok, m.MaxTokens, w), b, net}, err
}

func (t *transformer) graph(metadata map[string]string, weights onnxgraph.Weights) []byte {
	return t.m.Graph("rein", metadata, weights)
}

func (t *transformer) save(dir artifact.Model, info artifact.ModelInfo) error {
	return t.m.Save(dir, info, t.tok)
}

func (t *transformer) atOnce() int { return 2 * rowsAtOnce }

func (t *transformer) close() {
	t.net.Close()
	t.backend.Close()
}

func (t *transformer) logits(texts []string) ([][]float32, error) {
	return inWindows(t.read, texts, t.rows)
}

func (t *transformer) rows(ids [][]int32) ([][]float32, error) {
	return inBatches(ids, t.m.Classes, func(batch [][]int32) ([]float32, error) { return t.net.Logits(t.net.Lookup(rowsAtOnce, batch)) })
}

// inBatches calls answer for batches of texts of similar length. answer returns the logits of the classes, one text after the other.
func inBatches(ids [][]int32, classes int, answer func(batch [][]int32) ([]float32, error)) ([][]float32, error) {
	out, order := make([][]float32, len(ids)), make([]int, len(ids))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(ids[a]), len(ids[b])) })
	for rows := range slices.Chunk(order, rowsAtOnce) {
		batch := make([][]int32, len(rows))
		for r, i := range rows {
			batch[r] = ids[i]
		}
		logits, err := answer(batch)
		if err != nil {
			return nil, err
		}
		for r, i := range rows {
			out[i] = logits[r*classes : (r+1)*classes]
		}
	}
	return out, nil
}

// inWindows returns the logits of texts and reads long ones in windows, as the scorer does.
func inWindows(r *windows.Reader, texts []string, answer func(ids [][]int32) ([][]float32, error)) ([][]float32, error) {
	var ids [][]int32
	first := make([]int, len(texts)+1)
	for i, text := range texts {
		ids = append(ids, r.Windows(text)...)
		first[i+1] = len(ids)
	}
	answers, err := answer(ids)
	if err != nil {
		return nil, err
	}
	out := make([][]float32, len(texts))
	for i := range texts {
		out[i] = windows.Combine(r.Rule(), answers[first[i]:first[i+1]])
	}
	return out, nil
}
