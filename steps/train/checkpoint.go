package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"rein/cache"
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

// save replaces the checkpoint in dir, which ends with the digest of what precedes it. After a crash the previous checkpoint is still there.
func (p *progress) save(dir string) error {
	if dir == "" {
		return nil
	}
	f, err := os.CreateTemp(dir, "epoch-*.tmp")
	if err != nil {
		return err
	}
	sum := sha256.New()
	err = gob.NewEncoder(io.MultiWriter(f, sum)).Encode(p)
	if err == nil {
		_, err = f.Write(sum.Sum(nil))
	}
	if err = errors.Join(err, f.Close()); err == nil {
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
	f, err := cache.OpenPlain(filepath.Join(dir, "progress"), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := proven(f)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	p := &progress{}
	if err := gob.NewDecoder(text).Decode(p); err != nil || p.Weights == nil || p.Best == nil {
		return nil, fmt.Errorf("checkpoint: %w", errors.Join(err, errors.New("is of no use")))
	}
	return p, nil
}

// proven is what precedes the digest at the end of a checkpoint, if that is its digest. A number that was changed, or that a power cut kept
// from the disk, would still be a number.
func proven(f *os.File) (io.Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size() - sha256.Size
	if size < 0 {
		return nil, errors.New("it is cut")
	}
	sum, want := sha256.New(), make([]byte, sha256.Size)
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, size)); err != nil {
		return nil, err
	}
	if _, err := f.ReadAt(want, size); err != nil {
		return nil, err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return nil, errors.New("its content isn't what was written")
	}
	return io.NewSectionReader(f, 0, size), nil
}
