package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"rein/cache/internal/index"
)

// formatFile says by which rules the folder was written.
const (
	formatFile = "FORMAT"
	saltFile   = "salt"
	ignoreFile = ".gitignore"
	format     = "rein state 1\n"
)

// Options say how a Store is used.
type Options struct {
	// ReadOnly is for questions: nothing in the folder is written, created or locked for others.
	ReadOnly bool
}

// Store is a state folder. Its methods are safe for concurrent use, by several processes too.
type Store struct {
	dir       string
	readOnly  bool
	mu        sync.Mutex
	published looks           // what was found, and is known as rein's
	recalled  looks           // what Remember was told
	real      string          // dir without links; "": not known yet
	outside   string          // folder for what a store that is only read inflates; "": none yet
	proofs    map[Blob]Digest // what this process has proven, and how it looked then
	unsynced  unsynced
	group     group
	replaced  atomic.Bool // an entry was replaced or removed since the last Settle
	index     *index.Index
	leases    *leases
}

// Open opens the state folder, which it creates unless it is opened for reading. An absent folder opened for reading is
// an empty store.
func Open(dir string, o Options) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, readOnly: o.ReadOnly, index: index.New(filepath.Join(dir, indexDir), o.ReadOnly),
		leases: newLeases(filepath.Join(dir, leasesDir)), unsynced: unsynced{every: syncEvery}}
	if err := s.checkFormat(); err != nil {
		return s, err
	}
	return s, stateError(s.makeParts())
}

// StateFault is the error of a state folder that can't be used: the machine's fault, whatever the configuration says.
type StateFault struct{ err error }

func (s *StateFault) Error() string { return s.err.Error() }

// Unwrap gives the system's error.
func (s *StateFault) Unwrap() error { return s.err }

// stateError makes a StateFault, which says what to do about a state folder that can't be written.
func stateError(err error) error {
	var had *StateFault
	switch {
	case err == nil || errors.As(err, &had) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		err = fmt.Errorf("the state folder can't be written: %w; --state DIR or REIN_STATE puts it elsewhere", err)
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		err = fmt.Errorf("the state folder is full: %w; rein cache gc makes room, --state DIR or REIN_STATE puts it elsewhere", err)
	default:
		err = fmt.Errorf("state folder: %w", err)
	}
	return &StateFault{err}
}

// ErrNotState says that a folder is somebody's, and no state folder.
var ErrNotState = errors.New("is not a state folder of this rein")

// checkFormat makes sure that the folder is a state folder, written by our rules. An empty one becomes one: what else is in it
// comes after the file FORMAT.
func (s *Store) checkFormat() error {
	path := filepath.Join(s.dir, formatFile)
	b, err := readFormat(path)
	switch {
	case err == nil && strings.TrimSpace(b) == strings.TrimSpace(format):
		return nil
	case err == nil && strings.TrimSpace(b) != "":
		return s.notState("its file FORMAT begins with %.40q, this version writes %q", strings.TrimSpace(b), strings.TrimSpace(format))
	case errors.Is(err, syscall.ENOTDIR):
		return s.notState("it is a file")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return stateError(err)
	case holdsOther(s.dir) && (err != nil || !holdsStore(s.dir)): // an empty FORMAT may be one that a power cut has left
		return s.notState("it holds other things, and no file FORMAT of rein")
	case s.readOnly:
		return nil
	}
	if to, err := os.Readlink(s.dir); err == nil && !exists(s.dir) {
		return s.notState("it is a link to %s, which is not there", to)
	}
	if err := makeDir(s.dir); err != nil {
		return stateError(err)
	}
	if err := writeFile(path, true, []byte(format)); err != nil {
		return stateError(err)
	}
	return stateError(writeFile(filepath.Join(s.dir, ignoreFile), true, []byte("*\n"))) // git passes over the whole folder
}

func (s *Store) notState(why string, args ...any) error {
	return fmt.Errorf("%s %w: %s; give another --state, or an empty folder", s.dir, ErrNotState, fmt.Sprintf(why, args...))
}

