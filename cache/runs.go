package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// WriteRun keeps a run's record.
func (s *Store) WriteRun(id string, json []byte) error {
	if s.readOnly {
		return errReadOnly
	}
	if id == "" || id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return fmt.Errorf("run id %q is not a file name", id)
	}
	return stateError(writeFile(filepath.Join(s.dir, runsDir, id+".json"), json))
}

// ReadRun returns a run's record. Records are plain files: nothing is opened or locked.
func (s *Store) ReadRun(id string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.dir, runsDir, filepath.Base(id)+".json"))
}

// Runs lists the ids of all runs, oldest first: an id begins with its time.
func (s *Store) Runs() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, runsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".json"); ok && !strings.HasPrefix(id, ".") {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// RunSummaries is the path of a file beside the run records for what can be derived of them, a line a run. Whoever reads it must
// bear that it is missing, torn, or behind: the records are what counts.
func (s *Store) RunSummaries() string { return filepath.Join(s.dir, runsDir, ".summaries.jsonl") }
