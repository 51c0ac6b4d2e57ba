package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"time"
)

// tries is how often a request is made that a fault of the way ends.
const tries = 4

// pause is how long to wait before a request is made again; each further pause is four times as long.
const pause = 50 * time.Millisecond

// slowest is the slowest transfer that counts as one that goes on, in bytes a second.
const slowest = 64 << 10

// limit is how long a transfer of size bytes may take.
func (r *Remote) limit(size int64) time.Duration {
	return r.o.Timeout + time.Duration(float64(size)/slowest*float64(time.Second))
}

// errTooBig is of an object that is longer than whatever it stands for can be.
var errTooBig = errors.New("it is longer than it can be")

// get reads an object whole. The first answer has to come within the timeout, the rest at a bearable pace.
func (r *Remote) get(ctx context.Context, name string, most int64) (b []byte, modified time.Time, err error) {
	return r.getInto(ctx, name, most, nil)
}

// getInto is get into a buffer, where it has room.
func (r *Remote) getInto(ctx context.Context, name string, most int64, into []byte) (b []byte, modified time.Time, err error) {
	err = r.again(ctx, func() error {
		rctx, cancel := context.WithCancel(ctx)
		defer cancel()
		late := time.AfterFunc(r.o.Timeout, cancel)
		in, err := r.bucket.Get(rctx, name)
		if err != nil {
			late.Stop()
			return err
		}
		defer in.Body.Close()
		if in.Size > most {
			late.Stop()
			return errTooBig
		}
		late.Reset(r.limit(in.Size))
		defer late.Stop()
		modified = in.Modified
		if room := max(in.Size, 0) + bytes.MinRead; int64(cap(into)) < room {
			into = make([]byte, room)
		}
		buf := bytes.NewBuffer(into[:0])
		n, err := io.Copy(buf, io.LimitReader(in.Body, most+1))
		switch {
		case err != nil:
			return err
		case n > most:
			return errTooBig
		case in.Size >= 0 && n != in.Size:
			return fmt.Errorf("%w: %d of %d bytes", io.ErrUnexpectedEOF, n, in.Size)
		}
		b = buf.Bytes()
		return nil
	})
	return b, modified, err
}

// put writes an object, which appears whole or not at all.
func (r *Remote) put(ctx context.Context, name string, b []byte) error {
	return r.again(ctx, func() error {
		pctx, cancel := context.WithTimeout(ctx, r.limit(int64(len(b))))
		defer cancel()
		return r.bucket.Put(pctx, name, b)
	})
}

// there tells whether an object exists.
func (r *Remote) there(ctx context.Context, name string) (ok bool, err error) {
	err = r.again(ctx, func() error {
		actx, cancel := context.WithTimeout(ctx, r.o.Timeout)
		defer cancel()
		ok, err = r.bucket.Has(actx, name)
		return err
	})
	return ok, err
}

// listTime is how many times the timeout a listing may take to find its next object: it may have to pass many that aren't rein's.
const listTime = 12

// list lists the bucket. It ends with an error when the bucket sends nothing for too long.
func (r *Remote) list(ctx context.Context, prefix string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		most := listTime * r.o.Timeout
		lctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		late := time.AfterFunc(most, func() {
			cancel(fmt.Errorf("no answer to a listing within %v: %w", most, context.DeadlineExceeded))
		})
		defer late.Stop()
		for item, err := range r.bucket.List(lctx, prefix) {
			late.Stop()
			if err != nil && lctx.Err() != nil && ctx.Err() == nil {
				err = context.Cause(lctx)
			}
			if !yield(item, err) {
				return
			}
			late.Reset(most)
		}
	}
}

// fault is an error of the bucket or of the way there. Others are this machine's, and no reason to leave the bucket alone.
type fault struct{ error }

func (f *fault) Unwrap() error { return f.error }

func isFault(err error) bool {
	var f *fault
	return errors.As(err, &f)
}

// again makes a request up to four times, unless the answer is final, the time is up, or nobody answers at all. Its error is
// a *fault, unless the caller gave up.
func (r *Remote) again(ctx context.Context, request func() error) error {
	if err := r.tryAgain(ctx, request); err != nil && ctx.Err() == nil {
		return &fault{err}
	} else if err != nil {
		return ctx.Err()
	}
	return nil
}

func (r *Remote) tryAgain(ctx context.Context, request func() error) (err error) {
	for try := range tries {
		r.requests.Add(1)
		began := time.Now()
		if err = request(); err == nil || ctx.Err() != nil || errors.Is(err, errTooBig) {
			return err
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrInvalid) {
			return err
		}
		if time.Since(began) >= r.o.Timeout || r.Offline() || try == tries-1 {
			return err
		}
		select {
		case <-time.After(pause<<(2*try)/2 + rand.N(pause<<(2*try))): // spread, so that many machines don't come back at once
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}
