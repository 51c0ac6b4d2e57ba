// Package scorertest has scores and models for tests of steps.
package scorertest

import (
	"path/filepath"
	"slices"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/scorer"
)

// Threats returns the threat scores that a model gives rows.
func Threats(t testing.TB, model artifact.Model, rows []artifact.Row) []float64 {
	t.Helper()
	s, err := scorer.Open(t.Context(), model, scorer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	texts := make([]string, len(rows))
	for i, r := range rows {
		texts[i] = r.Text
	}
	threats, err := s.Threats(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	return threats
}

// Halved returns a random model whose threshold is such that it flags half of the rows.
func Halved(t testing.TB, rows artifact.Rows) artifact.Model {
	t.Helper()
	all, err := rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	threats := Threats(t, ngramtest.Random(t, 0.5, true), all)
	slices.Sort(threats)
	return ngramtest.Random(t, threats[len(threats)/2], true)
}

// Encoder returns a tiny transformer with random weights.
func Encoder(t testing.TB) artifact.Model {
	t.Helper()
	folder := encodertest.Folder(t, "bert")
	m, err := encoder.Read(folder, 6, 32, 1)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := m.OpenTokenizer(folder)
	if err != nil {
		t.Fatal(err)
	}
	dir := artifact.Model{Path: filepath.Join(t.TempDir(), "encoder")}
	info := artifact.ModelInfo{Classes: []string{artifact.Benign, "jailbreak", "toxicity", "injection", "pii", "other"}, Threshold: 0.5}
	if err := m.Save(dir, info, tok); err != nil {
		t.Fatal(err)
	}
	return dir
}
