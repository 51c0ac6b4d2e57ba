package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"rein/cache"
)

// maxLetter is the longest letter that is read.
const maxLetter = 64 << 20

// letterName is the object of a letter: a short text that goes through the bucket from one machine to another, such as a work order, an
// answer, or what a step prints. Each letter has a checksum, and is removed when it is read for the last time.
func letterName(name string) string { return layout + "letter/" + name }

// Post leaves a letter for somebody else.
func (r *Remote) Post(ctx context.Context, name string, text []byte) error {
	if err := r.put(ctx, letterName(name), sealed(text)); err != nil {
		return fmt.Errorf("shared cache: letter %s: %w", name, err)
	}
	return nil
}

// Read reads a letter; ok is false while there is none.
func (r *Remote) Read(ctx context.Context, name string) (text []byte, ok bool, err error) {
	b, _, err := r.get(ctx, letterName(name), maxLetter)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("shared cache: letter %s: %w", name, err)
	}
	if text, ok = unseal(b); !ok {
		return nil, false, fmt.Errorf("shared cache: letter %s: its checksum is wrong", name)
	}
	return text, true, nil
}

// Burn removes a letter. One that is left behind goes with the next prune.
func (r *Remote) Burn(ctx context.Context, name string) { _ = r.bucket.Delete(ctx, letterName(name)) }

// SendPath sends what is at a path, unless it is there; it has to be b.
func (r *Remote) SendPath(ctx context.Context, b cache.Blob, path string) error {
	if err := r.sendFrom(ctx, b, path); err != nil {
		return r.sendError(ctx, err)
	}
	return nil
}
