package train

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// progress is the state of a training between two epochs. A run that was killed continues from it, with the same result.
type progress struct {
	Epoch   int // number of finished epochs
	Horizon int // epochs of the schedule that they followed; 0 if the schedule has no end
	Weights [][]float32
	Moments [][]float32 // state of the optimiser
	Step    int
	Best    [][]float32 // weights of the best epoch
	BestAt  int
	BestIs  float64 // watched value of the best epoch; lower is better
	Curves  []point
	Seconds float64
}

// point is one value of a curve.
type point struct {
	Name  string
	Epoch int
	Value float64
}

// save replaces the checkpoint in dir. After a crash the previous checkpoint is still there.
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

// resume reads the checkpoint in dir. It returns nil if there is none, or none that can be used: then the training only takes longer.
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
