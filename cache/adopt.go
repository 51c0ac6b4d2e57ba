package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Adopt moves a file or a folder that a step made into the store. The path is gone afterwards. It is sealed before it is
// hashed: whoever still writes to it breaks the seal.
func (s *Store) Adopt(ctx context.Context, path string) (Blob, error) {
	if s.readOnly {
		return Blob{}, errReadOnly
	}
	t, err := readOwn(path)
	if err != nil {
		return Blob{}, err
	}
	if err := t.seal(); err != nil {
		return Blob{}, stateError(err)
	}
	if err := t.hash(ctx, nil); err != nil {
		return Blob{}, err
	}
	b := t.blob()
	if now, err := readTree(path); err != nil {
		return b, err
	} else if !now.sealed(b) {
		return b, fmt.Errorf("%s was written to after the step had ended: something that it started is still running", path)
	}
	if _, err := s.plain(ctx, b); err == nil {
		return b, removeAll(path)
	}
	if err := t.sync(); err != nil {
		return b, stateError(err)
	}
	dst := s.blobPath(b.Digest)
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return b, stateError(err)
	}
	if err := os.Rename(path, dst); err != nil {
		// Another process may have brought the same content meanwhile.
		if _, perr := s.plain(ctx, b); perr == nil {
			return b, removeAll(path)
		}
		return b, stateError(err)
	}
	if b.Size < smallBlob {
		return b, nil
	}
	return b, syncDir(filepath.Dir(dst))
}

// readOwn is readTree for what is about to be sealed. A link may lead to a file of somebody else's, of the user's most likely: the
// tree is replaced by a copy without any.
func readOwn(path string) (*tree, error) {
	t, err := readTree(path)
	if err != nil || !t.linked && !slices.ContainsFunc(t.files, func(f treeFile) bool { return linkCount(f.info) > 1 }) {
		return t, err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(path), ".rein-")
	if err != nil {
		return nil, err
	}
	own := filepath.Join(tmp, "own")
	err = copyTree(path, own, 0o444)
	if err == nil {
		err = removeAll(path)
	}
	if err == nil {
		err = os.Rename(own, path)
	}
	if err = errors.Join(err, removeAll(tmp)); err != nil {
		return nil, stateError(err)
	}
	return readTree(path)
}
