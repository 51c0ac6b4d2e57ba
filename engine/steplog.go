package engine

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"rein/cache"
)

// stepLog is the log of one execution, a file of the state folder. It is created with the first line, so a silent step leaves none. A lost
// log must not fail a step: an error ends the log and nothing else.
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
		f, err := cache.OpenPlain(l.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
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

// withLog adds the last log lines to an error, where the step is written and where its whole log is.
func withLog(err error, pos string, tail []string, path string) error {
	var where []string
	if pos != "" {
		where = append(where, "step at "+pos)
	}
	if path != "" {
		where = append(where, "the whole log: "+path)
	}
	if len(where) == 0 {
		return err
	}
	if tail = unsaid(err.Error(), tail); len(tail) > 0 {
		return fmt.Errorf("%w\n  %s\n(%s)", err, strings.Join(tail, "\n  "), strings.Join(where, "; "))
	}
	return fmt.Errorf("%w\n(%s)", err, strings.Join(where, "; "))
}

// unsaid are the log lines that an error doesn't contain. An exec step's error has them already, and a child process prints its error last.
func unsaid(err string, tail []string) []string {
	n := len(tail)
	if n > 0 && strings.Contains(err, tail[n-1]) {
		return nil
	}
	for n > 0 && strings.Contains(err, strings.TrimPrefix(tail[n-1], "error: ")) {
		n--
	}
	return tail[:n]
}
