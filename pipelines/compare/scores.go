package compare

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"

	"rein/engine/record"
	"rein/steps/artifact"
	"rein/steps/stats"
)

// evaluation is a report of the evaluate step.
type evaluation = stats.Report

// answers are the threat scores of one set, in the rows' order within each label.
type answers struct {
	benign, malicious []float64
	sorted            []float64    // the benign ones
	cuts              [2][]float64 // thresholds that decide benign and malicious rows, where each has its own
	roc               *stats.ROC
	seeds             []*answers // of the training's further seeds
}

// add takes one row's answer, and those of the further seeds.
func (a *answers) add(row artifact.Answer) {
	label := 0
	if row.Label == artifact.Malicious {
		a.malicious, label = append(a.malicious, row.Score), 1
	} else {
		a.benign = append(a.benign, row.Score)
	}
	if row.Threshold > 0 {
		a.cuts[label] = append(a.cuts[label], row.Threshold)
	}
	for i, v := range row.Seeds {
		if i == len(a.seeds) {
			a.seeds = append(a.seeds, &answers{})
		}
		a.seeds[i].add(artifact.Answer{Label: row.Label, Score: v})
	}
}

func (a *answers) rank() {
	a.roc, a.sorted = stats.NewROC(a.malicious, a.benign), slices.Sorted(slices.Values(a.benign))
	for _, s := range a.seeds {
		s.rank()
	}
}

// The ports of an evaluation that are compared.
const (
	reportPort = "report"
	scoresPort = "scores"
)

// open reads each column's report, and the scores that are needed; what can't be read is a problem of that column, not of the comparison.
func (r *Result) open(ctx context.Context, in Input) {
	var wg sync.WaitGroup
	for name, d := range r.detail {
		if d.result == nil {
			continue
		}
		wg.Go(func() {
			if err := d.open(ctx, in.Blobs); err != nil {
				d.problems = append(d.problems, Unreadable{name, err.Error()})
			}
		})
	}
	wg.Wait()
	r.recall(ctx, in.Memo, in.Program, len(in.Sweeps) > 0)
	for _, name := range r.Columns() {
		if d := r.detail[name]; d != nil {
			r.Notes = append(r.Notes, d.problems...)
		}
	}
}

func (d *run) open(ctx context.Context, blobs Blobs) error {
	report, ok := d.result.Outputs[reportPort]
	if !ok {
		return nil
	}
	path, err := blobs.Path(ctx, report)
	if err != nil {
		return fmt.Errorf("the report of step %s: %w", d.result.Name, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var e evaluation
	if err := json.Unmarshal(b, &e); err != nil {
		return fmt.Errorf("the report of step %s: %w", d.result.Name, err)
	}
	d.report = &e
	return d.openScores(ctx, blobs, d.result)
}

func (d *run) openScores(ctx context.Context, blobs Blobs, st *record.Step) error {
	blob, ok := st.Outputs[scoresPort]
	if !ok {
		return nil
	}
	path, err := blobs.Path(ctx, blob)
	if err != nil {
		return fmt.Errorf("the scores of step %s: %w", st.Name, err)
	}
	d.scores = newScores(path, st)
	return nil
}

// readSets reads the answers of all sets of rows.
func readSets(path string) (map[string]*answers, error) {
	all, err := artifact.Scores{Path: path}.Answers()
	if err != nil {
		return nil, err
	}
	sets := map[string]*answers{}
	for _, a := range all {
		set := sets[a.Set]
		if set == nil {
			set = &answers{}
			sets[a.Set] = set
		}
		set.add(a)
	}
	for _, set := range sets {
		set.rank()
	}
	return sets, nil
}

// Report is what an evaluation says of a column; nil where there is none.
func (r *Result) Report(column string) *stats.Report {
	if d := r.detail[column]; d != nil {
		return d.report
	}
	return nil
}

// Has tells whether there is a column of that name.
func (r *Result) Has(column string) bool { return r.detail[column] != nil }

// Scored tells whether a column has scored rows to look at.
func (r *Result) Scored(column string) bool {
	return r.detail[column] != nil && r.detail[column].scores != nil
}

// Curves are what the training steps behind a column recorded: by step, the points of each curve by its name.
func (r *Result) Curves(column string) []map[string][][2]float64 {
	var out []map[string][][2]float64
	d := r.detail[column]
	shared := ancestors(d.steps, d.meta.Baseline)
	for _, st := range d.steps {
		if st.Traits.Stage == record.StageTraining && shared[st.Name] == (column == BaselineName) {
			out = append(out, st.Result.Series)
		}
	}
	return out
}

// Columns are the names of all columns: the baseline first, if there is one.
func (r *Result) Columns() []string {
	var out []string
	if r.detail[BaselineName] != nil {
		out = append(out, BaselineName)
	}
	for _, s := range r.Strategies {
		out = append(out, s.Name)
	}
	return out
}
