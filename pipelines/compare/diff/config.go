package diff

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"rein/pipelines/compare"
)

// Change is one difference of what the files say after inheritance.
type Change struct {
	Path    string `json:"path"`              // "variable variations", "step augment.variations method"
	A       string `json:"a,omitempty"`       // empty: not there
	B       string `json:"b,omitempty"`       // empty: not there
	From    string `json:"from,omitempty"`    // its place in B, otherwise in A
	Follows bool   `json:"follows,omitempty"` // both files say the same: the value follows from another change
}

// resolved is what is read of a resolved pipeline.
type resolved struct {
	Variables []argument        `json:"variables"`
	Steps     []block           `json:"steps"`
	Outputs   []block           `json:"outputs"`
	Expect    []argument        `json:"expect"`
	Planned   []argument        `json:"plan"`
	Compare   *block            `json:"compare"`
	Removed   map[string]string `json:"removed"`
	Title     string            `json:"title"`
}

type argument struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
	Value      string `json:"value"`
	From       string `json:"from"`
}

type block struct {
	Name      string     `json:"name"`
	Type      string     `json:"type"`
	From      []string   `json:"from"`
	NotNeeded bool       `json:"not_needed"`
	Arguments []argument `json:"arguments"`
	Blocks    []block    `json:"blocks"`
}

// said is a value with its expression and its place.
type said struct{ value, expression, from string }

// There is the value of a step's own path, where it has one.
const There = "there"

// configs compares two resolved pipelines by meaning: order, comments and which file of a chain says something don't count.
func configs(a, b json.RawMessage) ([]Change, error) {
	x, err := flatten(a)
	if err != nil {
		return nil, err
	}
	y, err := flatten(b)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(x)
	maps.Copy(all, y)
	out := []Change{}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if x[path].value != y[path].value {
			how := x[path].expression
			out = append(out, Change{Path: path, A: x[path].value, B: y[path].value, From: all[path].from, Follows: how != "" && how == y[path].expression})
		}
	}
	return out, nil
}

// flatten makes one map of a resolved pipeline: path -> value.
func flatten(raw json.RawMessage) (map[string]said, error) {
	var r resolved
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, err
	}
	out := map[string]said{}
	arguments := func(prefix string, args []argument) {
		for _, a := range args {
			v := a.Value
			if v == "" {
				v = a.Expression
			}
			out[prefix+a.Name] = said{v, a.Expression, a.From}
		}
	}
	var blocks func(prefix string, b block)
	blocks = func(prefix string, b block) {
		arguments(prefix, b.Arguments)
		for i, sub := range b.Blocks {
			name := sub.Name
			if i > 0 && b.Blocks[i-1].Name == sub.Name {
				name += strings.Repeat("'", i)
			}
			blocks(prefix+name+".", sub)
		}
	}
	arguments("variable ", r.Variables)
	arguments("expect ", r.Expect)
	arguments("plan ", r.Planned)
	for _, s := range r.Steps {
		prefix := "step " + s.Type + "." + s.Name
		if s.NotNeeded {
			out[prefix] = said{"not needed", "", last(s.From)}
			continue
		}
		out[prefix] = said{There, "", last(s.From)}
		blocks(prefix+" ", s)
	}
	for _, o := range r.Outputs {
		blocks("output "+o.Name+" ", o)
	}
	if r.Compare != nil {
		blocks("compare ", *r.Compare)
	}
	return out, nil
}

func last(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[len(s)-1]
}

// metrics lists the figures that differ or that only one side has.
func metrics(a, b map[string]compare.Figure) []Metric {
	all := maps.Clone(a)
	maps.Copy(all, b)
	out := []Metric{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m := Metric{Name: name}
		if f, ok := a[name]; ok {
			m.A = &f
		}
		if f, ok := b[name]; ok {
			m.B = &f
		}
		if m.A == nil || m.B == nil || m.A.Value != m.B.Value {
			out = append(out, m)
		}
	}
	return out
}
