package leak

import (
	"context"
	"errors"
	"maps"
	"os"

	"rein/steps"
	"rein/steps/artifact"
)

// Set is a set of rows that a step is about to report on.
type Set struct {
	Name string
	Rows artifact.Rows
}

// Rule says what happens if rows leaked.
type Rule struct {
	OnLeak    string  // "stop", "exclude", or anything else, which only notes leaked rows
	Tolerance float64 // share of a set that may resemble made rows of another origin without a verdict
}

// Guard compares sets that are about to be reported on with the rows that a model was made with, which its folder remembers. If the rule is
// "stop", leaked rows are a verdict with examples. Rows that only resemble made rows are noted and stay, as long as they are within the
// tolerance: models are compared on equal rows. If the rule is "exclude", Guard returns by set the ids of the rows to leave out of the
// figures; more than the share Most of a set are a verdict. Don't pass sets that the model is meant to know, such as a mined pool.
func Guard(ctx context.Context, env *steps.Env, model artifact.Model, rule Rule, sets ...Set) (map[string]map[string]bool, error) {
	read := env.Count(0, "training rows read")
	m, err := load(model.Path, func() { read.Add(1) })
	if errors.Is(err, os.ErrNotExist) {
		env.Notef("the model doesn't remember what rows it was made with, so it wasn't checked whether any of them are reported on")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]bool{}
	all := map[string]bool{}
	var verdicts []error
	checked, err := countRows(env, sets)
	if err != nil {
		return nil, err
	}
	for _, s := range sets {
		if s.Rows.Path == "" {
			continue
		}
		f, err := m.Check(ctx, s.Name, s.Rows, checked.Add)
		if err != nil {
			return nil, err
		}
		if len(f.Leaked) == 0 {
			continue
		}
		maps.Copy(all, f.Leaked)
		verdict := f.Verdict(rule.Tolerance)
		switch {
		case rule.OnLeak == "exclude" && f.Excess() != nil:
			verdicts = append(verdicts, f.Excess())
		case rule.OnLeak == "exclude" && len(f.Sure()) > 0:
			env.Notef("left out of the figures: %s", f)
			out[s.Name] = f.Sure()
		case rule.OnLeak == "stop" && verdict != nil:
			verdicts = append(verdicts, verdict)
		case verdict == nil:
			env.Notef("within the tolerance of %g%%: %s", 100*rule.Tolerance, f)
		default:
			env.Notef("leakage, recorded: %s", f)
		}
	}
	env.Metric("leaked_rows", float64(len(all)))
	return out, errors.Join(verdicts...)
}

// countRows begins the progress count of the check.
func countRows(env *steps.Env, sets []Set) (*steps.Count, error) {
	rows := make([]artifact.Rows, len(sets))
	for i, s := range sets {
		rows[i] = s.Rows
	}
	total, err := artifact.CountAll(rows...)
	if err != nil {
		return nil, err
	}
	return env.Count(total, "rows checked for leakage"), nil
}
