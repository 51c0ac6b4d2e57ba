package cache

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/zeebo/blake3"
)

// A pressed blob is a file's compressed content: blobs/xx/DIGEST.zst. Only blobs that were not needed lately are pressed, because results
// in use are read in place and handed out by reflink. A pressed blob is inflated when it is needed.

const (
	pressedExt = ".zst"
	// pressable is the smallest size of a file that is pressed, in bytes.
	pressable = 64 << 10
	// pays is the largest share of its size to which a file must shrink to be pressed.
	pays = 0.8
)

// Pressing is a blob that a collection compresses.
type Pressing struct {
	Digest Digest `json:"digest"`
	Bytes  int64  `json:"bytes"`
	Saves  int64  `json:"saves"` // an estimate from samples, until the collection has measured it
	path   string
}

// presses estimates how many bytes compressing a stored file would save; 0 if that is too little.
func (b *storedBlob) presses() (saves int64, err error) {
	if b.pressed || b.exec || b.tree == nil || b.tree.dir || b.size < pressable {
		return 0, nil
	}
	f, err := OpenPlain(b.path, os.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	const piece = 32 << 10
	sample := make([]byte, 0, 3*piece)
	for _, at := range []int64{0, b.size/2 - piece/2, b.size - piece} {
		n, err := f.ReadAt(sample[len(sample):len(sample)+piece], max(at, 0))
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		sample = sample[:len(sample)+n]
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return 0, err
	}
	defer w.Close()
	share := float64(len(w.EncodeAll(sample, nil))) / float64(len(sample))
	if share > pays {
		return 0, nil
	}
	return int64(float64(b.size) * (1 - share)), nil
}

// press compresses a stored file and returns how many bytes that saved, 0 if too few. The plain file is removed when the compressed one is
// durable and was read back. After a kill in between both are there, which does no harm.
func (s *Store) press(ctx context.Context, p Pressing) (saved int64, err error) {
	tmp, err := s.Scratch()
	if err != nil {
		return 0, stateError(err)
	}
	defer RemoveAll(tmp)
	small := filepath.Join(tmp, "pressed")
	if err := compress(ctx, p.path, small); err != nil {
		return 0, err
	}
	info, err := os.Stat(small)
	if err != nil {
		return 0, err
	}
	if float64(info.Size()) > pays*float64(p.Bytes) {
		return 0, nil
	}
	if got, err := inflate(ctx, small, io.Discard); err != nil || got != p.Digest {
		return 0, errors.Join(err, s.drop(p.path)) // the content isn't what its name says, as the next use would have found
	}
	if err := errors.Join(os.Chmod(small, 0o444), os.Rename(small, p.path+pressedExt), syncPath(filepath.Dir(p.path))); err != nil {
		return 0, stateError(err)
	}
	return p.Bytes - info.Size(), s.drop(p.path)
}

func compress(ctx context.Context, src, dst string) (err error) {
	in, err := OpenPlain(src, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(dst)
	if err != nil {
		return stateError(err)
	}
	defer func() { err = errors.Join(err, syncFile(out), out.Close()) }()
	w, err := zstd.NewWriter(out)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, stopping{ctx, in})
	return stateError(errors.Join(err, w.Close()))
}

// inflate writes a pressed file's content to w and returns its digest.
func inflate(ctx context.Context, path string, w io.Writer) (Digest, error) {
	f, err := OpenPlain(path, os.O_RDONLY, 0)
	if err != nil {
		return Digest{}, err
	}
	defer f.Close()
	r, err := zstd.NewReader(f)
	if err != nil {
		return Digest{}, err
	}
	defer r.Close()
	return hashStream(io.TeeReader(stopping{ctx, r}, w))
}

// hashStream is hashFile for content that comes in order.
func hashStream(r io.Reader) (Digest, error) {
	var size int64
	var parts []Digest
	for {
		h := blake3.New()
		n, err := io.CopyN(h, r, Chunk)
		if n > 0 || len(parts) == 0 {
			var d Digest
			h.Sum(d[:0])
			parts = append(parts, d)
		}
		size += n
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Digest{}, err
		}
	}
	return JoinChunks(size, parts), nil
}

// stopping is a reader that ends with its context.
type stopping struct {
	ctx context.Context
	r   io.Reader
}

func (s stopping) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}

// revive inflates a pressed blob to its plain path or, in a store opened for reading, to a folder that is removed when the Store is closed.
// A damaged blob is moved out of the way, and the error is a *Miss.
func (s *Store) revive(ctx context.Context, b Blob) (string, error) {
	pressed := s.blobPath(b) + pressedExt
	switch _, err := readStored(pressed); {
	case errors.Is(err, fs.ErrNotExist) || b.Dir || b.Exec:
		return "", &Miss{"blob", b.Digest.Short() + " is gone from the store"}
	case Outside(err):
		return "", err
	case err != nil:
		return "", s.damaged(b, pressed)
	}
	tmp, err := s.revivalDir()
	if err != nil {
		return "", err
	}
	if !s.readOnly {
		defer RemoveAll(tmp)
	}
	path := filepath.Join(tmp, b.Digest.String())
	if err := s.unpress(ctx, pressed, path, b); err != nil {
		return "", err
	}
	if s.readOnly {
		return path, nil
	}
	if _, err := s.Adopt(ctx, path); err != nil {
		return "", err
	}
	if err := s.Sync(); err != nil { // the pressed one goes
		return "", err
	}
	if err := os.Remove(pressed); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return s.blobPath(b), nil
}

// revivalDir is where a blob is inflated to.
func (s *Store) revivalDir() (string, error) {
	if !s.readOnly {
		dir, err := s.Scratch()
		return dir, stateError(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outside == "" {
		dir, err := os.MkdirTemp("", "rein-blobs-")
		if err != nil {
			return "", err
		}
		s.outside = dir
	}
	return os.MkdirTemp(s.outside, "")
}

func (s *Store) unpress(ctx context.Context, pressed, path string, b Blob) (err error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return stateError(err)
	}
	got, err := inflate(ctx, pressed, out)
	err = errors.Join(err, out.Close())
	if err == nil && got == b.Digest {
		return nil
	}
	if err != nil && (Outside(err) || ctx.Err() != nil) {
		return stateError(err)
	}
	return s.damaged(b, pressed)
}

// trimPressed tells a pressed blob's file by its name.
func trimPressed(name string) (digest string, pressed bool) {
	return strings.CutSuffix(name, pressedExt)
}
