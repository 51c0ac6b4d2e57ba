//go:build unix && !linux

package exec

import "os"

// adopt does nothing: only Linux lets a process adopt the orphans of its programs.
func adopt() {}

// killMarked does nothing: not every system lets us read the environment of other processes.
func killMarked(string, func() []int, func(int) bool) {}

func ofAnother(string, int) func(int) bool { return nobody }

func children() []int { return nil }

func processes() []int { return nil }

// nameless returns a file that has no path. It is gone when the last process that has it open closes it.
func nameless() (*os.File, error) {
	f, err := os.CreateTemp("", "rein-programs-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// pipe returns a pipe like os.Pipe.
func pipe() (r, w *os.File, err error) { return os.Pipe() }

const noFollow = 0

// asNew always returns false here: only on Linux does the step wait for processes that may still have the file open.
func asNew(*os.File, os.FileInfo) bool { return false }
