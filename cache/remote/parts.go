package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"rein/cache"
)

// A blob that is longer than a part goes as a list of parts: its bytes, or those of its tar, cut at equal distances, each
// compressed and named after its own content. A transfer that was cut off goes on with the parts that are missing.

// partSize is how long a part is before it is compressed. It belongs to the layout. A file's parts are the chunks that its
// digest is made of, so that parts that are what the list says, in a list that makes the digest, need not be hashed again.
const partSize = cache.Chunk

// partsAtOnce bounds how many parts are on their way, of one blob: each is held in memory twice.
const partsAtOnce = 8

// list is the object that stands for a blob in parts.
type list struct {
	Size  int64          `json:"size"` // of all parts together
	Parts []cache.Digest `json:"parts"`
}

func partName(d cache.Digest) string { return layout + "part/" + d.String() }

func listName(b cache.Blob) string { return layout + "list/" + kindOf(b) + "/" + b.Digest.String() }

// sendParts cuts a stream into parts and sends those that aren't there, then the list.
func (r *Remote) sendParts(ctx context.Context, b cache.Blob, stream io.Reader) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(partsAtOnce)
	var size int64
	var digests []*cache.Digest
	for gctx.Err() == nil {
		part := buffers.Get().(*[]byte)
		n, err := io.ReadFull(stream, (*part)[:partSize])
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			_ = g.Wait()
			return err
		}
		if n == 0 {
			break
		}
		d := new(cache.Digest)
		size, digests = size+int64(n), append(digests, d)
		g.Go(func() error {
			defer buffers.Put(part)
			*d = cache.Sum((*part)[:n])
			return r.sendPart(gctx, *d, (*part)[:n])
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	l := list{Size: size}
	for _, d := range digests {
		l.Parts = append(l.Parts, *d)
	}
	if !b.Dir && cache.JoinChunks(l.Size, l.Parts) != b.Digest {
		return errChanged
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return r.put(ctx, listName(b), sealed(text))
}

// fetchParts brings the parts of a blob together in a file. What an earlier fetch has left of it is proven and kept.
func (r *Remote) fetchParts(ctx context.Context, b cache.Blob) (file string, err error) {
	text, _, err := r.get(ctx, listName(b), maxEntry)
	if err != nil {
		return "", err
	}
	var l list
	text, ok := unseal(text)
	if !ok || json.Unmarshal(text, &l) != nil || !l.canBe(b) {
		return "", fmt.Errorf("%w: its list of parts is damaged", errForeign)
	}
	dir := r.store.Partial()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	file = filepath.Join(dir, kindOf(b)+"-"+b.Digest.String())
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return "", err
	}
	info, err := f.Stat()
	if err != nil {
		return "", errors.Join(err, f.Close())
	}
	var g errgroup.Group // one that fails doesn't end the others: what arrives is kept
	g.SetLimit(partsAtOnce)
	var failed atomic.Bool
	for i, d := range l.Parts {
		if failed.Load() {
			break
		}
		at := int64(i) * partSize
		size := min(partSize, l.Size-at)
		g.Go(func() error {
			var err error
			if at+size > info.Size() || !holds(f, d, at, size) {
				err = r.fetchPart(ctx, f, d, at, size)
			}
			if err != nil {
				failed.Store(true)
			}
			return err
		})
	}
	if err = g.Wait(); err == nil {
		err = f.Truncate(l.Size)
	}
	return file, errors.Join(err, f.Close())
}

// canBe tells whether a list can be of a blob; one of a file proves it.
func (l *list) canBe(b cache.Blob) bool {
	if l.Size <= 0 || int64(len(l.Parts)) != (l.Size+partSize-1)/partSize {
		return false
	}
	if b.Dir {
		return l.Size <= b.Size+b.Size/2+maxEntry
	}
	return l.Size == b.Size && cache.JoinChunks(l.Size, l.Parts) == b.Digest
}

// holds tells whether a file has a part already.
func holds(f *os.File, d cache.Digest, at, size int64) bool {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	_, err := f.ReadAt((*buf)[:size], at)
	return err == nil && cache.Sum((*buf)[:size]) == d
}

// sendPart sends a part unless it is there.
func (r *Remote) sendPart(ctx context.Context, d cache.Digest, text []byte) error {
	buf := buffers.Get().(*[]byte)
	err := r.sendOnce(ctx, partName(d), func() ([]byte, error) { return r.encode(text, *buf), nil })
	if err == nil { // a request that was given up may still read it
		buffers.Put(buf)
	}
	return err
}

// writing is held while a part is written.
var writing sync.Mutex

// fetchPart writes one part to its place.
func (r *Remote) fetchPart(ctx context.Context, f *os.File, d cache.Digest, at, size int64) error {
	in, out := buffers.Get().(*[]byte), buffers.Get().(*[]byte)
	defer buffers.Put(in)
	defer buffers.Put(out)
	packed, _, err := r.getInto(ctx, partName(d), partSize+maxGrowth, *in)
	if err != nil {
		return fmt.Errorf("part %s: %w", d.Short(), err)
	}
	r.bytesFetched.Add(int64(len(packed)))
	got, err := r.dec.DecodeAll(packed, (*out)[:0])
	if err != nil || cache.Sum(got) != d {
		r.spoilt(partName(d))
		return fmt.Errorf("%w: part %s isn't what its name says", errForeign, d.Short())
	}
	return writePart(f, got, at)
}

// writePart writes pieces: kernels that look for room in one piece for a whole part take several times as long. Of many that
// wait for the file's own lock in the kernel each takes a core.
func writePart(f *os.File, part []byte, at int64) error {
	const piece = 256 << 10
	writing.Lock()
	defer writing.Unlock()
	for text := range slices.Chunk(part, piece) {
		if _, err := f.WriteAt(text, at); err != nil {
			return err
		}
		at += int64(len(text))
	}
	return nil
}

// errForeign is content that isn't what its name says.
var errForeign = errors.New("damaged")

// maxGrowth is by how much compression may lengthen a part that can't be compressed.
const maxGrowth = 1 << 20
