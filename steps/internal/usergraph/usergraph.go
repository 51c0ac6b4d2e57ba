// Package usergraph holds a classifier around a user's ONNX graph. It computes the graph's inputs from token ids, and adds a head if the
// graph doesn't give logits of our classes.
//
// Glossary:
//
//   - graph: what the user gave
//   - model: the graph, with our input before it (ids, filled up with the tokenizer's pad id) and our outputs after it (logits and probs)
//   - trained weight: a float32 constant of the graph that training may change
//   - word table: the constant whose rows the ids select
//   - body: what the graph gives: logits, one vector for each row, or one for each token, which are averaged over the tokens
package usergraph

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"rein/steps/artifact"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/tokenizer"
)

// Kind is the artifact.ModelInfo.Kind of these models.
const Kind = "graph"

// GraphFile is the file of a model folder with the graph and its weights.
const GraphFile = artifact.ModelUserGraphFile

// Config says how text becomes the model's input, and what is known about the graph. It is saved with the model.
type Config struct {
	MaxTokens int    `json:"max_tokens"`
	Pad       int32  `json:"pad"`
	Tokenizer string `json:"tokenizer"` // digest
	Body      Body   `json:"body"`
	Width     int    `json:"width"` // of the body's vectors
}

// Body is what a user's graph gives.
type Body string

// The bodies.
const (
	BodyLogits Body = "logits" // [batch, classes]
	BodyRows   Body = "rows"   // [batch, width]
	BodyTokens Body = "tokens" // [batch, length, width]
)

// Model is a user's graph with our input and outputs.
type Model struct {
	Config
	Classes int
	Trained []*onnxgraph.Weight // in the file's order
	Values  [][]float32         // current values of Trained
	Words   *Table              // nil if the ids select rows of no constant, or of one with other uses, too
	file    *onnxgraph.File
	fixed   []*onnxgraph.Weight // float32 constants that training doesn't change
}

// Table is the word table, [Vocab, Hidden].
type Table struct {
	Weight        *onnxgraph.Weight
	Vocab, Hidden int
	Data          []float32
	output        string // name of the looked-up rows
}

// Source says where a user's graph is.
type Source struct {
	Path      string // the graph's file, or a folder with model.onnx
	Tokenizer string // the tokenizer's folder or tokenizer.json; empty: Path's own folder
	Output    string // output of the graph to build on; empty: logits, last_hidden_state, token_embeddings or the first
}

// ModelName is the name of the graph's file in a user's folder.
const ModelName = "model.onnx"

// Read reads a user's graph and its tokenizer. If the graph needs a head, it gets a random one, which depends on the seed.
func Read(s Source, classes, maxTokens int, seed int64) (*Model, tokenizer.Files, error) {
	file, path, err := s.read()
	if err != nil {
		return nil, nil, err
	}
	files, err := readTokenizer(s)
	if err != nil {
		return nil, nil, err
	}
	tok, err := files.Open()
	if err != nil {
		return nil, nil, err
	}
	m := &Model{Config: Config{MaxTokens: maxTokens, Pad: tok.Pad(), Tokenizer: tok.Digest().String()}, Classes: classes, file: file}
	if err := m.adapt(s.Output, seed); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if m.Words != nil && tok.Size() > m.Words.Vocab {
		return nil, nil, fmt.Errorf("%s: the tokenizer has %d tokens, the graph's word table %d rows", path, tok.Size(), m.Words.Vocab)
	}
	return m, files, nil
}

// read reads the graph. If Path is a folder, weights may be in other files of the folder.
func (s Source) read() (*onnxgraph.File, string, error) {
	path := s.Path
	var beside func(name string) ([]byte, error)
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		path = filepath.Join(path, ModelName)
		files := map[string][]byte{}
		beside = func(name string) ([]byte, error) {
			if !filepath.IsLocal(name) {
				return nil, fmt.Errorf("%q is not a file of the folder", name)
			}
			if files[name] == nil {
				b, err := os.ReadFile(filepath.Join(s.Path, name))
				if err != nil {
					return nil, err
				}
				files[name] = b
			}
			return files[name], nil
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, path, err
	}
	f, err := onnxgraph.ParseWith(b, beside)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return f, path, err
}

