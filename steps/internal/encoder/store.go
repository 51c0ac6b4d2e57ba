package encoder

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"rein/steps/artifact"
	"rein/steps/internal/safetensors"
)

// Kind is the artifact.ModelInfo.Kind of these models.
const Kind = "encoder"

// ParseConfig reads a Config from a model's metadata.
func ParseConfig(b []byte) (Config, error) {
	var c Config
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("encoder config: %w", err)
	}
	return c, c.Validate()
}

// Save writes a model folder: info with Kind and the encoder's Config filled in, the weights and the tokenizer's files.
func (m *Model) Save(dir artifact.Model, info artifact.ModelInfo, tok *Tokenizer) error {
	if err := m.check(); err != nil {
		return err
	}
	text, err := json.Marshal(m.Config)
	if err != nil {
		return err
	}
	info.Kind, info.Text = Kind, text
	if err := dir.WriteInfo(info); err != nil {
		return err
	}
	if err := tok.files.Write(dir.Path); err != nil {
		return err
	}
	words := Tensor{Name: "words", Shape: []int{m.Vocab, m.Hidden}, Data: m.Words}
	return safetensors.Write(filepath.Join(dir.Path, artifact.ModelWeightsFile), append([]Tensor{words}, m.Weights...))
}

// Load reads a folder that Save wrote.
func Load(dir artifact.Model) (*Model, artifact.ModelInfo, *Tokenizer, error) {
	info, err := dir.Info()
	if err != nil {
		return nil, info, nil, err
	}
	if info.Kind != Kind {
		return nil, info, nil, fmt.Errorf("%s: a model of kind %q, not %q", dir.Path, info.Kind, Kind)
	}
	cfg, err := ParseConfig(info.Text)
	if err != nil {
		return nil, info, nil, fmt.Errorf("%s: %w", dir.Path, err)
	}
	tok, err := cfg.OpenTokenizer(dir.Path)
	if err != nil {
		return nil, info, nil, err
	}
	path := filepath.Join(dir.Path, artifact.ModelWeightsFile)
	tensors, err := safetensors.Read(path)
	if err != nil {
		return nil, info, nil, err
	}
	by := map[string]Tensor{}
	for _, t := range tensors {
		by[t.Name] = t
	}
	m := &Model{Config: cfg, Classes: len(info.Classes), Words: by["words"].Data}
	for _, s := range cfg.shapes(m.Classes) {
		m.Weights = append(m.Weights, Tensor{Name: s.Name, Shape: s.Shape, Data: by[s.Name].Data})
	}
	if err := m.check(); err != nil {
		return nil, info, nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, info, tok, nil
}
