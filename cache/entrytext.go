package cache

import (
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"
)

// A run with nothing to do reads an entry for each step, and most of that time was package json's. An entryReader reads the text that Put
// writes, and nothing else: what it doesn't know, package json reads.

// entryReader reads the texts of many entries. Most of their short texts are alike: of equal ones there is one in memory.
type entryReader struct {
	texts map[string]string
	// keyless leaves Key out, for who knows it.
	keyless bool
}

// read tells whether text was read into e, as json.Unmarshal would have read it.
func (x *entryReader) read(e *Entry, text []byte) bool {
	if !utf8.Valid(text) {
		return false
	}
	if x.texts == nil {
		x.texts = map[string]string{}
	}
	r := textReader{rest: text, texts: x.texts}
	r.object(func(name string) {
		switch name {
		case "action":
			r.digest(&e.Action)
		case "type":
			e.Type = r.shared()
		case "version":
			e.Version = int(r.number())
		case "pipeline":
			e.Pipeline = r.shared()
		case "step":
			e.Step = r.shared()
		case "key":
			if x.keyless {
				r.skip()
			} else {
				e.Key = string(r.text())
			}
		case "outputs":
			e.Outputs = map[string]Blob{}
			r.table(func(port string) { e.Outputs[port] = r.blob() })
		case "result":
			r.result(&e.Result)
		default:
			r.bad = true
		}
	})
	return !r.bad && len(r.rest) == 0
}

// textReader reads JSON as package json writes it: without white space, each name of an object once. What is otherwise makes it bad.
type textReader struct {
	rest  []byte
	texts map[string]string
	bad   bool
}

func (r *textReader) take(what byte) bool {
	if r.bad || len(r.rest) == 0 || r.rest[0] != what {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *textReader) must(what byte) { r.bad = !r.take(what) }

// object calls each for every name, to read what is behind it.
func (r *textReader) object(each func(name string)) {
	var had [16]string
	n := 0
	r.names(func(name string) {
		r.bad = r.bad || n == len(had) || slices.Contains(had[:n], name)
		if !r.bad {
			had[n] = name
			n++
			each(name)
		}
	})
}

// table is object of a map: its names are sorted.
func (r *textReader) table(each func(name string)) {
	last, first := "", true
	r.names(func(name string) {
		r.bad = r.bad || !first && name <= last
		last, first = name, false
		each(name)
	})
}

func (r *textReader) names(each func(name string)) {
	if r.must('{'); r.take('}') {
		return
	}
	for !r.bad {
		name := r.shared()
		if r.must(':'); r.bad {
			return
		}
		if each(name); !r.take(',') {
			r.must('}')
			return
		}
	}
}

// shared is a string that others may have, too.
func (r *textReader) shared() string {
	b := r.text()
	s, ok := r.texts[string(b)]
	if !ok {
		s = string(b)
		r.texts[s] = s
	}
	return s
}

// skip passes over a string.
func (r *textReader) skip() {
	r.must('"')
	for i := 0; i < len(r.rest) && !r.bad; i++ {
		switch r.rest[i] {
		case '"':
			r.rest = r.rest[i+1:]
			return
		case '\\':
			i++
		}
	}
	r.bad = true
}

// text is a string; it may share memory with what is read.
func (r *textReader) text() (s []byte) {
	r.must('"')
	for i := 0; i < len(r.rest) && !r.bad; i++ {
		switch c := r.rest[i]; {
		case c == '"':
			s, r.rest = r.rest[:i], r.rest[i+1:]
			return s
		case c == '\\':
			return r.escaped(i)
		case c < ' ':
			r.bad = true
		}
	}
	r.bad = true
	return nil
}

// escaped is a string whose first escape is at i.
func (r *textReader) escaped(i int) []byte {
	b := append(make([]byte, 0, min(len(r.rest), max(i, 1<<10))), r.rest[:i]...)
	for i < len(r.rest) {
		c := r.rest[i]
		switch {
		case c == '"':
			r.rest = r.rest[i+1:]
			return b
		case c < ' ':
			r.bad = true
			return nil
		case c != '\\':
			b = append(b, c)
			i++
			continue
		}
		n := 2
		switch escape := string(r.rest[i+1 : min(i+2, len(r.rest))]); escape {
		case "n":
			b = append(b, '\n')
		case "t":
			b = append(b, '\t')
		case "r":
			b = append(b, '\r')
		case "\"", "\\":
			b = append(b, escape...)
		default: // one of those that are seldom written
			var s string
			n = 6
			if escape != "u" {
				n = 2 // \b, \f or \/
			}
			if i+n > len(r.rest) || json.Unmarshal([]byte(`"`+string(r.rest[i:i+n])+`"`), &s) != nil || s == string(utf8.RuneError) {
				r.bad = true
				return nil
			}
			b = append(b, s...)
		}
		i += n
	}
	r.bad = true
	return nil
}

// literal is the text of a number.
func (r *textReader) literal() string {
	n := 0
	for n < len(r.rest) && (r.rest[n] >= '0' && r.rest[n] <= '9' || r.rest[n] == '-' || r.rest[n] == '+' || r.rest[n] == '.' || r.rest[n] == 'e') {
		n++
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *textReader) number() int64 {
	s := r.literal()
	n, err := strconv.ParseInt(s, 10, 64)
	r.bad = r.bad || err != nil || strconv.FormatInt(n, 10) != s
	return n
}

func (r *textReader) float() float64 {
	s := r.literal()
	f, err := strconv.ParseFloat(s, 64)
	r.bad = r.bad || err != nil || !json.Valid([]byte(s))
	return f
}

func (r *textReader) digest(d *Digest) {
	got, err := ParseDigest(string(r.text()))
	*d, r.bad = got, r.bad || err != nil
}

func (r *textReader) flag() bool {
	const yes = "true"
	if len(r.rest) < len(yes) || string(r.rest[:len(yes)]) != yes { // false isn't written
		r.bad = true
		return false
	}
	r.rest = r.rest[len(yes):]
	return true
}

func (r *textReader) blob() (b Blob) {
	r.object(func(name string) {
		switch name {
		case "digest":
			r.digest(&b.Digest)
		case "size":
			b.Size = r.number()
		case "dir":
			b.Dir = r.flag()
		case "exec":
			b.Exec = r.flag()
		default:
			r.bad = true
		}
	})
	return b
}

func (r *textReader) result(of *Result) {
	r.object(func(name string) {
		switch name {
		case "metrics":
			of.Metrics = map[string]float64{}
			r.table(func(metric string) { of.Metrics[metric] = r.float() })
		case "run_ms":
			of.RunMS = r.number()
		case "peak_rss":
			of.PeakRSS = r.number()
		case "made":
			r.bad = of.Made.UnmarshalText(r.text()) != nil || r.bad
		case "host":
			of.Host = r.shared()
		case "device":
			of.Device = r.shared()
		default: // series and notes are of few steps
			r.bad = true
		}
	})
}
