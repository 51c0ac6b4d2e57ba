package train

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"rein/steps/internal/ngram"
)

// progress is the state of a training between two epochs: what a killed run goes on from, with the same result.
type progress struct {
	Epoch   int // epochs done
	Model   *ngram.Model
	Accum   []float32
	M, V    []float32
	Step    int
	Best    *ngram.Model // of the best epoch
	BestAt  int
	BestIs  float64 // what was watched; lower is better
	Curves  []point
	Seconds float64
}

// point is one value of a curve.
type point struct {
	Name  string
	Epoch int
	Value float64
}

// save replaces the checkpoint in dir; a crash leaves the one before.
func (p *progress) save(dir string) error {
	if dir == "" {
		return nil
	}
	f, err := os.CreateTemp(dir, "epoch-*.tmp")
	if err != nil {
		return err
	}
	err = errors.Join(gob.NewEncoder(f).Encode(p), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, "progress"))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("checkpoint: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// resume reads the checkpoint in dir, or returns nil where there is none that can be used: a lost checkpoint is
// only lost time.
func resume(dir string) (*progress, error) {
	if dir == "" {
		return nil, nil
	}
	f, err := os.Open(filepath.Join(dir, "progress"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := &progress{}
	if err := gob.NewDecoder(f).Decode(p); err != nil || p.Model == nil || p.Best == nil {
		return nil, fmt.Errorf("checkpoint: %w", errors.Join(err, errors.New("is of no use")))
	}
	return p, nil
}

func clone(m *ngram.Model) *ngram.Model {
	c := *m
	c.Embedding = slices.Clone(m.Embedding)
	c.W1, c.B1, c.W2, c.B2 = slices.Clone(m.W1), slices.Clone(m.B1), slices.Clone(m.W2), slices.Clone(m.B2)
	return &c
}
