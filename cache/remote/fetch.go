package remote

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"rein/cache"
)

// FetchBlob brings a blob into the store, unless it is there.
func (r *Remote) FetchBlob(ctx context.Context, b cache.Blob) error {
	if r.store.Has(b) {
		if _, err := r.store.Path(ctx, b); err == nil {
			return nil
		}
	}
	tmp, err := r.store.Scratch()
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	path, name := filepath.Join(tmp, "blob"), blobName(b)
	if b.Size > partSize {
		name = listName(b)
		err = r.inParts(ctx, b, path)
	} else {
		err = r.inOne(ctx, b, path)
	}
	if err != nil {
		return r.lost(ctx, "blob", b.Digest, name, err)
	}
	got, err := cache.HashPath(ctx, path)
	if err != nil {
		return err
	}
	if got != b {
		return r.foreign("blob", b.Digest, name, fmt.Errorf("its content has the digest %s", got.Digest.Short()))
	}
	_, err = r.store.Adopt(ctx, path)
	return err
}

// inOne fetches a blob of one object.
func (r *Remote) inOne(ctx context.Context, b cache.Blob, path string) error {
	packed, _, err := r.get(ctx, blobName(b), 2*partSize+maxEntry)
	if err != nil {
		return err
	}
	r.bytesFetched.Add(int64(len(packed)))
	if b.Dir {
		err = unpack(bytes.NewReader(packed), b, path)
	} else {
		var text []byte
		if text, err = r.dec.DecodeAll(packed, nil); err == nil {
			return os.WriteFile(path, text, 0o644)
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errForeign, err)
	}
	return nil
}

// inParts fetches a blob of several objects; what has arrived is kept if it can't be finished now.
func (r *Remote) inParts(ctx context.Context, b cache.Blob, path string) error {
	file, err := r.fetchParts(ctx, b)
	if err != nil {
		return err
	}
	if !b.Dir {
		return os.Rename(file, path)
	}
	defer os.Remove(file)
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := untar(f, b, path); err != nil {
		return fmt.Errorf("%w: %w", errForeign, err)
	}
	return nil
}
