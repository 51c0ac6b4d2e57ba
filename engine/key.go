package engine

// A key is text. Every fact that can change a step's result is one labelled line of it:
//
//	rein key 1
//	type "augment" 3
//	config seed 7
//	config variations 8
//	fingerprint gomlx "v0.28.5"
//	input rows[0] file 5b1f... 1234 "rows.parquet"
//
// The text is hashed to the ActionID and kept beside the result, so that a miss can be explained by comparing two
// texts line by line. Lines are framed: labels and values are JSON or hex, none holds a raw line break, so no two sets
// of facts have the same text.
//
// An input's line holds the hash of its content (the OutputID of the step that made it), never the key of that step:
// a step that ran again and made the same bytes stops the wave there (early cutoff).
//
// Not in the key, because it can't change the result: the step's label, the pipeline's name, places of files,
// resources, retries, timeouts, checks, comments and order of what is written.

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/zeebo/blake3"

	"rein/cache"
)

// keyFormat is the first line of every key. It changes when the format changes.
const keyFormat = "rein key 1"

// keyFacts are the lines of a key that don't depend on input content.
func keyFacts(d Description) ([]string, error) {
	c, err := ConfigLines(d)
	if err != nil {
		return nil, err
	}
	lines := make([]string, 0, 2+len(c)+len(d.Fingerprints))
	lines = append(append(lines, keyFormat, "type "+quote(d.Type)+" "+strconv.Itoa(d.Version)), c...)
	for _, k := range slices.Sorted(maps.Keys(d.Fingerprints)) {
		lines = append(lines, "fingerprint "+label(k)+" "+quote(d.Fingerprints[k]))
	}
	return lines, nil
}

// ConfigLines are the key's lines for the config: one for each leaf, sorted by label.
func ConfigLines(d Description) ([]string, error) {
	if len(d.Config) == 0 || d.Lines != nil {
		return d.Lines, nil
	}
	dec := json.NewDecoder(bytes.NewReader(d.Config))
	dec.UseNumber() // 9007199254740993 must not become 9007199254740992
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("step type %s: config is no JSON: %w", d.Type, err)
	}
	f := flattener{typ: d.Type, salt: d.salt, unkeyed: d.Unkeyed, sensitive: d.Sensitive}
	f.walk("", "", v)
	return f.lines, nil
}

type flattener struct {
	typ                string
	salt               []byte
	unkeyed, sensitive []string
	lines              []string
}

// walk adds v's lines. at is the label so far. path is the same without indices, which is how Unkeyed and Sensitive name it.
func (f *flattener) walk(at, path string, v any) {
	if path != "" && slices.Contains(f.unkeyed, path) {
		return
	}
	if path != "" && slices.Contains(f.sensitive, path) {
		f.add(at, quote("sensitive "+secretDigest(f.salt, f.typ, path, v)))
		return
	}
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 && at != "" {
			f.add(at, "{}")
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			l, p := label(k), k
			if at != "" {
				l, p = at+"."+l, path+"."+p
			}
			f.walk(l, p, v[k])
		}
	case []any:
		if len(v) == 0 {
			f.add(at, "[]")
		}
		for i, e := range v {
			f.walk(at+"["+strconv.Itoa(i)+"]", path, e)
		}
	default:
		f.add(at, marshal(v))
	}
}

func (f *flattener) add(label, value string) { f.lines = append(f.lines, "config "+label+" "+value) }

// inputLine is a key's line for one file of an input port. The digest implies the size, which is there so that the history of a step type
// can be searched by size.
func inputLine(port string, i int, b cache.Blob, name string) string {
	kind := "file"
	switch {
	case b.Dir:
		kind = "dir"
	case b.Exec:
		kind = "executable"
	}
	l := make([]byte, 0, 128+len(port)+len(name))
	l = append(append(l, "input "...), label(port)...)
	l = append(strconv.AppendInt(append(l, '['), int64(i), 10), "] "...)
	l = append(append(l, kind...), ' ')
	l = append(hex.AppendEncode(l, b.Digest[:]), ' ')
	l = strconv.AppendInt(l, b.Size, 10)
	if name != "" {
		l = append(append(l, ' '), quote(name)...)
	}
	return string(l)
}

