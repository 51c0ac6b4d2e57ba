package index

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Outside tells whether an error is the machine's fault (no space, no permission, too many open files, a limit on the size of files, a file
// system that is gone) and so says nothing about the data.
func Outside(err error) bool {
	for _, e := range []error{fs.ErrPermission, syscall.ENOSPC, syscall.EMFILE, syscall.ENFILE, syscall.EROFS, syscall.EIO,
		syscall.EDQUOT, syscall.ENOMEM, syscall.EFBIG, syscall.ENOTCONN, syscall.ESTALE, syscall.ETIMEDOUT} {
		// Badger makes text of some errors.
		if errors.Is(err, e) || err != nil && e != fs.ErrPermission && strings.Contains(err.Error(), e.Error()) {
			return true
		}
	}
	return false
}

// openBadger opens Badger for a small index: with small tables, without a cache or a log. It returns a panic over damaged files as an
// error.
func openBadger(dir string, readOnly bool, checked *tables, wake func()) (db *badger.DB, d *disk, err error) {
	d = &disk{failed: make(chan struct{}), wake: wake}
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, outcome(p)
		}
		if err == nil {
			opened.Store(d, nil)
		}
	}()
	guardLog()
	guardBus()
	if err := openable(dir); err != nil {
		return nil, d, err
	}
	if !readOnly {
		if err := errors.Join(dropUnbegun(dir), dropUnsynced(dir)); err != nil {
			return nil, d, err
		}
	}
	if err := checked.check(dir, readOnly); err != nil {
		return nil, d, err
	}
	o := badger.DefaultOptions(dir).
		WithLogger(d).WithReadOnly(readOnly).WithMetricsEnabled(false).WithDetectConflicts(false).
		WithCompression(options.None).WithBlockCacheSize(0).WithIndexCacheSize(0).
		WithMemTableSize(8 << 20).WithBaseTableSize(2 << 20).WithNumMemtables(2).
		WithValueThreshold(64 << 10).WithValueLogFileSize(16 << 20).WithNumCompactors(2).
		WithVerifyValueChecksum(true).                    // without it, Badger never releases a lock after it has read a damaged length of a value
		WithChecksumVerificationMode(options.OnBlockRead) // a block may decay after its table was checked
	db, err = badger.Open(o)
	return db, d, err
}

// mostFresh is how many tables may wait to be merged. Badger merges more than five of them in the background. But each opening adds one,
// and an index that is open for only a moment gives Badger no time to merge.
const mostFresh = 20

// merge merges the tables if too many wait. An error does no harm: tables are read whether they are merged or not.
func merge(db *badger.DB) {
	fresh := 0
	for _, t := range db.Tables() {
		if t.Level == 0 {
			fresh++
		}
	}
	if fresh > mostFresh {
		_ = db.Flatten(1)
	}
}

// dropUnbegun removes logs that a killed process created but didn't begin. Badger can't open a folder that has one.
func dropUnbegun(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext != ".vlog" && ext != ".mem" {
			continue
		}
		if info, err := e.Info(); err == nil && info.Size() == 0 {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// busy tells that another process has Badger's folder: it has no error value for that.
func busy(err error) bool { return strings.Contains(err.Error(), "Another process is using") }

// disk tells whether an open Badger has failed, usually because of its disk. Badger reports that only in its log, and then tries again
// every second, for ever.
type disk struct {
	once   sync.Once
	failed chan struct{} // closed when err is set
	err    error
	wake   func()
}

func (d *disk) isFailed() bool {
	if d == nil {
		return false
	}
	select {
	case <-d.failed:
		return true
	default:
		return false
	}
}

// Errorf implements badger.Logger.
func (d *disk) Errorf(format string, args ...any) {
	if !strings.HasPrefix(format, "error flushing memtable") {
		return
	}
	err := fmt.Errorf("index: "+strings.TrimSuffix(format, ", retrying"), args...)
	for _, a := range args {
		if cause, ok := a.(error); ok {
			err = fmt.Errorf("the index can't be written: %w", cause)
		}
	}
	d.fail(err)
}

// fail records that the open Badger can't be used any more.
func (d *disk) fail(err error) {
	d.once.Do(func() {
		d.err = err
		close(d.failed)
		go d.wake()
	})
}

// Warningf implements badger.Logger.
func (*disk) Warningf(string, ...any) {}

// Infof implements badger.Logger.
func (*disk) Infof(string, ...any) {}

// Debugf implements badger.Logger.
func (*disk) Debugf(string, ...any) {}

// copyFolder copies the files of a folder and keeps their holes: Badger's logs consist mostly of holes.
func copyFolder(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || e.Name() == "LOCK" {
			continue
		}
		if err := copySparse(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func copySparse(from, to string) (err error) {
	in, err := OpenPlain(from, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	block, zeros, size := make([]byte, 64<<10), make([]byte, 64<<10), int64(0)
	for {
		n, err := io.ReadFull(in, block)
		if n > 0 && !bytes.Equal(block[:n], zeros[:n]) {
			if _, err := out.WriteAt(block[:n], size); err != nil {
				return err
			}
		}
		size += int64(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return out.Truncate(size)
		case err != nil:
			return err
		}
	}
}
