package export

import (
	"rein/steps/artifact"
	"rein/steps/internal/mlx"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/tokenizer"
	"rein/steps/internal/usergraph"
	"rein/steps/internal/windows"
)

// userGraph is a model around a user's graph. Its reference answers come from the GoMLX graph with which it was trained.
type userGraph struct {
	m       *usergraph.Model
	files   tokenizer.Files
	read    *windows.Reader
	backend *mlx.Backend
	net     *mlx.UserGraph
}

func newUserGraph(m *usergraph.Model, files tokenizer.Files, w *artifact.Windows) (*userGraph, error) {
	tok, err := files.Open()
	if err != nil {
		return nil, err
	}
	b, err := mlx.Open("cpu", true)
	if err != nil {
		return nil, err
	}
	net, err := mlx.NewUserGraph(b, m, mlx.EncoderConfig{}, rowsAtOnce)
	if err != nil {
		b.Close()
		return nil, err
	}
	return &userGraph{m, files, windows.New(tok, m.MaxTokens, w), b, net}, nil
}

// graph returns the user's graph with our inputs and outputs. Requests for other weights have been refused before.
func (u *userGraph) graph(metadata map[string]string, _ onnxgraph.Weights) []byte {
	return u.m.Graph(metadata)
}

func (u *userGraph) save(dir artifact.Model, info artifact.ModelInfo) error {
	return u.m.Save(dir, info, u.files)
}

func (u *userGraph) atOnce() int { return 2 * rowsAtOnce }

func (u *userGraph) close() {
	u.net.Close()
	u.backend.Close()
}

func (u *userGraph) logits(texts []string) ([][]float32, error) {
	return inWindows(u.read, texts, u.rows)
}

func (u *userGraph) rows(ids [][]int32) ([][]float32, error) {
	return inBatches(ids, u.m.Classes, func(batch [][]int32) ([]float32, error) { return u.net.Logits(mlx.LookupGraph(u.m, rowsAtOnce, batch)) })
}
