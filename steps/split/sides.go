package split

import "rein/steps/artifact"

// set is one of the step's outputs.
type set int

// The sets. On the line from 0 to 1 they lie in the order of line.
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

// line is the order of the sets from 0 to 1. Pool and train lie side by side: where a group falls into the pool, its
// malicious rows train.
var line = [sets]set{unseen, test, validation, pool, train}

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

// interval is the part of the line that belongs to a set.
func (c *Config) interval(s set, withUnseen bool) (low, high float64) {
	for _, l := range line {
		width := 0.0
		switch {
		case l == train:
			return low, 1
		case l != unseen || withUnseen:
			width = c.share(l)
		}
		if l == s {
			return low, low + width
		}
		low += width
	}
	return low, 1
}
