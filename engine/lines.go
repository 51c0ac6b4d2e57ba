package engine

import (
	"bytes"
	"cmp"
	"strings"
)

// maxLine is the default of LineWriter.Most, in bytes.
const maxLine = 1 << 20

// LineWriter calls Line for each line that is written to it, without its end. Empty lines are left out, and bytes that aren't UTF-8 become
// U+FFFD. Of a progress bar, which redraws itself with carriage returns, the last state is the line.
type LineWriter struct {
	Line func(string)
	Most int // length in bytes at which a line is divided; 0: 1 MiB

	buf []byte
}

// Write implements io.Writer.
func (w *LineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		w.buf = append(w.buf, p[:i]...)
		w.Flush()
		p = p[i+1:]
	}
	if w.buf = append(w.buf, p...); len(w.buf) >= cmp.Or(w.Most, maxLine) {
		w.Flush()
	}
	return n, nil
}

// Flush ends the line that was begun.
func (w *LineWriter) Flush() {
	b := bytes.TrimRight(w.buf, "\r")
	b = b[bytes.LastIndexByte(b, '\r')+1:]
	w.buf = w.buf[:0]
	if len(b) > 0 {
		w.Line(strings.ToValidUTF8(string(b), "\uFFFD"))
	}
}
