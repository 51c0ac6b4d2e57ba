package table

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// lineReader reads lines without their line breaks. Lines can be put back, to be read again.
type lineReader struct {
	r       *bufio.Reader
	n       int64 // number of lines read
	pending [][]byte
	ended   bool
}

// next returns the next line, or io.EOF after the last.
func (l *lineReader) next() ([]byte, error) {
	if len(l.pending) > 0 {
		line := l.pending[0]
		l.pending = l.pending[1:]
		l.n++
		return line, nil
	}
	if l.ended {
		return nil, io.EOF
	}
	b, err := readLine(l.r)
	if errors.Is(err, io.EOF) {
		if l.ended = true; len(b) == 0 {
			return nil, io.EOF
		}
		err = nil
	}
	if err != nil {
		return nil, err
	}
	l.n++
	return bytes.Clone(b), nil
}

// unread puts back the lines that were read last.
func (l *lineReader) unread(lines [][]byte) {
	l.n -= int64(len(lines))
	l.pending = append(slices.Clone(lines), l.pending...)
}

// readLine reads a line without its line break. A line longer than maxLine is an error.
func readLine(r *bufio.Reader) ([]byte, error) {
	var out []byte
	for {
		b, err := r.ReadSlice('\n')
		if len(out)+len(b) > maxLine {
			return nil, fmt.Errorf("the line is longer than %d MiB", maxLine>>20)
		}
		if err == nil && out == nil {
			return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r")), nil
		}
		out = append(out, b...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSuffix(bytes.TrimSuffix(out, []byte("\n")), []byte("\r")), err
		}
	}
}

// loneReturn tells whether b has a carriage return that isn't at its end.
func loneReturn(b []byte) bool { return bytes.IndexByte(bytes.TrimRight(b, "\r"), '\r') >= 0 }

// onlyReturns tells whether the beginning of a file has lines that end with a carriage return alone: all of them would be one line.
func onlyReturns(head []byte) bool {
	return loneReturn(head) && bytes.IndexByte(head, '\n') < 0
}

func returnsAlone(name string) error {
	return fmt.Errorf("%s: its lines end with a carriage return alone: convert them (tr '\\r' '\\n')", name)
}

// scanLines reads each line as a text.
func scanLines(r *bufio.Reader, name string, yield yielder) error {
	names := []string{"text"}
	if head, _ := r.Peek(sniff); onlyReturns(head) {
		return returnsAlone(name)
	}
	for line := int64(1); ; line++ {
		b, err := readLine(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if s := strings.TrimSpace(string(b)); s != "" {
			rec := Record{Place: Place{File: name, Line: line}, Names: names}
			rec.Values = map[string]any{"text": rec.line("text", s)}
			if !yield(rec, nil) {
				return errStop
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
	}
}
