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
	// ModelUserGraphFile is the trained graph of a model of kind "graph". Further training starts from it.
	ModelUserGraphFile = "graph.onnx"
)

// ModelInfo is the content of a model folder's model.json: all that a user of the model needs besides the weights.
type ModelInfo struct {
	Format    int               `json:"format"`
	Kind      string            `json:"kind"`              // how text becomes the graph's inputs: "ngram", "encoder" or "graph"
	Weights   string            `json:"weights,omitempty"` // number type of the graph's weights: "int8"; "" means float32
	Classes   []string          `json:"classes"`           // names of the outputs, in their order; the first is Benign
	Threshold float64           `json:"threshold"`         // a threat score at or above the threshold means malicious
	Rule      string            `json:"rule"`              // how the threshold was chosen
	Text      json.RawMessage   `json:"text"`              // how text becomes ids: hashing or tokeniser, by Kind
	Versions  map[string]string `json:"versions"`          // versions of the libraries that trained it
	Training  map[string]string `json:"training"`          // seed, epochs, rows; shown in the model card
	Data      *ModelData        `json:"data,omitempty"`    // what it was trained on; shown in the model card
	Windows   *Windows          `json:"windows,omitempty"` // how longer texts are read than fit into the model; nil: they are cut
}

// Windows says how a text is scored that has more tokens than fit into the model. The text is divided into overlapping windows, each as
// long as the model's input, and each window is scored alone.
type Windows struct {
	Rule    string `json:"rule"`    // how the windows' scores become the text's: "max" or "noisy-or"
	Overlap int    `json:"overlap"` // tokens that a window shares with the one before
	Most    int    `json:"most"`    // largest number of windows; of a longer text, half are from its start and half from its end
	Why     string `json:"why,omitempty"`
}

// ModelData says how many rows a model was trained on and where they came from.
type ModelData struct {
	Benign     int            `json:"benign"`
	Malicious  int            `json:"malicious"`
	Validation int            `json:"validation"`          // rows that decided when training stopped, and the threshold
	CrossFit   int            `json:"cross_fit,omitempty"` // groups of sources for cross-fitting, where validation rows are training rows, too; 0: separate rows
	Sources    map[string]int `json:"sources,omitempty"`   // rows by source; rows without a source aren't counted
	Methods    map[string]int `json:"methods,omitempty"`   // generated rows by the method that made them
}

// Info reads model.json. It fails if the folder has none, or one of another format, or one whose classes or threshold are invalid.
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

// WriteInfo writes model.json into the model's folder. It creates the folder if there is none.
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
