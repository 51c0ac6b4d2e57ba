package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// When a blob's content is checked. Every use looks at its seal, which shows a write to a file in the store unless the writer set the time
// back. A blob that is handed out (Path, Publish) is also hashed, once in a process: always if it is at most a chunk, otherwise if its
// change time is another than when it was last hashed, or if that was longer than proofAge ago. So a large blob that decays on the disk
// without a trace is detected within twice that time, and a small one before it is used. `rein cache verify` hashes everything.

// sealed is the modification time of every file and folder in the store. A write to a file changes
// that file's time; adding, renaming or removing a file changes its folder's. The next use sees that without reading the content.
// What may not be on the disk yet has the other time, fresh: the seal proves nothing after a power cut.
var (
	sealed = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	fresh  = sealed.AddDate(0, 0, 1)
)

// smallBlob is the size below which a blob isn't made durable by itself, but with others (durable.go): waiting for the disk would be
// most of what a small step costs.
const smallBlob = 1 << 20

// execExt ends the name of an executable file. Two files of equal content may differ in that.
const execExt = ".x"

// blobPath is where a blob lies: a file, or a folder.
func (s *Store) blobPath(b Blob) string {
	h := b.Digest.String()
	if b.Exec {
		return filepath.Join(s.dir, blobsDir, h[:2], h+execExt)
	}
	return filepath.Join(s.dir, blobsDir, h[:2], h)
}

// Has tells whether a blob is in the store and complete, as far as names and sizes show.
func (s *Store) Has(b Blob) bool {
	info, err := os.Lstat(s.blobPath(b))
	if errors.Is(err, fs.ErrNotExist) && !b.Dir && !b.Exec {
		_, err := os.Lstat(s.blobPath(b) + pressedExt)
		return err == nil
	}
	if err != nil || info.IsDir() != b.Dir {
		return false
	}
	return b.Dir || info.Size() == b.Size
}

// Lost checks that every output of an entry is in the store and complete. Otherwise it says which one isn't, and why.
func (s *Store) Lost(ctx context.Context, e *Entry) (string, error) {
	whole := true
	for _, b := range e.Outputs {
		whole = whole && s.isSealed(b)
	}
	if whole {
		return "", nil
	}
	for _, port := range slices.Sorted(maps.Keys(e.Outputs)) {
		_, err := s.find(ctx, e.Outputs[port], false)
		var miss *Miss
		switch {
		case errors.As(err, &miss):
			return fmt.Sprintf("the cached output %q is not to be had: %s", port, miss.Reason), nil
		case err != nil:
			return "", fmt.Errorf("cached output %q: %w", port, err)
		}
	}
	return "", nil
}

// isSealed tells whether a blob is a file that lies in the store as it came into it. Of a folder, and of what is pressed, find tells.
func (s *Store) isSealed(b Blob) bool {
	info, err := os.Lstat(s.blobPath(b))
	return err == nil && info.Mode().IsRegular() && !b.Dir && info.ModTime().Equal(sealed) && info.Size() == b.Size && b.Exec == (info.Mode()&0o100 != 0)
}

// Path returns a read-only path that holds a blob's content, proven as said above. The error of an absent or damaged blob
// is a *Miss; a damaged one is put out of the way.
func (s *Store) Path(ctx context.Context, b Blob) (string, error) { return s.find(ctx, b, true) }

// find is Path. With handed = false, the seal is proof enough.
func (s *Store) find(ctx context.Context, b Blob, handed bool) (string, error) {
	path, err := s.plain(ctx, b, handed)
	if errors.Is(err, fs.ErrNotExist) {
		return s.revive(ctx, b)
	}
	return path, err
}

// plain is Path for a blob that isn't compressed. The error of one that isn't there, or is compressed, is fs.ErrNotExist.
func (s *Store) plain(ctx context.Context, b Blob, handed bool) (string, error) {
	path := s.blobPath(b)
	t, err := readStored(path)
	var odd *Miss
	switch {
	case errors.As(err, &odd):
		return "", s.damaged(b, path)
	case err != nil:
		return "", err
	}
	seal, due := t.sealOf(b), false
	switch {
	case seal.Equal(sealed):
		trusted := !handed
		if !trusted {
			trusted, due, err = s.trusts(ctx, b, t)
		}
		if trusted || err != nil {
			return path, err
		}
	case seal.Equal(fresh) && s.proven(b, t):
		return path, nil
	}
	if t.linked || t.dir != b.Dir || t.size() != b.Size { // what its content is needn't be read
		return "", s.damaged(b, path)
	}
	if err := t.hash(ctx, nil); err != nil {
		return "", err
	}
	if t.blob() == b {
		return path, s.prove(ctx, b, t, seal, due)
	}
	return "", s.damaged(b, path)
}

// readStored is readTree of a path where a blob should lie. The error is a *Miss where something lies that the store never writes, such as a
// pipe or a folder with a dead link, and fs.ErrNotExist where nothing does.
func readStored(path string) (*tree, error) {
	t, err := readTree(path)
	if err == nil || Outside(err) {
		return t, err
	}
	switch _, lerr := os.Lstat(path); {
	case noFolder(lerr): // or the folder above is something else
		return nil, fs.ErrNotExist
	case lerr != nil:
		return nil, lerr
	}
	return nil, &Miss{"blob", err.Error()}
}

