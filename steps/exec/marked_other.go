//go:build unix && !linux

package exec

import "os"

// adopt does nothing: only Linux gives a process the daemons of its programs.
func adopt() {}

// killMarked does nothing: the environment of other processes can't be read everywhere.
func killMarked(string, func() []int) {}

func children() []int { return nil }

func processes() []int { return nil }

// nameless is a file that ends with who has it open.
func nameless() (*os.File, error) {
	f, err := os.CreateTemp("", "rein-programs-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}
