// Package all lists the step types that ship. A new step is one line here.
package all

import (
	"rein/steps"
	"rein/steps/balance"
	"rein/steps/dataset"
	"rein/steps/exec"
	"rein/steps/export"
	"rein/steps/merge"
	"rein/steps/sample"
	"rein/steps/split"
	"rein/steps/train"
)

// Types returns every step type, in the order of the reference.
func Types() []*steps.Type {
	return []*steps.Type{
		dataset.Step,
		split.Step,
		sample.Step,
		merge.Step,
		balance.Step,
		train.Step,
		export.Step,
		exec.Step,
	}
}
