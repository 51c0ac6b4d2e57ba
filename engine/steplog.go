package engine

import (
	"bufio"
	"os"
	"path/filepath"
	"sync"
)

// stepLog is the whole log of one execution, a file of the state folder. It is made at the first line, so that a
// silent step leaves none. Losing a log must not fail a step: errors end the log and nothing else.
type stepLog struct {
	path string
	mu   sync.Mutex
	file *os.File
	w    *bufio.Writer
	dead bool
}

func newStepLog(path string) *stepLog { return &stepLog{path: path} }

func (l *stepLog) line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return
	}
	if l.w == nil {
		if err := os.MkdirAll(filepath.Dir(l.path), 0o777); err != nil {
			l.dead = true
			return
		}
		f, err := os.Create(l.path)
		if err != nil {
			l.dead = true
			return
		}
		l.file, l.w = f, bufio.NewWriter(f)
	}
	l.w.WriteString(text) // an error shows at the next Flush
	l.w.WriteByte('\n')
}

// close ends the log and returns its path, "" if there was nothing to say or it could not be kept.
func (l *stepLog) close() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w == nil || l.dead {
		return ""
	}
	l.dead = true
	if l.w.Flush() != nil || l.file.Close() != nil {
		return ""
	}
	return l.path
}
