package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rein/cache"
)

// FetchBlob brings a blob into the store, unless it is there.
func (r *Remote) FetchBlob(ctx context.Context, b cache.Blob) error {
	if b.Size > partSize {
		defer r.alone(b)()
	}
	if r.has(ctx, b) {
		return nil
	}
	name, fetch := blobName(b), r.inOne
	if b.Size > partSize {
		name, fetch = listName(b), r.inParts
	}
	err := fetch(ctx, b, name)
	if err == nil || ctx.Err() == nil && r.has(ctx, b) { // another process may have brought it meanwhile
		return nil
	}
	return r.lost(ctx, "blob", b.Digest, name, err)
}

func (r *Remote) has(ctx context.Context, b cache.Blob) bool {
	if !r.store.Has(b) {
		return false
	}
	_, err := r.store.Path(ctx, b)
	return err == nil
}

// inOne fetches a blob of one object.
func (r *Remote) inOne(ctx context.Context, b cache.Blob, name string) error {
	packed, _, err := r.get(ctx, name, 2*partSize+maxEntry)
	if err != nil {
		return err
	}
	r.bytesFetched.Add(int64(len(packed)))
	if b.Dir {
		return r.unpackInto(ctx, b, func(path string) error { return unpack(bytes.NewReader(packed), b, path) })
	}
	text, err := r.dec.DecodeAll(packed, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errForeign, err)
	}
	return r.keep(ctx, b, text)
}

// keep takes a file's content into the store.
func (r *Remote) keep(ctx context.Context, b cache.Blob, text []byte) error {
	if b.Dir || int64(len(text)) != b.Size || cache.Sum(text) != b.Digest {
		return fmt.Errorf("%w: its content has the digest %s", errForeign, cache.Sum(text).Short())
	}
	tmp, err := r.store.Scratch()
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	path := filepath.Join(tmp, "blob")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return err
	}
	return r.store.Receive(ctx, path, b, true)
}

// unpackInto has a folder written, and takes it into the store if it is b.
func (r *Remote) unpackInto(ctx context.Context, b cache.Blob, write func(path string) error) error {
	tmp, err := r.store.Scratch()
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	path := filepath.Join(tmp, "blob")
	if err := write(path); cache.Outside(err) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w: %w", errForeign, err)
	}
	err = r.store.Receive(ctx, path, b, false)
	var miss *cache.Miss
	if errors.As(err, &miss) {
		err = fmt.Errorf("%w: %s", errForeign, miss.Reason)
	}
	return err
}

// inParts fetches a blob of several objects; what has arrived is kept if it can't be finished now.
func (r *Remote) inParts(ctx context.Context, b cache.Blob, _ string) error {
	file, err := r.fetchParts(ctx, b)
	if err != nil {
		return err
	}
	if !b.Dir {
		return r.store.Receive(ctx, file, b, true)
	}
	defer os.Remove(file)
	return r.unpackInto(ctx, b, func(path string) error {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		return untar(f, b, path)
	})
}
