package split

import "rein/steps/artifact"

// set is one of the step's outputs.
type set int

// The outputs of the step. sets is their number.
const (
	train set = iota
	validation
	pool
	test
	unseen
	sets
)

func (s set) String() string {
	return [...]string{"train", "validation", "pool", "test", "unseen"}[s]
}

const (
	benign = iota
	malicious
)

func labelOf(s string) int {
	if s == artifact.Benign {
		return benign
	}
	return malicious
}

var labelNames = [2]string{artifact.Benign, artifact.Malicious}
