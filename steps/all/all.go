// Package all lists the step types that ship. A new step is one line here.
package all

import (
	"rein/steps"
	"rein/steps/dataset"
	"rein/steps/exec"
	"rein/steps/export"
	"rein/steps/train"
)

// Types returns every step type, in the order of the reference.
func Types() []*steps.Type {
	return []*steps.Type{
		dataset.Step,
		train.Step,
		export.Step,
		exec.Step,
	}
}
