package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Adopt moves a file or a folder that a step made into the store. The path is gone afterwards. It is sealed before it is
// hashed, so that a later write breaks the seal.
func (s *Store) Adopt(ctx context.Context, path string) (Blob, error) {
	t, err := s.ownTree(path)
	if err != nil {
		return Blob{}, err
	}
	if err := t.hash(ctx, nil); err != nil {
		return Blob{}, err
	}
	return s.takeIn(ctx, path, t, t.blob())
}

// Receive is Adopt for content that came from elsewhere and must be b. Other content stays where it is, and the error is a *Miss. Content
// that the caller has proven isn't hashed again.
func (s *Store) Receive(ctx context.Context, path string, b Blob, proven bool) error {
	if !b.Dir { // a transfer may not keep modes
		mode := fs.FileMode(0o644)
		if b.Exec {
			mode = 0o755
		}
		if err := os.Chmod(path, mode); err != nil {
			return err
		}
	}
	t, err := s.ownTree(path)
	if err != nil {
		return err
	}
	if !proven {
		if err := t.hash(ctx, nil); err != nil {
			return err
		}
		if got := t.blob(); got != b {
			return &Miss{"blob", "its content has the digest " + got.Digest.Short()}
		}
	}
	_, err = s.takeIn(ctx, path, t, b)
	return err
}

// ownTree is a tree that is about to come into the store, sealed.
func (s *Store) ownTree(path string) (*tree, error) {
	if s.readOnly {
		return nil, errReadOnly
	}
	t, err := readOwn(path)
	if err != nil {
		return nil, err
	}
	return t, stateError(t.seal(fresh))
}

// takeIn moves a tree with a fresh seal to where the store looks for b. A large one is made durable at once, a small one with others.
func (s *Store) takeIn(ctx context.Context, path string, t *tree, b Blob) (Blob, error) {
	if now, err := readTree(path); err != nil {
		return b, err
	} else if !now.sealedAt(b, fresh) {
		return b, fmt.Errorf("%s was written to after the step had ended: something that it started is still running", path)
	}
	there := func() bool {
		_, err := s.plain(ctx, b, true)
		return err == nil
	}
	if there() {
		return b, RemoveAll(path)
	}
	if b.Size >= smallBlob {
		if err := errors.Join(t.sync(), t.seal(sealed)); err != nil {
			return b, stateError(err)
		}
	}
	dst := s.blobPath(b)
	err := RenamePlain(path, dst)
	if noFolder(err) {
		if err := s.makeShelf(filepath.Dir(dst)); err != nil {
			return b, stateError(err)
		}
		err = RenamePlain(path, dst)
	}
	switch {
	case err == nil:
		return b, s.tookIn(b)
	case there(): // another process has brought the same content meanwhile
		return b, RemoveAll(path)
	}
	return b, stateError(err)
}

// makeShelf makes a folder for blobs. Something else that lies in its place is no blob of the store's, and goes.
func (s *Store) makeShelf(dir string) error {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		return nil
	}
	if info, serr := os.Stat(dir); serr == nil && info.IsDir() || serr != nil && !noFolder(serr) {
		return err
	}
	if err := s.drop(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}

// noFolder tells whether an error says that a folder on the way to a path isn't one, or isn't there.
func noFolder(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}

// tookIn notes a blob that has just come into the store, and was hashed on the way.
func (s *Store) tookIn(b Blob) error {
	if b.Size >= smallBlob {
		return errors.Join(syncPath(filepath.Dir(s.blobPath(b))), syncPath(filepath.Join(s.dir, blobsDir)))
	}
	t, err := readTree(s.blobPath(b))
	if errors.Is(err, fs.ErrNotExist) { // removed again
		return nil
	} else if err != nil {
		return err
	}
	s.remember(b, t)
	s.wrote(b)
	return nil
}

// readOwn is readTree for a tree that is about to be sealed. A symbolic link may lead to a file of the user's, so a tree with links is
// replaced by a copy without them.
func readOwn(path string) (*tree, error) {
	t, err := readTree(path)
	if err != nil || !t.linked && !slices.ContainsFunc(t.files, func(f treeFile) bool { return linkCount(f.info) > 1 }) {
		return t, err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(path), tempName)
	if err != nil {
		return nil, err
	}
	own := filepath.Join(tmp, "own")
	err = copyTree(path, own, 0o444)
	if err == nil {
		err = RemoveAll(path)
	}
	if err == nil {
		err = os.Rename(own, path)
	}
	if err = errors.Join(err, RemoveAll(tmp)); err != nil {
		return nil, stateError(err)
	}
	return readTree(path)
}
