package compare

import (
	"cmp"
	"context"
	"fmt"

	"rein/steps/artifact"
)

// Repair is what became of one cluster of the baseline's false positives, which added training rows share its word, and
// which are nearest to the rows that pass now. That they stand side by side is no proof: strategies differ in more than one
// thing. What a method's rows do beyond their number is for a control to show.
type Repair struct {
	Token   string         `json:"token"`
	Before  int            `json:"before"`  // false positives of the baseline with the word
	Fixed   int            `json:"fixed"`   // of them, passed now
	Methods map[string]int `json:"methods"` // added training rows with the word, by the method that made them
	Nearest map[string]int `json:"nearest"` // of Looked fixed rows: the method of the added training row that is most like each
	Looked  int            `json:"looked"`
}

// Repairs follows the clusters of the baseline's microscope through a strategy.
func (r *Result) Repairs(ctx context.Context, strategy string, base *Microscope) ([]Repair, []MethodShare, error) {
	d, of := r.detail[strategy], r.detail[BaselineName]
	if base == nil || len(base.Clusters) == 0 || d == nil || d.scores == nil {
		return nil, nil, nil
	}
	before, err := baseScores(ctx, of, d)
	if err != nil || before == nil {
		return nil, nil, err
	}
	out := make([]Repair, len(base.Clusters))
	at, fixed, added := map[string]int{}, make([][][]string, len(base.Clusters)), &library{}
	for i, c := range base.Clusters {
		out[i] = Repair{Token: c.Token, Methods: map[string]int{}}
		at[c.Token] = i
	}
	err = eachSeen(ctx, d, of, d.basis(), before, func(s seen) {
		if s.Label == artifact.Malicious || !s.of {
			return
		}
		words := tokens(s.Text)
		for _, t := range words {
			i, ok := at[t]
			if !ok {
				continue
			}
			out[i].Before++
			if s.now {
				continue
			}
			if out[i].Fixed++; len(fixed[i]) < mostNearest {
				fixed[i] = append(fixed[i], words)
				added.want(words)
			}
		}
	})
	if err != nil {
		return nil, nil, err
	}
	if err := r.addedRows(ctx, d, at, out, added); err != nil {
		return nil, nil, err
	}
	added.byNearest(out, fixed)
	return out, added.shares(), nil
}

// addedRows counts the rows that the strategy's own steps wrote, by word and method.
func (r *Result) addedRows(ctx context.Context, d *run, at map[string]int, out []Repair, added *library) error {
	if r.blobs == nil {
		return nil
	}
	shared := ancestors(d.steps, d.meta.Baseline)
	for _, st := range d.steps {
		blob, ok := st.Outputs["rows"]
		if !ok || shared[st.Name] || !st.Traits.Writes {
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
			method := cmp.Or(row.Method, st.Type)
			added.add(row.Text, method)
			found := map[int]bool{}
			eachToken(row.Text, func(b []byte) {
				if i, ok := at[string(b)]; ok && !found[i] {
					found[i] = true
					out[i].Methods[method]++
				}
			})
		}
	}
	return nil
}
