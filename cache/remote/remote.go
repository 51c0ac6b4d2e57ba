// Package remote shares a store's results between machines through a bucket. An entry and its blobs are fetched when the
// local store misses them, and sent when it made them. Nothing fetched is believed: an entry must be of its key, a blob
// must have its digest. What isn't is a miss. A bucket that fails is left alone for the rest of the run.
package remote

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"rein/cache"
)

// layout is the first part of every name in the bucket. Another version with other rules has another one.
const layout = "rein2/"

// maxEntry is the longest entry that is read.
const maxEntry = 64 << 20

// Options say how a bucket is used.
type Options struct {
	ReadOnly bool                // fetch, never send
	Sign     ed25519.PrivateKey  // signs what is sent; nil: nothing does
	Trust    []ed25519.PublicKey // only entries that one of them signed are fetched; none: all are
	Timeout  time.Duration       // for the first answer to a request; 0: 5 seconds
	Report   func(text string)   // called with what went wrong; calls don't overlap
}

// Remote is a bucket beside a store. Its methods are safe for concurrent use.
type Remote struct {
	bucket Bucket
	store  *cache.Store
	o      Options
	enc    *zstd.Encoder
	dec    *zstd.Decoder

	requests                atomic.Int64
	fetched, sent           atomic.Int64 // entries
	bytesFetched, bytesSent atomic.Int64

	long sync.Map // cache.Blob -> *sync.Mutex, of long ones that are transferred

	mu   sync.Mutex
	gone bool            // the bucket failed: not asked again
	bad  map[string]bool // objects that were found damaged: to be written again
}

// New puts a bucket beside a store. The bucket stays the caller's to close.
func New(store *cache.Store, bucket Bucket, o Options) (*Remote, error) {
	if len(o.Trust) > 0 && o.Sign == nil {
		o.ReadOnly = true // nobody would believe what is sent
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(partSize+maxGrowth))
	if err != nil {
		return nil, err
	}
	return &Remote{bucket: bucket, store: store, o: o, enc: enc, dec: dec, bad: map[string]bool{}}, nil
}

// Counts are what a Remote has done.
type Counts struct {
	Requests, Fetched, Sent int64 // Fetched and Sent are entries
	BytesFetched, BytesSent int64 // compressed
}

// Counts returns what was done so far.
func (r *Remote) Counts() Counts {
	return Counts{r.requests.Load(), r.fetched.Load(), r.sent.Load(), r.bytesFetched.Load(), r.bytesSent.Load()}
}

func entryName(action cache.Digest) string { return layout + "entry/" + action.String() }

func kindOf(b cache.Blob) string {
	if b.Dir {
		return "folder"
	}
	return "file"
}

// blobName is where a blob of one part is.
func blobName(b cache.Blob) string { return layout + kindOf(b) + "/" + b.Digest.String() }

// spoilt remembers that an object is damaged, so that it is sent again although it is there.
func (r *Remote) spoilt(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad[name] = true
}

// mended tells whether an object is known to be damaged, and forgets that.
func (r *Remote) mended(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.bad[name]
	delete(r.bad, name)
	return was
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
	o, used, err := r.entry(ctx, action)
	if err != nil {
		return nil, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	for port, b := range o.Outputs {
		g.Go(func() error {
			text, ok := o.Inline[port]
			if !ok {
				return r.FetchBlob(gctx, b)
			}
			if err := r.keep(gctx, b, text); err != nil {
				return r.lost(gctx, "blob", b.Digest, entryName(action), err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := r.store.Put(ctx, &o.Entry); err != nil {
		return nil, err
	}
	r.fetched.Add(1)
	r.touch(ctx, o, used)
	return &o.Entry, nil
}

// touchAfter is how old the mark of an entry's last use gets before it is renewed.
const touchAfter = 24 * time.Hour

// touch marks an entry as used, by writing it again: prune goes by that. A failure is no matter.
func (r *Remote) touch(ctx context.Context, o *object, used time.Time) {
	if r.o.ReadOnly || time.Since(used) < touchAfter {
		return
	}
	if text, err := json.Marshal(o); err == nil {
		_ = r.put(ctx, entryName(o.Action), r.sealEntry(text))
	}
}

// entry reads an entry and checks that it is the one asked for. used is when it was last written or touched.
func (r *Remote) entry(ctx context.Context, action cache.Digest) (o *object, used time.Time, err error) {
	name := entryName(action)
	b, used, err := r.get(ctx, name, maxEntry)
	if err != nil {
		return nil, used, r.lost(ctx, "entry", action, name, err)
	}
	r.bytesFetched.Add(int64(len(b)))
	text, signed, err := unsealEntry(b)
	if err == nil {
		err = r.believe(text, signed)
	}
	if err == nil {
		o, err = readEntry(text, action)
	}
	if err != nil {
		return nil, used, r.foreign("entry", action, name, err)
	}
	return o, used, nil
}

// lost makes a miss of why an object couldn't be read, unless it was the caller who gave up. A bucket that fails is left
// alone from now on.
func (r *Remote) lost(ctx context.Context, what string, d cache.Digest, name string, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errForeign), errors.Is(err, errTooBig):
		return r.foreign(what, d, name, err)
	case errors.Is(err, fs.ErrNotExist) && what == "entry":
		return &cache.Miss{What: what, Reason: d.Short() + " is not in the shared cache"}
	case errors.Is(err, fs.ErrNotExist):
		return r.foreign(what, d, name, errors.New("an entry names it, but it isn't there"))
	case !isFault(err):
		return err
	}
	r.fail(err)
	return &cache.Miss{What: what, Reason: "the shared cache fails: " + err.Error()}
}

// foreign reports content that isn't what its name says, which is a miss.
func (r *Remote) foreign(what string, d cache.Digest, name string, err error) error {
	r.spoilt(name)
	r.report("the shared cache's %s %s is not used: %v", what, d.Short(), err)
	return &cache.Miss{What: what, Reason: "damaged in the shared cache: " + err.Error()}
}
