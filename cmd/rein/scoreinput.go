package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rein/steps/dataset"
)

// prompt is a text to score, with the JSON object that it came in, if any.
type prompt struct {
	text   string
	fields map[string]json.RawMessage
}

// prompts reads what is to be scored; next returns io.EOF at the end.
type prompts struct {
	r     *bufio.Reader
	name  string // for messages
	end   byte   // of a prompt
	field string // field of the JSON objects that hold the prompts; empty: prompts are plain text
	line  int

	asObjects string // field that the prompts would have if lines were objects
	isObject  bool   // the first line is such an object, but is read as plain text
}

// doubt warns of objects that were read as plain text, or is empty. how says how they are read as objects.
func (p *prompts) doubt(how string) string {
	if !p.isObject {
		return ""
	}
	return fmt.Sprintf("warning: %s: the first line is a JSON object, and all of it was scored, not only its %q: %s\n", p.name, p.asObjects, how)
}

// openPrompts opens a file of prompts. objects tells whether they come in JSON objects.
func openPrompts(name, field string, end byte, objects bool) (*prompts, io.Closer, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, configError(err)
	}
	in := &prompts{r: bufio.NewReaderSize(f, promptBuffer), name: name, end: end, asObjects: field}
	if objects || isJSONL(name) && end == '\n' {
		in.field = field
	}
	if end == '\n' {
		err = dataset.CheckLines(in.r, name, in.field != "")
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return in, f, nil
}

// typed are the prompts of the standard input, as plain text. field is the one that they would have as JSON objects.
func (a *app) typed(ctx context.Context, field string, end byte) *prompts {
	return &prompts{r: bufio.NewReaderSize(interruptible(ctx, a.in), promptBuffer), name: "standard input", end: end, asObjects: field}
}

// promptBuffer is how much of the input is read at a time, in bytes.
const promptBuffer = 1 << 16

// isJSONL tells by a file's name whether it holds JSON lines.
func isJSONL(name string) bool {
	return slices.Contains([]string{".jsonl", ".ndjson"}, strings.ToLower(filepath.Ext(name)))
}

// waiting tells whether input was read that next hasn't returned yet.
func (p *prompts) waiting() bool { return p.r.Buffered() > 0 }

func (p *prompts) next() (prompt, error) {
	for {
		b, err := p.r.ReadBytes(p.end)
		if len(b) == 0 {
			return prompt{}, err // the end, or what is in the way
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return prompt{}, err
		}
		p.line++
		b = bytes.TrimSuffix(b, []byte{p.end})
		if p.field == "" {
			if p.line == 1 && p.end == '\n' {
				var fields map[string]json.RawMessage
				p.isObject = json.Unmarshal(b, &fields) == nil && fields[p.asObjects] != nil
			}
			return prompt{text: string(b)}, nil
		}
		if len(bytes.TrimSpace(b)) > 0 {
			return p.object(b)
		}
	}
}

// object takes the prompt out of a JSON object.
func (p *prompts) object(b []byte) (out prompt, err error) {
	if err := json.Unmarshal(b, &out.fields); err != nil || out.fields == nil {
		return out, fmt.Errorf("%s:%d: not a JSON object: %w", p.name, p.line, cause(err))
	}
	v, ok := out.fields[p.field]
	if !ok {
		return out, fmt.Errorf("%s:%d: the object has no %q, it has %s: --field says where the prompt is", p.name, p.line, p.field,
			strings.Join(slices.Sorted(maps.Keys(out.fields)), ", "))
	}
	if err := json.Unmarshal(v, &out.text); err != nil || string(v) == "null" {
		return out, fmt.Errorf("%s:%d: %q is no string", p.name, p.line, p.field)
	}
	return out, nil
}

// cause is err, or that there was a null.
func cause(err error) error {
	if err == nil {
		return errors.New("null")
	}
	return err
}
