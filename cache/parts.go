package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rein/cache/internal/index"
)

// The folders of a state folder.
const (
	indexDir      = "index"
	blobsDir      = "blobs"
	runsDir       = "runs"
	eventsDir     = ".events" // in runs
	leasesDir     = "leases"
	scratchDir    = "scratch"
	checkpointDir = "checkpoints"
	logsDir       = "logs"
	partialDir    = "partial"
	jobsDir       = "jobs"
	settledDir    = "settled"
)

// parts are what has a fixed name in a state folder. What is left out may be anything: it is set aside, written over or passed over.
var parts = []struct {
	name string
	kind string // "": anything; the index's folder is set aside if it isn't one
	made bool   // from the beginning
}{
	{indexDir, "", true},
	{blobsDir, index.Folder, true},
	{runsDir, index.Folder, true},
	{leasesDir, index.Folder, true},
	{scratchDir, index.Folder, true},
	{checkpointDir, index.Folder, true},
	{logsDir, index.Folder, true},
	{publishedDir, index.Folder, false},
	{partialDir, index.Folder, false},
	{jobsDir, index.Folder, false},
	{saltFile, index.File, false},
	{indexDir + index.LockExt, index.File, false},
	{indexDir + index.NextExt, index.File, false},
	{leasesDir + "/" + leaseTable, index.File, false},
}

// makeParts makes the folders that aren't there, unless the store is only read. An error says which part is something else, so that no use
// of it waits for the other end of a pipe, or takes a link that leads nowhere for something that is not there yet.
func (s *Store) makeParts() error {
	made := false
	for _, p := range parts {
		path := filepath.Join(s.dir, p.name)
		if there, err := isPart(path, p.kind); err != nil {
			return err
		} else if there || !p.made || s.readOnly {
			continue
		}
		switch err := os.Mkdir(path, 0o755); {
		case err == nil:
			made = true
		case !errors.Is(err, fs.ErrExist): // another process was first
			return err
		}
	}
	if made {
		return syncPath(s.dir)
	}
	return nil
}

// isPart tells whether something is at a path. It is an error if that isn't of the kind, or can't be reached.
func isPart(path, kind string) (there bool, err error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if info, err = follow(path); err != nil {
			return true, fmt.Errorf("%w; mend the link or remove it", err)
		}
	}
	if is := index.Kind(info.Mode()); kind != "" && is != kind {
		return true, fmt.Errorf("%s is %s, and %s has to be there: move it away, rein makes another", path, is, kind)
	}
	return true, nil
}
