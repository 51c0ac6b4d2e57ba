package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// yielder is the consumer's half of a stream: false ends it.
type yielder func(Record, error) bool

// errStop says that the consumer wants no more.
var errStop = errors.New("stop")

// scanJSONLines reads an object a line. A line that is no object is a bad record, and the next line is tried.
func scanJSONLines(r *bufio.Reader, name string, yield yielder) error {
	var names nameCache
	for line := int64(1); ; line++ {
		b, err := readLine(r)
		if errors.Is(err, io.EOF) && len(b) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if len(bytes.TrimSpace(b)) > 0 {
			if !yieldObject(b, Place{name, line}, &names, yield) {
				return errStop
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
	}
}

func yieldObject(b []byte, at Place, names *nameCache, yield yielder) bool {
	v, err := decodeObject(b)
	if err != nil {
		return yield(Record{}, &BadRecord{at, err})
	}
	return yield(Record{Place: at, Names: names.of(v), Values: v, BadUTF8: !utf8.Valid(b)}, nil)
}

func decodeObject(b []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value on the line")
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a JSON object is needed, this is %s", kindOf(v))
	}
	return m, nil
}

func kindOf(v any) string {
	switch v.(type) {
	case []any:
		return "a list"
	case string:
		return "a string"
	case nil:
		return "null"
	}
	return "a single value"
}

// scanJSONArray reads a list of objects, or an object that holds one such list ({"data": [...]}).
func scanJSONArray(r *bufio.Reader, name string, yield yielder) error {
	dec := json.NewDecoder(r)
	dec.UseNumber()
	t, err := dec.Token()
	if err != nil {
		return fmt.Errorf("%s: not JSON: %w", name, err)
	}
	for t == json.Delim('{') || t != json.Delim('[') && dec.More() {
		if t, err = dec.Token(); err != nil {
			return fmt.Errorf("%s: not JSON: %w", name, err)
		}
	}
	if t != json.Delim('[') {
		return fmt.Errorf("%s: no list of records in this JSON", name)
	}
	var names nameCache
	for n := int64(1); dec.More(); n++ {
		var v any
		if err := dec.Decode(&v); err != nil {
			return fmt.Errorf("%s: record %d: not JSON: %w", name, n, err)
		}
		m, ok := v.(map[string]any)
		at := Place{name, n}
		if !ok {
			if !yield(Record{}, &BadRecord{at, fmt.Errorf("a JSON object is needed, this is %s", kindOf(v))}) {
				return errStop
			}
			continue
		}
		if !yield(Record{Place: at, Names: names.of(m), Values: m}, nil) {
			return errStop
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("%s: the list is not closed: %w", name, err)
	}
	return nil
}

// nameCache gives records with the same columns the same slice of names.
type nameCache struct{ last []string }

func (c *nameCache) of(m map[string]any) []string {
	if len(c.last) == len(m) {
		same := true
		for _, n := range c.last {
			if _, ok := m[n]; !ok {
				same = false
				break
			}
		}
		if same {
			return c.last
		}
	}
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	c.last = names
	return names
}

// readLine reads up to a line break, which it takes off; a longer line than maxLine is an error.
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
