package compare

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rein/steps/artifact"
)

// Repair is what became of one cluster of the baseline's false positives, and which added training rows share its word.
// That they stand side by side is no proof: the strategies differ in more than one thing.
type Repair struct {
	Token   string         `json:"token"`
	Before  int            `json:"before"`  // false positives of the baseline with the word
	Fixed   int            `json:"fixed"`   // of them, passed now
	Methods map[string]int `json:"methods"` // added training rows with the word, by the method that made them
}

// Repairs follows the clusters of the baseline's microscope through a strategy.
func (r *Result) Repairs(ctx context.Context, strategy string, base *Microscope) ([]Repair, error) {
	d, of := r.detail[strategy], r.detail[BaselineName]
	if base == nil || len(base.Clusters) == 0 || d == nil || d.scores == nil {
		return nil, nil
	}
	before, err := baseScores(ctx, of, d)
	if err != nil || before == nil {
		return nil, err
	}
	out := make([]Repair, len(base.Clusters))
	at := map[string]int{}
	for i, c := range base.Clusters {
		out[i] = Repair{Token: c.Token, Methods: map[string]int{}}
		at[c.Token] = i
	}
	err = eachSeen(ctx, d, of, before, func(s seen) {
		if s.Label == artifact.Malicious || !s.of {
			return
		}
		for _, t := range tokens(s.Text) {
			if i, ok := at[t]; ok {
				if out[i].Before++; !s.now {
					out[i].Fixed++
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return out, r.addedRows(ctx, d, at, out)
}

// addedRows counts the rows that the strategy's own steps wrote, by word and method.
func (r *Result) addedRows(ctx context.Context, d *run, at map[string]int, out []Repair) error {
	if r.blobs == nil {
		return nil
	}
	shared := ancestors(d.steps, d.meta.Baseline)
	for _, st := range d.steps {
		blob, ok := st.Outputs["rows"]
		if !ok || shared[st.Name] || st.Type != "augment" && st.Type != "hard-negatives" {
			continue
		}
		path, err := r.blobs.Path(ctx, blob)
		if err != nil {
			return fmt.Errorf("the rows of step %s: %w", st.Name, err)
		}
		for row, err := range (artifact.Rows{Path: path}).All() {
			if err := cmp.Or(err, ctx.Err()); err != nil {
				return err
			}
			if row.Label == artifact.Malicious {
				continue
			}
			found := map[int]bool{}
			eachToken(row.Text, func(b []byte) {
				if i, ok := at[string(b)]; ok && !found[i] {
					found[i] = true
					out[i].Methods[cmp.Or(row.Method, st.Type)]++
				}
			})
		}
	}
	return nil
}

// Words lists the methods, most rows first.
func (r Repair) Words() string {
	names := slices.SortedFunc(maps.Keys(r.Methods), func(a, b string) int { return cmp.Or(cmp.Compare(r.Methods[b], r.Methods[a]), cmp.Compare(a, b)) })
	var parts []string
	for _, n := range names {
		parts = append(parts, fmt.Sprintf("%s %s", n, count(float64(r.Methods[n]))))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