// readFormat is the beginning of the file FORMAT, which may be anything in a folder that is somebody else's.
func readFormat(path string) (string, error) {
	f, err := OpenPlain(path, os.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4<<10))
	return string(b), err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// holdsStore tells whether a folder has what a state folder has from its beginning.
func holdsStore(dir string) bool {
	for _, d := range []string{blobsDir, runsDir, leasesDir, scratchDir} {
		if info, err := os.Lstat(filepath.Join(dir, d)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// holdsOther tells whether something is in a folder besides what a killed writeFile or a fresh file system leaves.
func holdsOther(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return !strings.HasPrefix(e.Name(), tmpFile) && e.Name() != mountedOnly && e.Name() != formatFile
	})
}

// Salt is a random text of the state folder, which only its owner can read: what is digested with it can't be guessed by who
// sees the digest. It is made when it is first asked for; a store that is only read has none then.
func (s *Store) Salt() ([]byte, error) {
	path := filepath.Join(s.dir, saltFile)
	for {
		salt, err := ReadPlain(path)
		if err == nil && len(salt) > 0 {
			return salt, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, stateError(err)
		}
		if s.readOnly {
			return nil, nil
		}
		tmp, err := os.CreateTemp(filepath.Join(s.dir, scratchDir), "salt-*") // readable by the owner only
		if err != nil {
			return nil, stateError(err)
		}
		_, err = tmp.WriteString(rand.Text() + "\n")
		err = errors.Join(err, tmp.Sync(), tmp.Close())
		if err == nil && os.Link(tmp.Name(), path) != nil { // another process was first, or there are no links here
			if st, there := os.Stat(path); there != nil || st.Size() == 0 {
				err = os.Rename(tmp.Name(), path)
			}
		}
		_ = os.Remove(tmp.Name()) // gone already if it was renamed
		if err != nil {
			return nil, stateError(err)
		}
	}
}

// Dir is the state folder's absolute path.
func (s *Store) Dir() string { return s.dir }

// Partial is the folder for long transfers that were cut off; gc collects what lies there idle.
func (s *Store) Partial() string { return filepath.Join(s.dir, partialDir) }

// Close is Sync, and releases the index and all leases.
func (s *Store) Close() error {
	err := s.Sync()
	_, _, settled := s.settleIndex()
	if closed := s.index.Close(); settled == nil { // else it says the same
		settled = closed
	}
	err = errors.Join(err, settled, s.leases.close())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outside != "" {
		err = errors.Join(err, RemoveAll(s.outside))
		s.outside = ""
	}
	return err
}

// Scratch makes an empty folder for work in progress; the caller removes it.
func (s *Store) Scratch() (string, error) {
	return os.MkdirTemp(filepath.Join(s.dir, scratchDir), "")
}

// LogPath is where the log of an execution of an action goes.
func (s *Store) LogPath(action Digest) string {
	return filepath.Join(s.dir, logsDir, action.String()+".log")
}

// JobPath is where the folder of a job is that makes an action's result elsewhere, and may outlive the run that has sent it.
func (s *Store) JobPath(action Digest) string {
	return filepath.Join(s.dir, jobsDir, action.String())
}

// CheckpointPath is where the checkpoint folder of an action is, or would be.
func (s *Store) CheckpointPath(action Digest) string {
	return filepath.Join(s.dir, checkpointDir, action.String())
}

// Checkpoint makes or finds the folder that outlives a killed run of an action.
func (s *Store) Checkpoint(action Digest) (string, error) {
	dir := s.CheckpointPath(action)
	return dir, os.MkdirAll(dir, 0o755)
}

// DropCheckpoint removes an action's checkpoint folder.
func (s *Store) DropCheckpoint(action Digest) error {
	return os.RemoveAll(s.CheckpointPath(action))
}

// SetAside lists index folders that could not be read; the store went on with an empty index.
func (s *Store) SetAside() []string { return s.index.SetAside() }
