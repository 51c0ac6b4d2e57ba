package cache

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"rein/cache/internal/index"
)

// leases are locks on single bytes of one empty file. So a lease creates and removes no file, and a killed process leaves nothing behind.
// The offset of the byte is the action's hash; two actions share one with probability 2^-62.
type leases struct {
	dir  string
	mu   sync.Mutex
	file *os.File
	held map[int64]bool // the kernel doesn't tell the holders within one process apart
}

func newLeases(dir string) *leases { return &leases{dir: dir, held: map[int64]bool{}} }

// byteOf is the offset of an action's byte.
func byteOf(action Digest) int64 { return int64(binary.BigEndian.Uint64(action[:]) >> 2) }

func (l *leases) try(action Digest) (func() error, error) {
	at := byteOf(action)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[at] {
		return nil, index.ErrLocked
	}
	if l.file == nil {
		f, err := OpenPlain(filepath.Join(l.dir, leaseTable), os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		l.file = f
	}
	if err := l.set(at, unix.F_WRLCK); err != nil {
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			err = index.ErrLocked
		}
		return nil, err
	}
	l.held[at] = true
	return func() error { return l.release(at) }, nil
}

func (l *leases) taken(action Digest) (bool, error) {
	at := byteOf(action)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[at] {
		return true, nil
	}
	f, err := OpenPlain(filepath.Join(l.dir, leaseTable), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: at, Len: 1}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock); err != nil {
		return false, err
	}
	return lock.Type != unix.F_UNLCK, nil
}

func (l *leases) release(at int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held[at] {
		return nil
	}
	delete(l.held, at)
	if l.file == nil { // closed: the kernel has released them all
		return nil
	}
	return l.set(at, unix.F_UNLCK)
}

// set locks or unlocks a byte. The lock belongs to this open file, not to the process, which may have opened the folder twice.
func (l *leases) set(at int64, kind int16) error {
	c, err := l.file.SyscallConn()
	if err != nil {
		return err
	}
	lock := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: at, Len: 1}
	cerr := c.Control(func(fd uintptr) { err = unix.FcntlFlock(fd, unix.F_OFD_SETLK, &lock) })
	return errors.Join(err, cerr)
}

func (l *leases) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	return f.Close()
}
