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
}

// openPrompts opens a file of prompts. objects tells whether they come in JSON objects.
func openPrompts(name, field string, end byte, objects bool) (*prompts, io.Closer, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, configError(err)
	}
	in := &prompts{r: bufio.NewReaderSize(f, promptBuffer), name: name, end: end}
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

// typed are the prompts of the standard input.
func (a *app) typed(ctx context.Context, end byte) *prompts {
	return &prompts{r: bufio.NewReaderSize(interruptible(ctx, a.in), promptBuffer), name: "standard input", end: end}
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