func readTokenizer(s Source) (tokenizer.Files, error) {
	dir := s.Tokenizer
	if dir == "" {
		dir = s.Path
	}
	if st, err := os.Stat(dir); err == nil && !st.IsDir() {
		if s.Tokenizer == "" {
			return nil, fmt.Errorf("graph names a file, which comes without its tokenizer: give the folder that holds %s and tokenizer.json, or tokenizer = \"tokenizer.json\" as well", ModelName)
		}
		return tokenizer.ReadFile(dir)
	}
	return tokenizer.Read(dir)
}

// head adds the weights of a random layer from a vector to logits.
func (m *Model) head(g *onnxgraph.Graph, seed int64) {
	rng := rand.New(rand.NewPCG(uint64(seed), 0x67726170))
	w := make([]float32, m.Width*m.Classes)
	for i := range w {
		w[i] = float32(rng.NormFloat64() / math.Sqrt(float64(m.Width)))
	}
	g.Floats(headWeight, []int{m.Width, m.Classes}, w)
	g.Floats(headBias, []int{m.Classes}, make([]float32, m.Classes))
}

// Graph returns the model as an ONNX file with its current weights.
func (m *Model) Graph(metadata map[string]string) []byte {
	m.writeBack()
	f := m.file.Clone()
	f.Metadata = metadata
	return f.Encode()
}

// writeBack copies the current values into the file's weights.
func (m *Model) writeBack() {
	for i, w := range m.Trained {
		w.SetFloats(m.Values[i])
	}
	if m.Words != nil {
		m.Words.Weight.SetFloats(m.Words.Data)
	}
}

// Save writes the model's folder: info with Kind and the Config filled in, the graph, and the tokenizer's files.
func (m *Model) Save(dir artifact.Model, info artifact.ModelInfo, files tokenizer.Files) error {
	text, err := json.Marshal(m.Config)
	if err != nil {
		return err
	}
	info.Kind, info.Text = Kind, text
	if err := dir.WriteInfo(info); err != nil {
		return err
	}
	if err := files.Write(dir.Path); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir.Path, GraphFile), m.Graph(nil), 0o644)
}

// ParseConfig reads a Config from a model's metadata.
func ParseConfig(b []byte) (Config, error) {
	var c Config
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("graph config: %w", err)
	}
	if c.MaxTokens < 2 || c.Pad < 0 {
		return c, fmt.Errorf("graph config: max_tokens %d, pad %d", c.MaxTokens, c.Pad)
	}
	return c, nil
}

// OpenTokenizer reads the tokenizer in a model's folder. It is an error if the model was trained with another one.
func (c Config) OpenTokenizer(dir string) (tokenizer.Tokenizer, error) {
	files, err := tokenizer.Read(dir)
	if err != nil {
		return nil, err
	}
	t, err := files.Open()
	if err == nil && t.Digest().String() != c.Tokenizer {
		err = fmt.Errorf("%s: its tokenizer is not the one that the model was trained with", dir)
	}
	return t, err
}

// Load reads a folder that Save wrote.
func Load(dir artifact.Model) (*Model, artifact.ModelInfo, tokenizer.Files, error) {
	info, err := dir.Info()
	if err != nil {
		return nil, info, nil, err
	}
	if info.Kind != Kind {
		return nil, info, nil, fmt.Errorf("%s: a model of kind %q, not %q", dir.Path, info.Kind, Kind)
	}
	m := &Model{Classes: len(info.Classes)}
	if m.Config, err = ParseConfig(info.Text); err != nil {
		return nil, info, nil, fmt.Errorf("%s: %w", dir.Path, err)
	}
	if _, err = m.OpenTokenizer(dir.Path); err != nil {
		return nil, info, nil, err
	}
	files, err := tokenizer.Read(dir.Path)
	if err != nil {
		return nil, info, nil, err
	}
	b, err := os.ReadFile(filepath.Join(dir.Path, GraphFile))
	if err != nil {
		return nil, info, nil, err
	}
	if m.file, err = onnxgraph.Parse(b); err != nil {
		return nil, info, nil, fmt.Errorf("%s: %w", dir.Path, err)
	}
	m.sortWeights()
	return m, info, files, nil
}
