package engine

import (
	"bytes"
	"cmp"
	"strings"
	"unicode/utf8"
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
		w.add(p[:i])
		w.Flush()
		p = p[i+1:]
	}
	w.add(p)
	return n, nil
}

// add goes on with the line, and gives what is too long of it away.
func (w *LineWriter) add(p []byte) {
	w.buf = append(w.buf, p...)
	for most := cmp.Or(w.Most, maxLine); len(w.buf) >= most; {
		rest := bytes.Clone(w.buf[cutBefore(w.buf, most):])
		w.buf = w.buf[:len(w.buf)-len(rest)]
		w.Flush()
		w.buf = append(w.buf, rest...)
	}
}

// cutBefore is where a line that is too long is cut: before a space where there is one in its second half, so that no word and no
// secret is in two pieces, and between characters.
func cutBefore(b []byte, most int) int {
	if at := bytes.LastIndexAny(b[:most], " \t"); at >= most/2 {
		return at
	}
	for at := most; at > most-utf8.UTFMax; at-- {
		if at == len(b) && utf8.Valid(b[at-1:]) || at < len(b) && utf8.RuneStart(b[at]) {
			return at
		}
	}
	return most
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
