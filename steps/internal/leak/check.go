package leak

import (
	"context"
	"fmt"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
)

// Kind is how a row is known to the model.
type Kind int

// The kinds, the surest first.
const (
	Root Kind = iota // both descend from one real row
	Text             // equal normal forms
	Near             // near-duplicates
	kinds
)

func (k Kind) String() string { return [...]string{"same origin", "same text", "near-duplicate"}[k] }

// Example is a leaked row.
type Example struct {
	ID, Text   string
	Kind       Kind
	Similarity float64
	Side       Side   // of the other row
	Made       bool   // the other row was written by a method
	Other      string // its id
}

func (e Example) String() string {
	kind := e.Kind.String()
	if e.Kind == Near {
		kind = fmt.Sprintf("%s, %.0f%% similar", kind, 100*e.Similarity)
	}
	other := "row"
	if e.Made {
		other = "made row"
	}
	return fmt.Sprintf("row %q (%.60q) and %s %q, which the model was %s: %s", e.ID, e.Text, other, e.Other, e.Side, kind)
}

// Finding is what of a set of rows leaked into a model.
type Finding struct {
	Set      string
	Rows     int // of the set
	Leaked   map[string]bool
	byChance map[string]bool // those of Chance
	Kinds    [kinds]int
	Chance   int       // of them, rows that a made row of another origin resembles: it happens
	Examples []Example // the first few of the surest kind
}

// examples is how many a finding keeps of each kind.
const examples = 5

// Check compares a set's rows with those that the model was made with; progress, if any, is told how many it has looked at.
func (m *Memory) Check(ctx context.Context, set string, rows artifact.Rows, progress func(rows int)) (*Finding, error) {
	f := &Finding{Set: set, Leaked: map[string]bool{}, byChance: map[string]bool{}}
	var kept [kinds][]Example
	err := inChunks(ctx, rows.All(), func(buf []artifact.Row) {
		for i, p := range prepareAll(buf, true) {
			f.Rows++
			row, kind, similarity, ok := m.known.lookup(p, m.made)
			if !ok {
				continue
			}
			f.Leaked[buf[i].ID] = true
			f.Kinds[kind]++
			if m.made[row] && kind != Root {
				f.Chance++
				f.byChance[buf[i].ID] = true
			}
			if len(kept[kind]) < examples {
				kept[kind] = append(kept[kind], Example{buf[i].ID, buf[i].Text, kind, similarity, m.sides[row], m.made[row], m.ids[row]})
			}
		}
		if progress != nil {
			progress(len(buf))
		}
	})
	for _, list := range kept {
		f.Examples = append(f.Examples, list[:min(len(list), examples-len(f.Examples))]...)
	}
	return f, err
}

// Most is the share of a set's rows that may be left out of the figures: with more, the sets were divided wrongly, and what is
// left of one is no longer what was meant to be reported on.
const Most = 0.01

// Sure are the ids of the rows that leaked, those left out that made rows of other origin resemble by chance: models that are
// compared are made with other made rows, and are to be measured on equal ones.
func (f *Finding) Sure() map[string]bool {
	out := map[string]bool{}
	for id := range f.Leaked {
		if !f.byChance[id] {
			out[id] = true
		}
	}
	return out
}

// Excess is an error that is no fault where more leaked than may be left out of the figures.
func (f *Finding) Excess() error {
	if share := float64(len(f.Sure())) / float64(max(f.Rows, 1)); share > Most {
		return steps.Advise(steps.Verdictf("leakage: %s", f), "give other rows to report on; %.1f%% of these are known, and at most %g%% are left out of the figures", 100*share, 100*Most)
	}
	return nil
}

// String says it in words, with examples.
func (f *Finding) String() string {
	if len(f.Leaked) == 0 {
		return fmt.Sprintf("%s: none of %d rows is known to the model", f.Set, f.Rows)
	}
	var by []string
	for k, n := range f.Kinds {
		if n > 0 {
			by = append(by, fmt.Sprintf("%d %s", n, Kind(k)))
		}
	}
	s := fmt.Sprintf("%s: %d of %d rows leak from what the model was made with (%s)", f.Set, len(f.Leaked), f.Rows, strings.Join(by, ", "))
	for _, e := range f.Examples {
		s += "\n  " + e.String()
	}
	return s
}

// Verdict is an error that is no fault where rows leaked: any that share their origin with a row of the model's, or say
// the same as a real one; and those that made rows of other origin resemble, beyond a tolerated share of the set.
func (f *Finding) Verdict(tolerance float64) error {
	if len(f.Leaked) == f.Chance && float64(f.Chance) <= tolerance*float64(f.Rows) {
		return nil
	}
	return steps.Advise(steps.Verdictf("leakage: %s", f), "remove them, or say on_leak = \"exclude\" to leave out as many as 1%% of the rows")
}
