// Package usergraph holds a classifier around an ONNX graph of the user's own: its inputs are made from token ids, and a
// head is put on it where it gives no logits of our classes.
//
// Glossary: graph, what the user gave; model, the graph with our input before it (ids, filled up with the tokenizer's pad
// id) and our outputs after it (logits and probs); trained weight, a float32 constant of the graph that training may
// change; word table, the constant whose rows the ids pick; body, what the graph gives: logits, a vector a row, or a
// vector a token, which is averaged over the tokens.
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

// GraphFile is the model's graph with its weights, in a model folder.
const GraphFile = artifact.ModelUserGraphFile

// Config is what turns text into the model's input, and what is known of the graph. It travels with the model.
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

// Model is a user's graph with our ends.
type Model struct {
	Config
	Classes int
	Trained []*onnxgraph.Weight // in the file's order
	Values  [][]float32         // theirs as they are now
	Words   *Table              // nil: ids pick rows of no constant, or of one that is used elsewhere too
	file    *onnxgraph.File
	fixed   []*onnxgraph.Weight // float32 constants that stay as they are
}

// Table is the word table.
type Table struct {
	Weight        *onnxgraph.Weight
	Vocab, Hidden int
	Data          []float32
	output        string // of the operator that looks the rows up
}

// Source says where a model comes from.
type Source struct {
	Path      string // the graph's file, or a folder with model.onnx
	Tokenizer string // the tokenizer's folder or tokenizer.json; empty: Path's own folder
	Output    string // of the graph; empty: logits, last_hidden_state or the first
}

// ModelName is what the graph's file is called in a folder.
const ModelName = "model.onnx"

// Read reads a user's graph and draws a head for it where it takes one.
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

// read reads the graph; weights in files beside it are found where Path is a folder.
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
			return nil, fmt.Errorf("graph = a file comes without its tokenizer: give the folder that holds %s and tokenizer.json, or tokenizer = \"tokenizer.json\" as well", ModelName)
		}
		return tokenizer.ReadFile(dir)
	}
	return tokenizer.Read(dir)
}

// head draws the layer from a vector to logits.
func (m *Model) head(g *onnxgraph.Graph, seed int64) {
	rng := rand.New(rand.NewPCG(uint64(seed), 0x67726170))
	w := make([]float32, m.Width*m.Classes)
	for i := range w {
		w[i] = float32(rng.NormFloat64() / math.Sqrt(float64(m.Width)))
	}
	g.Floats(headWeight, []int{m.Width, m.Classes}, w)
	g.Floats(headBias, []int{m.Classes}, make([]float32, m.Classes))
}

// Graph is the model's file, with metadata.
func (m *Model) Graph(metadata map[string]string) []byte {
	m.writeBack()
	f := m.file.Clone()
	f.Metadata = metadata
	return f.Encode()
}

// writeBack writes the weights' values back.
func (m *Model) writeBack() {
	for i, w := range m.Trained {
		w.SetFloats(m.Values[i])
	}
	if m.Words != nil {
		m.Words.Weight.SetFloats(m.Words.Data)
	}
}

// Save writes the model's folder.
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

// OpenTokenizer reads a model folder's tokenizer; it must be the one that the model was trained with.
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

// Load reads what Save wrote.
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
	m.sort()
	return m, info, files, nil
}
