// Package seeds keeps the models that a training made with further seeds. They are inside the folder of the model that was kept, so that an
// evaluation can say how much a result depends on the seed. They are only for measuring: a package leaves them out.
package seeds

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"rein/steps/artifact"
)

// Folder is the folder, in a model's folder, with the models of further seeds.
const Folder = "seeds"

// Seed is a model that differs from the kept one only by its seed.
type Seed struct {
	Seed  int
	Model artifact.Model
}

// Dir returns the folder for a seed's model, inside the folder of the kept model.
func Dir(kept artifact.Model, seed int) artifact.Model {
	return artifact.Model{Path: filepath.Join(kept.Path, Folder, strconv.Itoa(seed))}
}

// Of lists the further seeds of a model, the lowest first. The list is empty if the training had one seed.
func Of(kept artifact.Model) ([]Seed, error) {
	entries, err := os.ReadDir(filepath.Join(kept.Path, Folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Seed
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not named after a seed", filepath.Join(kept.Path, Folder), e.Name())
		}
		out = append(out, Seed{n, Dir(kept, n)})
	}
	slices.SortFunc(out, func(a, b Seed) int { return cmp.Compare(a.Seed, b.Seed) })
	return out, nil
}

// Copy copies the further seeds of a model to a model that is made from it.
func Copy(from, to artifact.Model) error {
	list, err := Of(from)
	if err != nil || len(list) == 0 {
		return err
	}
	return os.CopyFS(filepath.Join(to.Path, Folder), os.DirFS(filepath.Join(from.Path, Folder)))
}

// Drop removes the further seeds from a folder.
func Drop(dir string) error { return os.RemoveAll(filepath.Join(dir, Folder)) }
