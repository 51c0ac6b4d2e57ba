package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"rein/cache"
)

// Send puts an entry and its outputs into the bucket: blobs first, the entry last, so that whoever finds the entry finds
// its blobs. What the bucket has already isn't sent again, so a push that was cut off goes on where it was.
func (r *Remote) Send(ctx context.Context, e *cache.Entry) error {
	if r.o.ReadOnly || r.Offline() {
		return nil
	}
	if cache.Sum([]byte(e.Key)) != e.Action {
		return fmt.Errorf("entry %s: its key isn't its action's: not sent", e.Action.Short())
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	for _, b := range e.Outputs {
		g.Go(func() error { return r.sendBlob(gctx, b) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return r.upload(ctx, entryName(e.Action), func(w io.Writer) error {
		_, err := w.Write(sealed(text))
		return err
	})
}

func (r *Remote) sendBlob(ctx context.Context, b cache.Blob) error {
	actx, done := r.answer(ctx)
	there, err := r.bucket.Exists(actx, blobName(b))
	done()
	if err != nil {
		return r.sendError(ctx, err)
	}
	if there {
		return nil
	}
	path, err := r.store.Path(ctx, b)
	if err != nil {
		return err
	}
	return r.upload(ctx, blobName(b), func(w io.Writer) error { return pack(w, path, b.Dir) })
}

// upload writes an object, which appears whole or not at all.
func (r *Remote) upload(ctx context.Context, name string, write func(io.Writer) error) error {
	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := r.bucket.NewWriter(wctx, name, nil)
	if err != nil {
		return r.sendError(ctx, err)
	}
	if err := write(w); err != nil {
		cancel() // Close then drops what was written
		_ = w.Close()
		return r.sendError(ctx, err)
	}
	if err := w.Close(); err != nil {
		return r.sendError(ctx, err)
	}
	return nil
}

// sendError leaves the bucket alone from now on, unless it was the caller who gave up.
func (r *Remote) sendError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.fail(err)
	return fmt.Errorf("shared cache: %w", err)
}
