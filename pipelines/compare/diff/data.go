package diff

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"unicode/utf8"

	"rein/cache"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/steps/artifact"
)

// Data is the difference of one output that holds rows.
type Data struct {
	Output  string           `json:"output"` // "dataset.rows"
	RowsA   int              `json:"rows_a"`
	RowsB   int              `json:"rows_b"`
	Added   int              `json:"added"`
	Removed int              `json:"removed"`
	Changed int              `json:"changed"` // same id, other text or label
	Shifts  map[string]Shift `json:"shifts"`  // "label", "category", "method", "length"
	Example []Example        `json:"examples,omitempty"`
}

// Shift is the rows of each value on both sides, where they differ.
type Shift map[string][2]int

// Example is a row that was added, removed or changed.
type Example struct {
	What string `json:"what"` // added, removed, changed
	ID   string `json:"id"`
	Text string `json:"text"`
}

const (
	mostExamples = 2 // of each kind
	shownText    = 160
)

// data compares every output of a step's own rows that both sides have under one name, and whose content differs.
func (r *Result) data(ctx context.Context, in Input) error {
	if in.Blobs == nil {
		return nil
	}
	for _, b := range in.B.Pipeline.Steps {
		i := slices.IndexFunc(in.A.Pipeline.Steps, func(s record.Step) bool { return s.Name == b.Name })
		if i < 0 {
			continue
		}
		a := in.A.Pipeline.Steps[i]
		for _, port := range slices.Sorted(slices.Values(b.Traits.Rows)) {
			was, ok := a.Outputs[port]
			if !ok || was.Digest == b.Outputs[port].Digest || was.Dir {
				continue
			}
			d, err := rows(ctx, in, b.Name+"."+port, was, b.Outputs[port])
			if err := ctx.Err(); err != nil {
				return err
			}
			if err != nil {
				r.Notes = append(r.Notes, compare.Unreadable{What: b.Name + "." + port, Error: err.Error()})
				continue
			}
			r.Data = append(r.Data, *d)
		}
	}
	return nil
}

// counted is what is kept of a side's rows: sixteen bytes a row, and counts.
type counted struct {
	rows   map[string]uint64 // id -> hash of text and label
	shifts map[string]map[string]int
}

var hashSeed = maphash.MakeSeed()

func read(ctx context.Context, path string) (*counted, error) {
	c := &counted{rows: map[string]uint64{}, shifts: map[string]map[string]int{"label": {}, "category": {}, "method": {}, "length": {}}}
	for row, err := range (artifact.Rows{Path: path}).All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		c.rows[row.ID] = sum(row)
		c.shifts["label"][row.Label]++
		c.shifts["category"][row.Label+" "+cmp.Or(row.Category, "(none)")]++
		c.shifts["method"][cmp.Or(row.Method, "(as found)")]++
		c.shifts["length"][length(row.Text)]++
	}
	return c, nil
}

func sum(r artifact.Row) uint64 { return maphash.String(hashSeed, r.Label+"\x00"+r.Text) }

func length(text string) string {
	switch n := utf8.RuneCountInString(text); {
	case n < 40:
		return "under 40 characters"
	case n < 200:
		return "40 to 199"
	}
	return "200 and more"
}

func rows(ctx context.Context, in Input, name string, a, b cache.Blob) (*Data, error) {
	pathA, err := in.Blobs.Path(ctx, a)
	if err != nil {
		return nil, err
	}
	pathB, err := in.Blobs.Path(ctx, b)
	if err != nil {
		return nil, err
	}
	x, err := read(ctx, pathA)
	if err != nil {
		return nil, err
	}
	y, err := read(ctx, pathB)
	if err != nil {
		return nil, err
	}
	d := &Data{Output: name, RowsA: len(x.rows), RowsB: len(y.rows), Shifts: map[string]Shift{}}
	for id, was := range x.rows {
		switch is, ok := y.rows[id]; {
		case !ok:
			d.Removed++
		case is != was:
			d.Changed++
		}
	}
	d.Added = len(y.rows) - (len(x.rows) - d.Removed)
	for by, was := range x.shifts {
		if s := shift(was, y.shifts[by]); len(s) > 0 {
			d.Shifts[by] = s
		}
	}
	return d, d.examples(ctx, x, y, pathA, pathB)
}

func shift(a, b map[string]int) Shift {
	s := Shift{}
	for v, n := range a {
		if b[v] != n {
			s[v] = [2]int{n, b[v]}
		}
	}
	for v, n := range b {
		if a[v] == 0 {
			s[v] = [2]int{0, n}
		}
	}
	return s
}

// examples are the first rows of each kind, in the order of their file.
func (d *Data) examples(ctx context.Context, x, y *counted, pathA, pathB string) error {
	kinds := map[string]int{}
	take := func(what string, r artifact.Row) {
		if kinds[what]++; kinds[what] <= mostExamples {
			text := []rune(r.Text)
			d.Example = append(d.Example, Example{what, r.ID, string(text[:min(len(text), shownText)])})
		}
	}
	for row, err := range (artifact.Rows{Path: pathB}).All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		was, ok := x.rows[row.ID]
		if !ok {
			take("added", row)
		} else if was != sum(row) {
			take("changed", row)
		}
	}
	if d.Removed == 0 {
		return nil
	}
	for row, err := range (artifact.Rows{Path: pathA}).All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		if _, ok := y.rows[row.ID]; !ok {
			take("removed", row)
			if kinds["removed"] == mostExamples {
				return nil
			}
		}
	}
	return nil
}
