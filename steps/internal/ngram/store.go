package ngram

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"rein/steps/artifact"
	"rein/steps/internal/safetensors"
)

// Kind is the artifact.ModelInfo.Kind of these models.
const Kind = "ngram"

// tensors lists the weights as they are stored.
func (m *Model) tensors() []safetensors.Tensor {
	return []safetensors.Tensor{
		{Name: "embedding", Shape: []int{m.Buckets, m.Dim}, Data: m.Embedding},
		{Name: "idf", Shape: []int{m.Buckets}, Data: m.IDF},
		{Name: "hidden.weight", Shape: []int{m.Dim, m.Hidden}, Data: m.W1},
		{Name: "hidden.bias", Shape: []int{m.Hidden}, Data: m.B1},
		{Name: "out.weight", Shape: []int{m.Hidden, m.Classes}, Data: m.W2},
		{Name: "out.bias", Shape: []int{m.Classes}, Data: m.B2},
		{Name: "linear.weight", Shape: []int{m.Buckets}, Data: m.Linear.Weights},
		{Name: "linear.bias", Shape: []int{1}, Data: m.Linear.Bias},
	}
}

// Save writes the model's folder: the weights, and info with Kind and the Config filled in.
func (m *Model) Save(dir artifact.Model, info artifact.ModelInfo) error {
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
	return safetensors.Write(filepath.Join(dir.Path, artifact.ModelWeightsFile), m.tensors())
}

// Load reads a folder that Save wrote.
func Load(dir artifact.Model) (*Model, artifact.ModelInfo, error) {
	info, err := dir.Info()
	if err != nil {
		return nil, info, err
	}
	if info.Kind != Kind {
		return nil, info, fmt.Errorf("%s: a model of kind %q, not %q", dir.Path, info.Kind, Kind)
	}
	cfg, err := ParseConfig(info.Text)
	if err != nil {
		return nil, info, fmt.Errorf("%s: %w", dir.Path, err)
	}
	path := filepath.Join(dir.Path, artifact.ModelWeightsFile)
	tensors, err := safetensors.Read(path)
	if err != nil {
		return nil, info, err
	}
	m := &Model{Config: cfg, Classes: len(info.Classes)}
	for _, t := range tensors {
		switch t.Name {
		case "embedding":
			m.Embedding = t.Data
		case "idf":
			m.IDF = t.Data
		case "hidden.weight":
			m.W1 = t.Data
		case "hidden.bias":
			m.B1 = t.Data
		case "out.weight":
			m.W2 = t.Data
		case "out.bias":
			m.B2 = t.Data
		case "linear.weight":
			m.Linear.Weights = t.Data
		case "linear.bias":
			m.Linear.Bias = t.Data
		}
	}
	if err := m.check(); err != nil {
		return nil, info, fmt.Errorf("%s: %w", path, err)
	}
	return m, info, nil
}
