package leak

import (
	"context"
	"fmt"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
)

// Kind is how a row is related to a row that the model was made with.
type Kind int

// The kinds, from the surest to the least sure.
const (
	Root Kind = iota // both descend from one row
	Text             // equal normal forms
	Near             // near-duplicates
	kinds
)

func (k Kind) String() string { return [...]string{"same origin", "same text", "near-duplicate"}[k] }

// Example is a leaked row, and the row of the model that it is related to.
type Example struct {
	ID, Text   string
	Kind       Kind
	Similarity float64
	Side       Side   // what the other row was used for
	Made       bool   // a method wrote the other row
	Other      string // id of the other row
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

// Finding says which rows of a set leaked into a model.
type Finding struct {
	Set      string
	Rows     int // number of rows in the set
	Leaked   map[string]bool
	byChance map[string]bool // the rows that Chance counts
	Kinds    [kinds]int
	Chance   int       // leaked rows that only resemble a made row of another origin, which happens by chance
	Examples []Example // a few, the surest kinds first
}

// examples is how many examples of each kind Check keeps, and how many a Finding has.
const examples = 5

// Check compares the rows of a set with the rows that the model was made with. It calls progress, if that isn't nil, with the number of
// rows since the last call.
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

// Most is the largest share of a set's rows that may be left out of the figures. If more of them leaked, the sets were divided wrongly, and
// the rest no longer represents what the set stood for.
const Most = 0.01

// Sure returns the ids of the leaked rows, without those that resemble a made row by chance. The latter stay in the figures: each of the
// models that are compared is made with other made rows, but all have to be measured on equal ones.
func (f *Finding) Sure() map[string]bool {
	out := map[string]bool{}
	for id := range f.Leaked {
		if !f.byChance[id] {
			out[id] = true
		}
	}
	return out
}

// Excess returns a verdict if more rows leaked than may be left out of the figures.
func (f *Finding) Excess() error {
	if share := float64(len(f.Sure())) / float64(max(f.Rows, 1)); share > Most {
		return steps.Advise(steps.Verdictf("leakage: %s", f), "give other rows to report on; the model knows %.1f%% of these, and at most %g%% may be left out of the figures", 100*share, 100*Most)
	}
	return nil
}

// String describes the finding in words, with examples.
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

// Verdict returns a verdict if rows leaked. Any row counts that shares its origin with a row of the model, or resembles a real one. Rows
// that resemble made rows of another origin count only if they are more than the tolerated share of the set.
func (f *Finding) Verdict(tolerance float64) error {
	if len(f.Leaked) == f.Chance && float64(f.Chance) <= tolerance*float64(f.Rows) {
		return nil
	}
	return steps.Advise(steps.Verdictf("leakage: %s", f), "remove them, or say on_leak = \"exclude\" to leave out up to 1%% of the rows")
}