// proofAge is the age of a large blob's last check at which it is hashed again. Ages vary up to twice that, so that blobs aren't all due at
// the same time.
var proofAge = 14 * 24 * time.Hour

// trusts tells whether a sealed blob may be handed out as it is, and whether its last proof is too old.
func (s *Store) trusts(ctx context.Context, b Blob, t *tree) (ok, due bool, err error) {
	if ok = s.proven(b, t); ok || b.Size <= Chunk {
		return ok, false, nil
	}
	stamps := t.stamps()
	age := proofAge + proofAge*time.Duration(b.Digest[0])/256
	for _, st := range stamps {
		if time.Since(time.Unix(0, st.Ctime)) > age {
			return false, true, nil
		}
	}
	known, err := s.knownStamps(ctx, t.files, stamps)
	if err != nil {
		return false, false, err
	}
	for _, d := range known {
		if d.IsZero() {
			return false, false, nil
		}
	}
	return true, false, nil
}

// proven tells whether this process has hashed what a tree is, and it looks as it did then.
func (s *Store) proven(b Blob, t *tree) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	look, ok := s.proofs[b]
	return ok && look == t.look(t.stamps(), true)
}

// remember notes how a blob looks that this process has hashed.
func (s *Store) remember(b Blob, t *tree) {
	look := t.look(t.stamps(), true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proofs == nil {
		s.proofs = map[Blob]Digest{}
	}
	s.proofs[b] = look
}

// prove remembers that a tree, which was hashed just now, is b. A broken seal is made again, as a fresh one. One whose proof is due is
// sealed again, which dates the proof.
func (s *Store) prove(ctx context.Context, b Blob, t *tree, seal time.Time, due bool) error {
	if s.readOnly {
		s.remember(b, t)
		return nil
	}
	if !seal.Equal(sealed) {
		defer s.wrote(b)
	}
	if seal.IsZero() || due {
		at := fresh
		if due {
			at = sealed
		}
		if err := t.seal(at); err != nil {
			return err
		}
		now, err := readTree(t.root)
		if err != nil || !now.sealedAt(b, at) {
			return err
		}
		for i := range now.files {
			now.files[i].digest = t.files[i].digest
		}
		t = now
	}
	s.remember(b, t)
	if b.Size <= Chunk {
		return nil
	}
	stamps := t.stamps()
	return unlessFull(s.keepStamps(ctx, t, make([]Digest, len(stamps)), stamps, time.Now()))
}

// doubt hashes a blob, whatever is known of it, after a copy of it turned out to differ. The error is a *Miss.
func (s *Store) doubt(ctx context.Context, b Blob) error {
	t, err := readTree(s.blobPath(b))
	if err == nil {
		err = t.hash(ctx, nil)
	}
	if err != nil || t.blob() == b {
		return err
	}
	return s.damaged(b, t.root)
}

// damaged puts the content of a damaged blob, which lies at path, out of the way. Its error is a *Miss.
func (s *Store) damaged(b Blob, path string) error {
	if !s.readOnly {
		if err := s.drop(path); err != nil {
			return err
		}
	}
	return &Miss{"blob", b.Digest.Short() + " is damaged: its content isn't what was written"}
}

// drop removes content from the store. It is renamed first, so that no process sees a part of it.
func (s *Store) drop(path string) error {
	tmp, err := s.Scratch()
	if unlessFull(err) == nil && err != nil { // a full disk has no room for a folder
		return RemoveAll(path)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(path, filepath.Join(tmp, "dropped")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, os.Remove(tmp))
	}
	return RemoveAll(tmp)
}

// Import copies a file or a folder of the user's into the store.
func (s *Store) Import(ctx context.Context, path string) (Blob, error) {
	if s.readOnly {
		return Blob{}, errReadOnly
	}
	b, err := s.HashPath(ctx, path)
	if err != nil {
		return b, err
	}
	if _, err := s.Path(ctx, b); err == nil {
		return b, nil
	}
	tmp, err := s.Scratch()
	if err != nil {
		return b, stateError(err)
	}
	defer RemoveAll(tmp)
	dst := filepath.Join(tmp, "blob")
	if err := copyTree(path, dst, 0o444); err != nil {
		return b, err
	}
	got, err := s.Adopt(ctx, dst)
	if err == nil && got != b {
		err = fmt.Errorf("%s changed while it was copied", path)
	}
	return b, err
}

// Restore copies a blob to dst, which is replaced as a whole or not at all. The user may write to the copy.
func (s *Store) Restore(ctx context.Context, b Blob, dst string) error {
	src, err := s.Path(ctx, b)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dst), tempName)
	if err != nil {
		return err
	}
	defer RemoveAll(tmp)
	fresh := filepath.Join(tmp, "new")
	if err := copyTree(src, fresh, userMode); err != nil {
		return err
	}
	if info, err := os.Lstat(dst); err == nil && (info.IsDir() || b.Dir) {
		if err := os.Rename(dst, filepath.Join(tmp, "old")); err != nil {
			return err
		}
	}
	return os.Rename(fresh, dst)
}
