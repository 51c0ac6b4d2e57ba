package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"rein/cache"
)

// Send puts an entry and its outputs into the bucket: blobs first, the entry last, so that an entry in the bucket always has
// its blobs. What the bucket has already isn't sent again, so a push that was cut off goes on where it was.
func (r *Remote) Send(ctx context.Context, e *cache.Entry) error {
	if r.o.ReadOnly || r.Offline() {
		return nil
	}
	if cache.Sum([]byte(e.Key)) != e.Action {
		return fmt.Errorf("entry %s: its key isn't its action's: not sent", e.Action.Short())
	}
	out := &object{Entry: *e}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	for port, b := range e.Outputs {
		if out.room(b) {
			if err := r.inline(ctx, out, port, b); err != nil {
				return errors.Join(err, g.Wait())
			}
			continue
		}
		g.Go(func() error { return r.SendBlob(gctx, b) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	text, err := json.Marshal(out)
	if err != nil {
		return err
	}
	name := entryName(e.Action)
	r.mended(name)
	text = r.sealEntry(text)
	if err := r.put(ctx, name, text); err != nil {
		return r.sendError(ctx, err)
	}
	r.sent.Add(1)
	r.bytesSent.Add(int64(len(text)))
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
		if err == nil && cache.Sum(text) != b.Digest {
			err = errChanged
		}
		return r.encode(text, nil), err
	})
}

// errChanged is of content that isn't what it was when it was hashed: nobody is sent that.
var errChanged = errors.New("it changed while it was sent")

// sendLong sends a blob in parts.
func (r *Remote) sendLong(ctx context.Context, b cache.Blob, path string) error {
	defer r.alone(b)()
	if there, err := r.whole(ctx, listName(b)); err != nil || there {
		return err
	}
	if !b.Dir {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return r.sendParts(ctx, b, f)
	}
	in, out := io.Pipe()
	defer in.Close() // ends the writer
	go func() { out.CloseWithError(tarOf(out, path)) }()
	return r.sendParts(ctx, b, in)
}

// alone waits until nobody else here transfers a long blob, until the func is called.
func (r *Remote) alone(b cache.Blob) (end func()) {
	v, _ := r.long.LoadOrStore(b, new(sync.Mutex))
	mu := v.(*sync.Mutex)
	mu.Lock()
	return mu.Unlock
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

// sendError leaves a bucket that failed alone from now on, unless it was the caller who gave up.
func (r *Remote) sendError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !isFault(err) {
		return err
	}
	r.fail(err)
	return fmt.Errorf("shared cache: %w", err)
}
