package remote

import (
	"bytes"
	"context"
	"io"
	"iter"
)

// patient is a bucket of files that doesn't wait for a file system that hangs longer than its caller does: a call to the system can't
// be taken back, so it is left to end by itself.
type patient struct{ *folder }

// waited waits for f or for the context. What f gives late goes to drop.
func waited[T any](ctx context.Context, f func() (T, error), drop func(T)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				drop(r.value)
			}
		}()
		var none T
		return none, context.Cause(ctx)
	}
}

func (p patient) Get(ctx context.Context, name string) (*Object, error) {
	o, err := waited(ctx, func() (*Object, error) { return p.folder.Get(ctx, name) }, func(o *Object) { o.Body.Close() })
	if err == nil {
		o.Body = &patientBody{ctx: ctx, file: o.Body}
	}
	return o, err
}

func (p patient) Put(ctx context.Context, name string, content []byte) error {
	content = bytes.Clone(content) // the caller's is used again
	_, err := waited(ctx, func() (struct{}, error) { return struct{}{}, p.folder.Put(ctx, name, content) }, func(struct{}) {})
	return err
}

func (p patient) Has(ctx context.Context, name string) (bool, error) {
	return waited(ctx, func() (bool, error) { return p.folder.Has(ctx, name) }, func(bool) {})
}

func (p patient) Delete(ctx context.Context, name string) error {
	_, err := waited(ctx, func() (struct{}, error) { return struct{}{}, p.folder.Delete(ctx, name) }, func(struct{}) {})
	return err
}

// List lists in a goroutine of its own, which may outlive it.
func (p patient) List(ctx context.Context, prefix string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		type found struct {
			item Item
			err  error
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		items := make(chan found)
		go func() {
			defer close(items)
			for item, err := range p.folder.List(ctx, prefix) {
				select {
				case items <- found{item, err}:
				case <-ctx.Done():
					return
				}
			}
		}()
		for {
			select {
			case f, ok := <-items:
				if !ok || !yield(f.item, f.err) {
					return
				}
			case <-ctx.Done():
				yield(Item{}, context.Cause(ctx))
				return
			}
		}
	}
}

// patientBody reads a file into memory of its own: a read that is given up goes on.
type patientBody struct {
	ctx  context.Context
	file io.ReadCloser
	buf  []byte
	busy bool // a read was given up
}

// Read implements io.Reader.
func (b *patientBody) Read(p []byte) (int, error) {
	const most = 1 << 20
	if b.buf == nil {
		b.buf = make([]byte, most)
	}
	buf := b.buf[:min(len(p), most)]
	n, err := waited(b.ctx, func() (int, error) {
		n, err := b.file.Read(buf)
		if err == io.EOF && n > 0 {
			err = nil
		}
		return n, err
	}, func(int) { b.file.Close() })
	if b.ctx.Err() != nil {
		b.busy, b.buf = true, nil
	}
	return copy(p, buf[:n]), err
}

// Close closes the file, unless a read of it still goes on.
func (b *patientBody) Close() error {
	if b.busy {
		return nil
	}
	return b.file.Close()
}
