// Package flat writes values one after another into a file, and reads them back. Both are done by the same calls, so the two sides can't
// disagree. Nothing in the file says what its values are: a file of another format has to be told by a mark or a digest.
package flat

import (
	"encoding/binary"
	"math"
)

// Coder writes to Out, or reads from In. Texts that are read share the memory of In.
type Coder struct {
	Reading bool
	Out     []byte
	In      string
	Bad     bool // In isn't what a writer has written, or a value can't be written; what was read counts for nothing
}

// Uint codes a number in as few bytes as it needs.
func (c *Coder) Uint(n *uint64) {
	if !c.Reading {
		c.Out = binary.AppendUvarint(c.Out, *n)
		return
	}
	*n = 0
	for shift := 0; shift < 64; shift += 7 {
		if c.In == "" {
			break
		}
		b := c.In[0]
		c.In = c.In[1:]
		if *n |= uint64(b&0x7f) << shift; b < 0x80 {
			return
		}
	}
	*n, c.Bad = 0, true
}

// Number codes a number that is rarely negative.
func Number[T ~int | ~int64](c *Coder, n *T) {
	u := uint64(*n)
	c.Uint(&u)
	*n = T(u)
}

// Flag codes a bool.
func (c *Coder) Flag(b *bool) {
	u := uint64(0)
	if *b {
		u = 1
	}
	c.Uint(&u)
	*b = u == 1
}

// Float codes all bits of a number.
func (c *Coder) Float(f *float64) {
	u := math.Float64bits(*f)
	c.Uint(&u)
	*f = math.Float64frombits(u)
}

// Text codes a text.
func Text[T ~string](c *Coder, s *T) {
	n := uint64(len(*s))
	if c.Uint(&n); !c.Reading {
		c.Out = append(c.Out, *s...)
		return
	}
	if n > uint64(len(c.In)) {
		*s, c.Bad = "", true
		return
	}
	*s, c.In = T(c.In[:n]), c.In[n:]
}

// Bytes codes a text that is read into memory of its own.
func (c *Coder) Bytes(b *[]byte) {
	s := ""
	if !c.Reading {
		n := uint64(len(*b))
		c.Uint(&n)
		c.Out = append(c.Out, *b...)
		return
	}
	Text(c, &s)
	*b = []byte(s)
}

// Fixed codes bytes whose number is known, such as a digest's.
func (c *Coder) Fixed(b []byte) {
	switch {
	case !c.Reading:
		c.Out = append(c.Out, b...)
	case len(b) > len(c.In):
		c.Bad = true
	default:
		copy(b, c.In)
		c.In = c.In[len(b):]
	}
}

// List goes over a list's elements; an empty one is read as nil.
func List[T any](c *Coder, l *[]T, each func(*T)) {
	n := uint64(len(*l))
	if c.Uint(&n); c.Reading {
		if n > uint64(len(c.In)) { // an element takes a byte at least
			n, c.Bad = 0, true
		}
		if *l = nil; n > 0 {
			*l = make([]T, n)
		}
	}
	for i := range *l {
		if c.Bad {
			return
		}
		each(&(*l)[i])
	}
}

// Texts codes a list of texts.
func (c *Coder) Texts(l *[]string) { List(c, l, func(s *string) { Text(c, s) }) }
