package artifact

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// ModelFormat is the version of a model folder's layout.
const ModelFormat = 1

// The files of a model folder.
const (
	ModelInfoFile    = "model.json"
	ModelWeightsFile = "weights.safetensors"
	ModelGraphFile   = "model.onnx"
	// ModelUserGraphFile is the trained graph of a model of kind "graph": what training goes on from.
	ModelUserGraphFile = "graph.onnx"
)

// ModelInfo is a model folder's model.json: what it takes to use the model, besides its weights.
type ModelInfo struct {
	Format    int               `json:"format"`
	Kind      string            `json:"kind"`              // "ngram", "encoder", "graph": how text becomes the graph's inputs
	Weights   string            `json:"weights,omitempty"` // of the graph: "int8", else float32
	Classes   []string          `json:"classes"`           // in the order of the outputs; Benign is the first
	Threshold float64           `json:"threshold"`         // a threat score at or above it means malicious
	Rule      string            `json:"rule"`              // how the threshold was chosen
	Text      json.RawMessage   `json:"text"`              // how text becomes ids, by Kind: hashing or tokeniser
	Versions  map[string]string `json:"versions"`          // libraries that made it
	Training  map[string]string `json:"training"`          // seed, epochs, rows: for the model card
	Data      *ModelData        `json:"data,omitempty"`    // what it was trained on: for the model card
	Windows   *Windows          `json:"windows,omitempty"` // how a text is read that is longer than the model reads at once; nil: the rest isn't
}

// Windows are parts of a long text that are scored one by one. They are of as many tokens as the model reads at once.
type Windows struct {
	Rule    string `json:"rule"`    // how their answers become the text's: "max" or "noisy-or"
	Overlap int    `json:"overlap"` // tokens of a window that the one before has, too
	Most    int    `json:"most"`    // windows that are read; of a longer text half of them from its start and half from its end
	Why     string `json:"why,omitempty"`
}

// ModelData says what a model was trained on.
type ModelData struct {
	Benign     int            `json:"benign"`
	Malicious  int            `json:"malicious"`
	Validation int            `json:"validation"`          // rows that stopped the training and chose the threshold
	CrossFit   int            `json:"cross_fit,omitempty"` // groups of sources by which the validation rows are training rows, too; 0: they are others
	Sources    map[string]int `json:"sources,omitempty"`   // rows by source, where they name one
	Methods    map[string]int `json:"methods,omitempty"`   // made rows by the method that made them; the others were collected
}

// Info reads model.json.
func (m Model) Info() (ModelInfo, error) {
	var info ModelInfo
	path := filepath.Join(m.Path, ModelInfoFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return info, fmt.Errorf("not a model folder: %w", err)
	}
	if err := json.Unmarshal(b, &info); err != nil {
		return info, fmt.Errorf("%s: %w", path, err)
	}
	if info.Format != ModelFormat {
		return info, fmt.Errorf("%s: format %d, this version reads %d", path, info.Format, ModelFormat)
	}
	if len(info.Classes) < 2 || info.Classes[0] != Benign {
		return info, fmt.Errorf("%s: classes %q: want %q and at least one attack family", path, info.Classes, Benign)
	}
	if !(info.Threshold >= 0 && info.Threshold <= 1) {
		return info, fmt.Errorf("%s: threshold %v is not between 0 and 1", path, info.Threshold)
	}
	return info, nil
}

// WriteInfo writes model.json into the model's folder, which it creates.
func (m Model) WriteInfo(info ModelInfo) error {
	info.Format = ModelFormat
	b, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.Path, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.Path, ModelInfoFile), append(b, '\n'), 0o644)
}
