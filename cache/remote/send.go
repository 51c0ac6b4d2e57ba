package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
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
		g.Go(func() error { return r.SendBlob(gctx, b) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	name := entryName(e.Action)
	r.mended(name)
	if err := r.put(ctx, name, sealed(text)); err != nil {
		return r.sendError(ctx, err)
	}
	r.sent.Add(1)
	return nil
}

// SendBlob sends a blob of the store, unless it is there.
func (r *Remote) SendBlob(ctx context.Context, b cache.Blob) error {
	path, err := r.store.Path(ctx, b)
	if err != nil {
		return err
	}
	return r.SendPath(ctx, b, path)
}

// sendFrom sends a blob that is at a path.
func (r *Remote) sendFrom(ctx context.Context, b cache.Blob, path string) error {
	if b.Size > partSize {
		return r.sendLong(ctx, b, path)
	}
	return r.sendOnce(ctx, blobName(b), func() ([]byte, error) {
		if b.Dir {
			var w bytes.Buffer
			err := pack(&w, path)
			return w.Bytes(), err
		}
		text, err := os.ReadFile(path)
		return r.enc.EncodeAll(text, nil), err
	})
}

// sendLong sends a blob in parts.
func (r *Remote) sendLong(ctx context.Context, b cache.Blob, path string) error {
	if there, err := r.whole(ctx, listName(b)); err != nil || there {
		return err
	}
	in, out := io.Pipe()
	defer in.Close() // ends the writer
	go func() {
		if b.Dir {
			out.CloseWithError(tarOf(out, path))
		} else {
			out.CloseWithError(copyIn(out, path))
		}
	}()
	return r.sendParts(ctx, b, in)
}

// sendOnce sends an object unless it is there.
func (r *Remote) sendOnce(ctx context.Context, name string, content func() ([]byte, error)) error {
	if there, err := r.whole(ctx, name); err != nil || there {
		return err
	}
	b, err := content()
	if err != nil {
		return err
	}
	r.bytesSent.Add(int64(len(b)))
	return r.put(ctx, name, b)
}

// whole tells whether an object is there and not known to be damaged.
func (r *Remote) whole(ctx context.Context, name string) (bool, error) {
	if r.mended(name) {
		return false, nil
	}
	return r.there(ctx, name)
}

// sendError leaves the bucket alone from now on, unless it was the caller who gave up.
func (r *Remote) sendError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.fail(err)
	return fmt.Errorf("shared cache: %w", err)
}