// keyOf makes the key text and its ActionID.
func keyOf(facts, inputs []string) (string, cache.Digest) {
	size := 0
	for _, ls := range [][]string{facts, inputs} {
		for _, l := range ls {
			size += len(l) + 1
		}
	}
	b := make([]byte, 0, size)
	for _, ls := range [][]string{facts, inputs} {
		for _, l := range ls {
			b = append(append(b, l...), '\n')
		}
	}
	return string(b), cache.Sum(b)
}

// secretDigest represents a sensitive value in the key. It differs for different values and doesn't reveal them. Without the salt, a secret
// of the state folder, nobody can find even a short number by trying all.
func secretDigest(salt []byte, typ, path string, v any) string {
	var out [16]byte
	blake3.DeriveKey("rein 2026 sensitive config value", []byte(quote(string(salt))+quote(typ)+quote(path)+marshal(v)), out[:])
	return fmt.Sprintf("%x", out)
}

// label is a name as a key's line shows it: quoted unless it is plain, so that a name can't imitate the dots, brackets and spaces of the
// line's grammar.
func label(s string) string {
	for _, r := range s {
		plain := r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !plain {
			return quote(s)
		}
	}
	if s == "" {
		return `""`
	}
	return s
}

// quote writes a string on one line. Unlike JSON, strconv.Quote keeps different invalid UTF-8 different.
func quote(s string) string { return strconv.Quote(s) }

// marshal writes a decoded JSON value on one line.
func marshal(v any) string {
	switch v := v.(type) {
	case string:
		return quote(v)
	case json.Number:
		return v.String()
	}
	b, err := json.Marshal(v) // null, booleans, and values that are sensitive as a whole
	if err != nil {
		panic(fmt.Sprintf("engine: value of decoded JSON: %v", err))
	}
	return string(b)
}

// checkpointKey is the key without the values that only say how far to go.
func checkpointKey(u *unit, inputs []string) cache.Digest {
	facts := u.facts
	if d := u.desc; len(d.Extents) > 0 {
		d.Unkeyed, d.Lines = slices.Concat(d.Unkeyed, d.Extents), nil
		var err error
		if facts, err = keyFacts(d); err != nil {
			panic(fmt.Sprintf("engine: config that was keyed before: %v", err))
		}
	}
	_, key := keyOf(slices.Concat(facts, []string{"checkpoint"}), inputs)
	return key
}

// Fact is one line of a key, taken apart: `config "variations" 10` is of the kind config, its label variations, its value 10.
type Fact struct {
	Kind  string // "rein" (the format), "type", "config", "fingerprint", "input"
	Label string // as written in the key, of a config, fingerprint or input; "": none
	Value string
}

// ParseKey reads the text of a key. It is the only reader of that text.
func ParseKey(key string) iter.Seq[Fact] {
	return func(yield func(Fact) bool) {
		for line := range strings.Lines(key) {
			f := Fact{}
			f.Kind, f.Value = nextToken(strings.TrimSuffix(line, "\n"))
			switch f.Kind {
			case "config", "fingerprint", "input":
				f.Label, f.Value = nextToken(f.Value)
			}
			if !yield(f) {
				return
			}
		}
	}
}

// String is the line.
func (f Fact) String() string {
	if f.Label == "" {
		return f.Kind + " " + f.Value
	}
	return f.Kind + " " + f.Label + " " + f.Value
}

// inputFact is a key's line for an input. It is compared with the line of the same name.
type inputFact struct{ port, kind, digest, size, name string }

func (f Fact) input() (in inputFact) {
	rest := f.Value
	in.port = f.Label[:max(strings.LastIndexByte(f.Label, '['), 0)]
	in.kind, rest = nextToken(rest)
	in.digest, rest = nextToken(rest)
	in.size, rest = nextToken(rest)
	in.name, _ = strconv.Unquote(rest)
	return in
}

// nextToken splits at the first space outside quotes.
func nextToken(s string) (token, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ' ' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
