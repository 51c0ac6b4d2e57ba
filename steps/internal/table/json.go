package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// yielder takes a stream's records and errors. It returns false to end the stream.
type yielder func(Record, error) bool

// errStop says that the yielder has ended the stream.
var errStop = errors.New("stop")

// scanJSONLines reads one object from each line. A line that isn't an object is a bad record, and reading goes on with the next line.
func scanJSONLines(r *bufio.Reader, name string, yield yielder) error {
	if head, _ := r.Peek(sniff); onlyReturns(head) {
		return returnsAlone(name)
	}
	var names nameCache
	lines := lineReader{r: r}
	for {
		b, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, lines.n+1, err)
		}
		b = bytes.TrimPrefix(b, bom) // in concatenated files, each begins with a mark
		if len(bytes.TrimSpace(b)) > 0 && !yieldObject(b, Place{File: name, Line: lines.n}, &names, yield) {
			return errStop
		}
	}
}

func yieldObject(b []byte, at Place, names *nameCache, yield yielder) bool {
	rec := Record{Place: at}
	v, err := rec.decode(b)
	if err != nil {
		return yield(Record{}, &BadRecord{at, err})
	}
	m, ok := v.(map[string]any)
	if !ok {
		return yield(Record{}, &BadRecord{at, fmt.Errorf("a JSON object is needed, this is %s", kindOf(v))})
	}
	rec.Names, rec.Values = names.of(m), m
	return yield(rec, nil)
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

// jsonDoc reads a JSON file that doesn't have one object on each line.
type jsonDoc struct {
	src   Source
	o     Options
	names nameCache
	yield yielder

	served bool // the records are inside the rows of Hugging Face's dataset server
}

// scanJSON reads a file with a list of records, an object that holds lists of records or columns, one record, or several records one after
// the other.
func scanJSON(r *bufio.Reader, src Source, o Options, yield yielder) error {
	d := &jsonDoc{src: src, o: o, yield: yield}
	dec := newJSONDecoder(r)
	t, err := dec.Token()
	switch {
	case err != nil:
		return d.broken(err)
	case t == json.Delim('['):
		if err := d.list(dec, Place{File: src.Name}); err != nil {
			return err
		}
		return d.end(dec)
	case t != json.Delim('{'):
		return fmt.Errorf("%s: no list of records in this JSON", src.Name)
	}
	return d.object(dec)
}

func newJSONDecoder(r io.Reader) *json.Decoder {
	dec := json.NewDecoder(&numberFilter{r: r})
	dec.UseNumber()
	return dec
}

func (d *jsonDoc) broken(err error) error { return fmt.Errorf("%s: not JSON: %w", d.src.Name, err) }

// end returns an error if anything follows.
func (d *jsonDoc) end(dec *json.Decoder) error {
	switch t, err := dec.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return fmt.Errorf("%s: after the end of the records, not JSON: %w", d.src.Name, err)
	default:
		return fmt.Errorf("%s: more follows after the end of the records, beginning with %.20q", d.src.Name, fmt.Sprint(t))
	}
}

// list reads the elements of an open list, which are records or texts.
func (d *jsonDoc) list(dec *json.Decoder, at Place) error {
	texts := false
	for at.Line = 1; dec.More(); at.Line++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fmt.Errorf("%s: record %d: not JSON: %w", d.src.Name, at.Line, err)
		}
		if d.served {
			row, err := d.servedRow(raw)
			if err != nil {
				if !d.yield(Record{}, &BadRecord{at, err}) {
					return errStop
				}
				continue
			}
			raw = row
		}
		if texts = at.Line == 1 && raw[0] == '"' || texts; texts && raw[0] == '"' {
			raw = slices.Concat([]byte(`{"text":`), raw, []byte("}"))
		}
		if !yieldObject(raw, at, &d.names, d.yield) {
			return errStop
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("%s: the list is not closed: %w", d.src.Name, err)
	}
	return nil
}

// nameCache lets records with the same columns share one slice of names.
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
