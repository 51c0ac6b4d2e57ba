package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"rein/cache"
)

// A blob that is longer than a part goes as a list of parts: its bytes, or those of its tar, cut at equal distances, each
// compressed and named after its own content. A transfer that was cut off goes on with the parts that are missing.

// partSize is how long a part is before it is compressed. It belongs to the layout.
const partSize = 16 << 20

// partsAtOnce bounds how many parts are on their way, of one blob: each is held in memory twice.
const partsAtOnce = 4

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
	var l list
	for {
		part := make([]byte, partSize)
		n, err := io.ReadFull(stream, part)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			_ = g.Wait()
			return err
		}
		if n == 0 || gctx.Err() != nil {
			break
		}
		part = part[:n]
		d := cache.Sum(part)
		l.Parts, l.Size = append(l.Parts, d), l.Size+int64(n)
		g.Go(func() error {
			return r.sendOnce(gctx, partName(d), func() ([]byte, error) { return r.enc.EncodeAll(part, nil), nil })
		})
	}
	if err := g.Wait(); err != nil {
		return err
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
	if !ok || json.Unmarshal(text, &l) != nil || l.Size > b.Size+b.Size/2+maxEntry || int64(len(l.Parts)) != (l.Size+partSize-1)/partSize {
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
			err := r.fetchPart(ctx, f, d, at, size)
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

// fetchPart writes one part to its place, unless it is there.
func (r *Remote) fetchPart(ctx context.Context, f *os.File, d cache.Digest, at, size int64) error {
	have := make([]byte, size)
	if _, err := f.ReadAt(have, at); err == nil && cache.Sum(have) == d {
		return nil
	}
	packed, _, err := r.get(ctx, partName(d), partSize+maxGrowth)
	if err != nil {
		return fmt.Errorf("part %s: %w", d.Short(), err)
	}
	r.bytesFetched.Add(int64(len(packed)))
	got, err := r.dec.DecodeAll(packed, make([]byte, 0, size))
	if err != nil || cache.Sum(got) != d {
		r.spoilt(partName(d))
		return fmt.Errorf("%w: part %s isn't what its name says", errForeign, d.Short())
	}
	_, err = f.WriteAt(got, at)
	return err
}

// errForeign is content that isn't what its name says.
var errForeign = errors.New("damaged")

// maxGrowth is by how much compression may lengthen a part that can't be compressed.
const maxGrowth = 1 << 20
