package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// streams is where a command reads and writes. Results go to out; progress, notices and errors to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// writeError is the error of the first result that could not be written, or that nobody reads the output.
func (s streams) writeError() error {
	if o, ok := s.err.(*output); ok && errors.Is(o.firstError(), syscall.EPIPE) {
		return syscall.EPIPE
	}
	if o, ok := s.out.(*output); ok {
		return o.firstError()
	}
	return nil
}

// output is a stream that keeps its first write error, so that no command has to check each write: half a result must not be taken for a
// whole one. To code that asks for a terminal it looks like a file, but everything is written through Write.
type output struct {
	file   *os.File
	closed func() // nobody reads any more

	mu    sync.Mutex
	err   error
	plain *plainText // makes output harmless; nil: output is written unchanged
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	text := p
	if o.plain != nil {
		text = o.plain.clean(p)
	}
	o.mu.Unlock()
	n, err := o.file.Write(text)
	if err == nil {
		n = len(p)
	}
	if err != nil {
		o.mu.Lock()
		o.err = cmp.Or(o.err, err)
		o.mu.Unlock()
		if errors.Is(err, syscall.EPIPE) {
			o.closed()
		}
	}
	return n, err
}

// Fd, Read and Close are the further methods that a terminal needs.
func (o *output) Fd() uintptr                { return o.file.Fd() }
func (o *output) Read(p []byte) (int, error) { return o.file.Read(p) }
func (o *output) Close() error               { return o.file.Close() }

func (o *output) firstError() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// terminal is a stream of a process: all that is asked of a terminal.
type terminal interface{ Fd() uintptr }

// isTerminal tells whether w is a terminal, and its width in columns (0: not known).
func isTerminal(w any) (bool, int) {
	f, ok := w.(terminal)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 0
	}
	return true, width
}

// interruptible reads from r until ctx ends, so that a person can interrupt a question.
func interruptible(ctx context.Context, r io.Reader) io.Reader { return &ctxReader{ctx: ctx, r: r} }

type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader. A read that ctx interrupts continues in the background, into memory of its own.
func (c *ctxReader) Read(p []byte) (int, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		buf := make([]byte, len(p))
		n, err := c.r.Read(buf)
		done <- result{buf[:n], err}
	}()
	select {
	case <-c.ctx.Done():
		return 0, c.ctx.Err()
	case r := <-done:
		return copy(p, r.data), r.err
	}
}
