// Package all lists the step types that ship. A new step type needs one line here.
package all

import (
	"sync"

	"rein/steps"
	"rein/steps/augment"
	"rein/steps/balance"
	"rein/steps/benchmark"
	"rein/steps/calibrate"
	"rein/steps/dataset"
	"rein/steps/evaluate"
	"rein/steps/evasions"
	"rein/steps/exec"
	"rein/steps/export"
	"rein/steps/hardneg"
	"rein/steps/holdout"
	"rein/steps/merge"
	"rein/steps/mine"
	"rein/steps/pack"
	"rein/steps/review"
	"rein/steps/robustness"
	"rein/steps/sample"
	"rein/steps/score"
	"rein/steps/split"
	"rein/steps/synthesize"
	"rein/steps/train"
)

// Types returns every step type, in the order of the reference. They are made at the first call.
var Types = sync.OnceValue(func() []*steps.Type {
	return []*steps.Type{
		synthesize.Step(),
		dataset.Step(),
		split.Step(),
		holdout.Step(),
		score.Step(),
		mine.Step(),
		sample.Step(),
		augment.Step(),
		hardneg.Step(),
		evasions.Step(),
		review.Step(),
		merge.Step(),
		balance.Step(),
		train.Step(),
		export.Step(),
		evaluate.Step(),
		robustness.Step(),
		benchmark.Step(),
		calibrate.Step(),
		pack.Step(),
		exec.Step(),
	}
})
