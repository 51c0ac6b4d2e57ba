package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// WriteRun keeps a run's record, which may come in parts.
func (s *Store) WriteRun(id string, json ...[]byte) error {
	if s.readOnly {
		return errReadOnly
	}
	if id == "" || id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return fmt.Errorf("run id %q is not a file name", id)
	}
	return stateError(writeFile(filepath.Join(s.dir, runsDir, id+".json"), true, json...))
}

// ReadRun returns a run's record. Records are plain files: nothing is opened or locked.
func (s *Store) ReadRun(id string) ([]byte, error) {
	return ReadPlain(filepath.Join(s.dir, runsDir, filepath.Base(id)+".json"))
}

// Runs lists the ids of all runs, oldest first: an id begins with its time.
func (s *Store) Runs() ([]string, error) { return idsIn(filepath.Join(s.dir, runsDir), ".json") }

// RunSummaries is the path of a file beside the run records for what can be derived from them, a line a run. The file may be missing,
// torn or out of date, and its readers have to cope with that: the records are what counts.
func (s *Store) RunSummaries() string { return filepath.Join(s.dir, runsDir, ".summaries.jsonl") }

// RunEvents is the path of the file that a run's events are written to while it goes, a line an event, for other processes to
// follow. The file may be missing or torn, and its readers have to cope with that.
func (s *Store) RunEvents(id string) string {
	return filepath.Join(s.dir, runsDir, eventsDir, filepath.Base(id)+".jsonl")
}

// RunsWithEvents lists the ids of the runs whose events are there, oldest first.
func (s *Store) RunsWithEvents() ([]string, error) {
	return idsIn(filepath.Join(s.dir, runsDir, eventsDir), ".jsonl")
}

// idsIn lists the files of a folder that end so, without the ending; hidden ones are left out, and a missing folder has none.
func idsIn(dir, ending string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ending); ok && !strings.HasPrefix(id, ".") {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
