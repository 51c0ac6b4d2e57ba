package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/zeebo/blake3"
	"golang.org/x/sync/errgroup"
)

// Chunk is the part of a file that one core hashes. A file of at most one chunk has the BLAKE3 hash of its content; a
// longer one has the hash of a header and its chunks' hashes.
const Chunk = 8 << 20

// HashPath hashes a file or a folder on all cores. It follows symbolic links: the digest is of content, wherever that lies.
func HashPath(ctx context.Context, path string) (Blob, error) {
	t, err := readTree(path)
	if err != nil {
		return Blob{}, err
	}
	if err := t.hash(ctx, nil); err != nil {
		return Blob{}, err
	}
	return t.blob(), nil
}

// hash fills in the digests of the files that known doesn't know.
func (t *tree) hash(ctx context.Context, known []Digest) error {
	if len(t.files) == 1 && known == nil { // as most outputs are: without a goroutine
		f := &t.files[0]
		err := ctx.Err()
		if err == nil {
			f.digest, err = hashFile(ctx, f.path, f.info.Size())
		}
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range t.files {
		f := &t.files[i]
		if known != nil && !known[i].IsZero() {
			f.digest = known[i]
			continue
		}
		g.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			f.digest, err = hashFile(ctx, f.path, f.info.Size())
			return err
		})
	}
	return g.Wait()
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// hashFile hashes a file of the given size, large ones in chunks on all cores. A file that grows or shrinks meanwhile is an error, because
// it has no definite content.
func hashFile(ctx context.Context, path string, size int64) (Digest, error) {
	f, err := OpenPlain(path, os.O_RDONLY, 0)
	if err != nil {
		return Digest{}, err
	}
	defer f.Close()
	if size <= Chunk {
		d, err := hashRange(f, 0, size)
		return d, errors.Join(err, sameSize(f, size))
	}
	parts := make([]Digest, (size+Chunk-1)/Chunk)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range parts {
		g.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			from := int64(i) * Chunk
			parts[i], err = hashRange(f, from, min(Chunk, size-from))
			return err
		})
	}
	if err := errors.Join(g.Wait(), sameSize(f, size)); err != nil {
		return Digest{}, err
	}
	return JoinChunks(size, parts), nil
}

// JoinChunks computes a file's digest from the digests of its chunks.
func JoinChunks(size int64, parts []Digest) Digest {
	if len(parts) == 1 {
		return parts[0]
	}
	b := fmt.Appendf(nil, "rein chunks 1 %d\n", size)
	for _, p := range parts {
		b = append(b, p[:]...)
	}
	return Sum(b)
}

func sameSize(f *os.File, size int64) error {
	st, err := f.Stat()
	if err == nil && st.Size() != size {
		err = fmt.Errorf("%s changed its size while it was read: %d bytes, was %d", f.Name(), st.Size(), size)
	}
	return err
}

// hashRange hashes n bytes from an offset.
func hashRange(f *os.File, from, n int64) (d Digest, err error) {
	h := blake3.New()
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	read, err := io.CopyBuffer(h, onlyReader{io.NewSectionReader(f, from, n)}, *buf)
	if err != nil {
		return d, err
	}
	if read < n {
		return d, fmt.Errorf("%s shrank while it was read: %d bytes at %d, expected %d", f.Name(), read, from, n)
	}
	h.Sum(d[:0])
	return d, nil
}

// onlyReader hides WriterTo, so that the buffer is used.
type onlyReader struct{ io.Reader }
