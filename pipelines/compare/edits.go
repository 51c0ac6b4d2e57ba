package compare

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"rein/steps/stats"
)

// Edits is what a robustness step found of one strategy, as its report has it.
type Edits struct {
	Name   string
	Recall stats.Interval `json:"recall"`
	FPRate stats.Interval `json:"fp_rate"`
	Trials []EditTrial    `json:"trials"`
}

// EditTrial is one edit at one strength.
type EditTrial struct {
	Edit     string         `json:"edit"`
	Strength float64        `json:"strength"`
	Recall   stats.Interval `json:"recall"`
	FPRate   stats.Interval `json:"fp_rate"`
	Missed   []Flip         `json:"missed"`
	Alarms   []Flip         `json:"alarms"`
}

// EditedFlip is a row that an edit makes the model decide otherwise.
type EditedFlip struct {
	Flip
	Edit     string
	Strength float64
}

// Worst are the attacks that the trials with the lowest recall let through.
func (e Edits) Worst() []EditedFlip {
	return shownOf(e.Trials, func(t EditTrial) []Flip { return t.Missed })
}

// WorstAlarms are the benign rows that the trials with the highest FP rate flag.
func (e Edits) WorstAlarms() []EditedFlip {
	trials := slices.Clone(e.Trials)
	slices.SortStableFunc(trials, func(a, b EditTrial) int { return cmp.Compare(b.FPRate.Value, a.FPRate.Value) })
	return shownOf(trials, func(t EditTrial) []Flip { return t.Alarms })
}

// shownOf are the first rows of the first trials, no edit more than once.
func shownOf(trials []EditTrial, rows func(EditTrial) []Flip) []EditedFlip {
	var out []EditedFlip
	seen := map[string]bool{}
	for _, t := range trials {
		if list := rows(t); len(list) > 0 && !seen[t.Edit] && len(out) < mostFlips {
			seen[t.Edit] = true
			f := EditedFlip{list[0], t.Edit, t.Strength}
			f.Text = clip(f.Text)
			out = append(out, f)
		}
	}
	return out
}

// Edited reads the reports on edited texts of each strategy's steps.
func (r *Result) Edited(ctx context.Context) ([]Edits, error) {
	var out []Edits
	if r.blobs == nil {
		return nil, nil
	}
	for _, s := range r.Strategies {
		for _, st := range r.detail[s.Name].steps {
			blob, ok := st.Outputs["report"]
			if st.Traits.Report != "edits" || !ok {
				continue
			}
			path, err := r.blobs.Path(ctx, blob)
			if err != nil {
				return nil, fmt.Errorf("the report of step %s: %w", st.Name, err)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			e := Edits{Name: s.Name}
			if err := json.Unmarshal(b, &e); err != nil {
				return nil, fmt.Errorf("the report of step %s: %w", st.Name, err)
			}
			out = append(out, e)
		}
	}
	return out, nil
}
