package train

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// progress is the state of a training between two epochs: what a killed run goes on from, with the same result.
type progress struct {
	Epoch   int // epochs done
	Horizon int // of the schedule that they followed; 0: one that has none
	Weights [][]float32
	Moments [][]float32 // the optimiser's
	Step    int
	Best    [][]float32 // weights of the best epoch
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
	if err := gob.NewDecoder(f).Decode(p); err != nil || p.Weights == nil || p.Best == nil {
		return nil, fmt.Errorf("checkpoint: %w", errors.Join(err, errors.New("is of no use")))
	}
	return p, nil
}
