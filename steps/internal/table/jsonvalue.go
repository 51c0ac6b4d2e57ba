package table

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// notNumber replaces NaN and Infinity until a record is decoded.
const notNumber = `"\u0000not a number"`

var notNumberText = "\x00not a number"

// decode reads one JSON value. Where encoding/json would drop or repair something silently, decode doesn't: a repeated key is an error;
// invalid UTF-8, half a surrogate pair and NaN are marked in the record.
func (r *Record) decode(b []byte) (any, error) {
	v, err := decodeStrictly(b)
	if err != nil && (bytes.Contains(b, []byte("NaN")) || bytes.Contains(b, []byte("Infinity"))) {
		f := &numberFilter{r: bytes.NewReader(b)}
		if filtered, ferr := io.ReadAll(f); ferr == nil && f.found > 0 {
			b = filtered
			v, err = decodeStrictly(b)
		}
	}
	if err != nil {
		return nil, err
	}
	keys, deep := countKeys(v)
	if n := countColons(b); n != keys {
		return nil, fmt.Errorf("the key %q is there twice", repeatedKey(b))
	}
	if m, ok := v.(map[string]any); ok && (deep || !utf8.Valid(b) || surrogate(b)) {
		r.mark(b, m)
	}
	return v, nil
}

func decodeStrictly(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value on the line")
	}
	return v, nil
}

// countKeys counts the keys of a value, at all depths. odd tells whether notNumber is among the values.
func countKeys(v any) (n int, odd bool) {
	switch v := v.(type) {
	case map[string]any:
		n = len(v)
		for _, e := range v {
			more, o := countKeys(e)
			n, odd = n+more, odd || o
		}
	case []any:
		for _, e := range v {
			more, o := countKeys(e)
			n, odd = n+more, odd || o
		}
	case string:
		odd = v == notNumberText
	}
	return n, odd
}

// countColons counts the colons outside strings, which is the number of keys in the text.
func countColons(b []byte) int {
	n := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
		case ':':
			n++
		}
	}
	return n
}

// stringEnd returns the position of the quote that closes the string which opens at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b) && b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i
}

// repeatedKey finds a key that an object has more than once.
func repeatedKey(b []byte) string {
	dec := json.NewDecoder(bytes.NewReader(b))
	var open []map[string]bool // keys of each open object; nil for a list
	key := false
	for {
		t, err := dec.Token()
		if err != nil {
			return ""
		}
		top := len(open) - 1
		switch d, _ := t.(json.Delim); {
		case d == '}' || d == ']':
			open = open[:top]
			key = len(open) > 0 && open[len(open)-1] != nil
			continue
		case key:
			k := t.(string)
			if open[top][k] {
				return k
			}
			open[top][k], key = true, false
			continue
		case d == '{':
			open, key = append(open, map[string]bool{}), true
			continue
		case d == '[':
			open, key = append(open, nil), false
			continue
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

// surrogate tells whether the text may contain an escaped surrogate. It can be wrong, but is fast.
func surrogate(b []byte) bool {
	return bytes.Contains(b, []byte(`\ud`)) || bytes.Contains(b, []byte(`\uD`))
}

// mark records what is broken in which column of an object, and replaces each notNumber by null.
func (r *Record) mark(b []byte, m map[string]any) {
	var raw map[string]json.RawMessage
	if json.Unmarshal(b, &raw) != nil {
		return
	}
	for name, part := range raw {
		switch {
		case !utf8.Valid(part):
			r.broken(name, BadUTF8)
		case surrogate(part) && halfPair(part):
			r.broken(name, badSurrogate)
		}
		m[name] = r.withoutNotNumbers(m[name])
	}
	for name := range m {
		if raw[name] == nil && strings.ContainsRune(name, utf8.RuneError) { // the key isn't valid UTF-8
			r.broken(name, BadUTF8)
		}
	}
}

func (r *Record) withoutNotNumbers(v any) any {
	switch v := v.(type) {
	case string:
		if v == notNumberText {
			r.NotNumbers++
			return nil
		}
	case []any:
		for i := range v {
			v[i] = r.withoutNotNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = r.withoutNotNumbers(v[k])
		}
	}
	return v
}

// halfPair tells whether JSON text contains an escape of half a surrogate pair.
func halfPair(b []byte) bool {
	for i := 0; i+5 < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		if i++; b[i] != 'u' {
			continue
		}
		switch u := hex4(b[i+1:]); {
		case u >= 0xdc00 && u < 0xe000:
			return true
		case u >= 0xd800 && u < 0xdc00:
			if next := i + 5; next+5 >= len(b) || b[next] != '\\' || b[next+1] != 'u' {
				return true
			} else if low := hex4(b[next+2:]); low < 0xdc00 || low >= 0xe000 {
				return true
			}
			i += 10
		}
	}
	return false
}

func hex4(b []byte) (u rune) {
	for _, c := range b[:min(4, len(b))] {
		switch {
		case c >= '0' && c <= '9':
			u = u<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			u = u<<4 | rune(c|0x20-'a'+10)
		}
	}
	return u
}

// numberFilter reads JSON and replaces NaN, Infinity and -Infinity, which Python's json module writes, by notNumber.
type numberFilter struct {
	r       io.Reader
	found   int
	out     []byte // filtered, to be returned by Read
	rest    []byte // not filtered yet: the beginning of a word may be cut here
	quoted  bool   // inside a string
	escaped bool
	err     error
}

var notNumbers = [][]byte{[]byte("-Infinity"), []byte("Infinity"), []byte("NaN")}

func (f *numberFilter) Read(p []byte) (int, error) {
	for len(f.out) == 0 && f.err == nil {
		buf := make([]byte, 32<<10)
		n, err := f.r.Read(buf)
		f.err = err
		f.filter(append(f.rest, buf[:n]...))
	}
	n := copy(p, f.out)
	if f.out = f.out[n:]; n == 0 {
		return 0, f.err
	}
	return n, nil
}

func (f *numberFilter) filter(b []byte) {
	f.rest = nil
	from := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		if f.quoted {
			switch {
			case f.escaped:
				f.escaped = false
			case c == '\\':
				f.escaped = true
			case c == '"':
				f.quoted = false
			}
			continue
		}
		if c == '"' {
			f.quoted = true
		}
		if c != 'N' && c != 'I' && c != '-' {
			continue
		}
		for _, w := range notNumbers {
			if bytes.HasPrefix(b[i:], w) {
				f.out = append(append(f.out, b[from:i]...), notNumber...)
				from, f.found = i+len(w), f.found+1
				i = from - 1
				break
			}
			if f.err == nil && len(b)-i < len(w) && bytes.HasPrefix(w, b[i:]) {
				f.out, f.rest = append(f.out, b[from:i]...), bytes.Clone(b[i:])
				return
			}
		}
	}
	f.out = append(f.out, b[from:]...)
}
