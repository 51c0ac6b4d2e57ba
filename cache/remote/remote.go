// Package remote shares a store's results between machines through a bucket. An entry and its blobs are fetched when the
// local store misses them, and sent when it made them. Nothing fetched is believed: an entry must be of its key, a blob
// must have its digest. What isn't is a miss. A bucket that fails is left alone for the rest of the run.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"

	"rein/cache"
)

// layout is the first part of every name in the bucket. Another version with other rules has another one.
const layout = "rein1/"

// maxEntry is the longest entry that is read.
const maxEntry = 64 << 20

// Options say how a bucket is used.
type Options struct {
	ReadOnly bool              // fetch, never send
	Timeout  time.Duration     // for the first answer to a request; 0: 5 seconds
	Report   func(text string) // called with what went wrong; calls don't overlap
}

// Remote is a bucket beside a store. Its methods are safe for concurrent use.
type Remote struct {
	bucket *blob.Bucket
	store  *cache.Store
	o      Options

	mu   sync.Mutex
	gone bool // the bucket failed: not asked again
}

// New puts a bucket beside a store. The bucket stays the caller's to close; its driver brings the credentials.
func New(store *cache.Store, bucket *blob.Bucket, o Options) *Remote {
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	return &Remote{bucket: bucket, store: store, o: o}
}

func entryName(action cache.Digest) string { return layout + "entry/" + action.String() }

func blobName(b cache.Blob) string {
	kind := "file/"
	if b.Dir {
		kind = "folder/"
	}
	return layout + kind + b.Digest.String()
}

// Offline tells whether the bucket failed and is left alone since.
func (r *Remote) Offline() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone
}

// report passes a text on.
func (r *Remote) report(format string, args ...any) {
	if r.o.Report == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.o.Report(fmt.Sprintf(format, args...))
}

// fail leaves the bucket alone from now on, and says so once.
func (r *Remote) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return
	}
	r.gone = true
	if r.o.Report != nil {
		r.o.Report(fmt.Sprintf("the shared cache fails: %v; going on without it", err))
	}
}

// Fetch brings an action's entry and its outputs into the store. The error of what isn't to be had is a *cache.Miss.
func (r *Remote) Fetch(ctx context.Context, action cache.Digest) (*cache.Entry, error) {
	if r.Offline() {
		return nil, &cache.Miss{What: "entry", Reason: "the shared cache is offline"}
	}
	e, err := r.entry(ctx, action)
	if err != nil {
		return nil, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	for _, b := range e.Outputs {
		g.Go(func() error { return r.fetchBlob(gctx, b) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return e, r.store.Put(ctx, e)
}

// answer limits the time that a short request may take.
func (r *Remote) answer(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, r.o.Timeout)
}

// entry reads an entry and checks that it is the one asked for.
func (r *Remote) entry(ctx context.Context, action cache.Digest) (*cache.Entry, error) {
	actx, cancel := r.answer(ctx)
	defer cancel()
	in, err := r.bucket.NewReader(actx, entryName(action), nil)
	if err != nil {
		return nil, r.lost(ctx, "entry", action, err)
	}
	defer in.Close()
	if in.Size() > maxEntry {
		return nil, r.foreign("entry", action, fmt.Errorf("it is %d bytes long", in.Size()))
	}
	b := make([]byte, in.Size())
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, r.lost(ctx, "entry", action, err)
	}
	b, ok := unseal(b)
	if !ok {
		return nil, r.foreign("entry", action, errors.New("its checksum is wrong"))
	}
	var e cache.Entry
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, r.foreign("entry", action, err)
	}
	if e.Action != action || cache.Sum([]byte(e.Key)) != action {
		return nil, r.foreign("entry", action, errors.New("its key isn't the action's"))
	}
	return &e, nil
}

// sealed puts a checksum before an entry's text: its metrics have no digest of their own.
func sealed(text []byte) []byte { return append([]byte(cache.Sum(text).String()+"\n"), text...) }

// unseal returns the text that was sealed, or false if it isn't that.
func unseal(b []byte) ([]byte, bool) {
	sum, text, ok := bytes.Cut(b, []byte("\n"))
	return text, ok && string(sum) == cache.Sum(text).String()
}

// readError is a miss: of what isn't there, or of all there is, when the bucket fails.
func (r *Remote) readError(what string, d cache.Digest, err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return &cache.Miss{What: what, Reason: d.Short() + " is not in the shared cache"}
	}
	r.fail(err)
	return &cache.Miss{What: what, Reason: "the shared cache fails: " + err.Error()}
}

// foreign reports content that isn't what its name says, which is a miss.
func (r *Remote) foreign(what string, d cache.Digest, err error) error {
	r.report("the shared cache's %s %s is not used: %v", what, d.Short(), err)
	return &cache.Miss{What: what, Reason: "damaged in the shared cache: " + err.Error()}
}

// fetchBlob brings a blob into the store, unless it is there.
func (r *Remote) fetchBlob(ctx context.Context, b cache.Blob) error {
	if r.store.Has(b) {
		if _, err := r.store.Path(ctx, b); err == nil {
			return nil
		}
	}
	rctx, cancel := context.WithCancel(ctx)
	defer cancel()
	late := time.AfterFunc(r.o.Timeout, cancel) // the answer has to come soon; the rest may take its time
	in, err := r.bucket.NewReader(rctx, blobName(b), nil)
	late.Stop()
	if gcerrors.Code(err) == gcerrors.NotFound {
		return r.foreign("blob", b.Digest, errors.New("an entry names it, but it isn't there"))
	} else if err != nil {
		return r.lost(ctx, "blob", b.Digest, err)
	}
	defer in.Close()
	tmp, err := r.store.Scratch()
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	path := filepath.Join(tmp, "blob")
	if err := unpack(in, b, path); err != nil {
		return errors.Join(ctx.Err(), r.foreign("blob", b.Digest, err))
	}
	got, err := cache.HashPath(ctx, path)
	if err != nil {
		return err
	}
	if got != b {
		return r.foreign("blob", b.Digest, fmt.Errorf("its content has the digest %s", got.Digest.Short()))
	}
	_, err = r.store.Adopt(ctx, path)
	return err
}

// lost is readError, unless it was the caller who gave up.
func (r *Remote) lost(ctx context.Context, what string, d cache.Digest, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.readError(what, d, err)
}
