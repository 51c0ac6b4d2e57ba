package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

const (
	// idle is how long the index stays open without use when nobody waits for it.
	idle = 2 * time.Second
	// glance is how often an idle holder looks whether somebody waits.
	glance = 10 * time.Millisecond
	// turn is how long one process may keep it while others wait.
	turn = 100 * time.Millisecond
)

// index is Badger, open for moments. Two lock files make a queue: who waits for "lock" holds "next" meanwhile, so the
// holder can tell that somebody waits, and doesn't overtake when its turn is over.
type index struct {
	dir      string
	readOnly bool

	mu       sync.Mutex
	free     *sync.Cond // active fell to 0, or the disk failed
	db       *badger.DB // nil: not open
	disk     *disk      // what the open Badger says of it
	temp     string     // the copy that is open in place of the folder, "" if none is
	stuck    *stuck     // a Badger that can't end, because its disk fails
	lock     *fileLock
	opened   time.Time
	used     time.Time // end of the last use
	active   int
	timer    *time.Timer
	closed   bool
	setAside []string // index folders that were unreadable
}

func newIndex(dir string, readOnly bool) *index {
	x := &index{dir: dir, readOnly: readOnly}
	x.free = sync.NewCond(&x.mu)
	return x
}

// errNoIndex says that there is no index to read.
var errNoIndex = errors.New("no index yet")

// use calls do with the open index. Many may use it at a time. When the disk fails it doesn't wait for do, which may hang
// in Badger for good.
func (x *index) use(ctx context.Context, do func(*badger.DB) error) error {
	db, disk, err := x.acquire(ctx)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		err := do(db)
		x.release()
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-disk.failed:
		return stateError(disk.err)
	}
}

func (x *index) acquire(ctx context.Context) (*badger.DB, *disk, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil, nil, errors.New("cache: the store is closed")
	}
	if err := x.faulty(); err != nil {
		return nil, nil, err
	}
	for x.db != nil && time.Since(x.opened) > turn && x.othersWait() {
		if x.active > 0 && !x.disk.isFailed() {
			x.free.Wait()
		} else if err := x.shut(); err != nil {
			return nil, nil, err
		}
	}
	if x.db == nil {
		if err := x.open(ctx); err != nil {
			return nil, nil, err
		}
	}
	x.active++
	return x.db, x.disk, nil
}

func (x *index) release() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.active--; x.active > 0 {
		return
	}
	x.free.Broadcast()
	x.used = time.Now()
	if x.timer == nil {
		x.timer = time.AfterFunc(glance, x.shutIdle)
	} else {
		x.timer.Reset(glance)
	}
}

func (x *index) shutIdle() {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.active > 0 || x.db == nil:
	case time.Since(x.used) < idle && !x.othersWait():
		x.timer.Reset(glance)
	default:
		_ = x.shut() // the next use opens it again and sees what is wrong
	}
}

// othersWait tells whether another process stands in the queue, readers included.
func (x *index) othersWait() bool {
	l, err := tryExisting(x.dir + ".next")
	if err == nil {
		l.unlock()
	}
	return errors.Is(err, errLocked)
}

// open waits for its turn and opens Badger.
func (x *index) open(ctx context.Context) error {
	if x.readOnly {
		return x.openToRead(ctx)
	}
	next, err := lock(ctx, x.dir+".next", nil)
	if err != nil {
		return err
	}
	l, err := lock(ctx, x.dir+".lock", nil)
	if err = errors.Join(err, next.unlock()); err != nil {
		return err
	}
	db, disk, err := openBadger(x.dir, false, x.wake)
	if err != nil && !outside(err) {
		// Unreadable: the index is only a memory of what can be made again. Kept for a look, not used.
		aside := fmt.Sprintf("%s.unreadable-%d", x.dir, time.Now().UnixNano())
		if rerr := os.Rename(x.dir, aside); rerr != nil {
			return errors.Join(err, rerr, l.unlock())
		}
		x.setAside = append(x.setAside, aside)
		db, disk, err = openBadger(x.dir, false, x.wake)
	}
	if err != nil {
		return errors.Join(stateError(err), l.unlock())
	}
	x.db, x.disk, x.lock, x.opened = db, disk, l, time.Now()
	return nil
}

// openToRead opens Badger without leaving a trace. While a writer has it, it waits.
func (x *index) openToRead(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(x.dir, "MANIFEST")); errors.Is(err, fs.ErrNotExist) {
		return errNoIndex
	}
	next, err := lockExisting(ctx, x.dir+".next")
	if err != nil {
		return err
	}
	defer next.unlock()
	for pause := time.Millisecond; ; pause = min(2*pause, longestPause) {
		db, disk, err := openBadger(x.dir, true, x.wake)
		switch {
		case err == nil:
			x.db, x.disk, x.opened = db, disk, time.Now()
			return nil
		case outside(err):
			return stateError(err)
		case !busy(err):
			return x.openCopy(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// openCopy opens a copy outside the state folder: after a crash Badger has to repair what it left before it can read it, and
// a reader must leave no trace.
func (x *index) openCopy(ctx context.Context) error {
	held, err := lockExisting(ctx, x.dir+".lock") // no writer may begin meanwhile
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "rein-index-")
	if err != nil {
		return errors.Join(err, held.unlock())
	}
	err = errors.Join(copyFolder(x.dir, temp), held.unlock())
	var db *badger.DB
	var d *disk
	if err == nil {
		db, d, err = openBadger(temp, false, x.wake)
	}
	if err != nil {
		if rerr := os.RemoveAll(temp); rerr != nil || outside(err) {
			return errors.Join(stateError(err), rerr)
		}
		return errNoIndex // the next writer puts it aside and says so
	}
	x.db, x.disk, x.temp, x.opened = db, d, temp, time.Now()
	return nil
}

// copyFolder copies the files of a folder, holes as holes: Badger's logs are mostly that.
func copyFolder(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || e.Name() == "LOCK" {
			continue
		}
		if err := copySparse(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func copySparse(from, to string) (err error) {
	in, err := os.Open(from)
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

// shut closes Badger and passes the turn on.
func (x *index) shut() error {
	if x.db == nil {
		return x.faulty()
	}
	return x.end(func(err error) error { return err })
}

// end closes Badger, calls then with how that went while the lock is still held, and unlocks. Where the disk fails Badger tries for ever to
// write what it holds: it is left to that, and nobody waits for it.
func (x *index) end(then func(error) error) error {
	db, disk, lock, temp := x.db, x.disk, x.lock, x.temp
	x.db, x.disk, x.lock, x.temp = nil, nil, nil, ""
	ended := make(chan error, 1)
	go func() {
		err := then(db.Close())
		if temp != "" {
			err = errors.Join(err, os.RemoveAll(temp))
		}
		if lock != nil {
			err = errors.Join(err, lock.unlock())
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-disk.failed:
		x.stuck = &stuck{disk.err, ended}
		return stateError(disk.err)
	}
}

// stuck is a Badger that can't end.
type stuck struct {
	err   error
	ended <-chan error
}

// faulty says why the index can't be used at the moment: its disk fails.
func (x *index) faulty() error {
	if x.stuck != nil {
		select {
		case <-x.stuck.ended:
			x.stuck = nil // the disk is sound again
		default:
			return stateError(x.stuck.err)
		}
	}
	if x.disk.isFailed() {
		return stateError(x.disk.err)
	}
	return nil
}

// wake tells those who wait for others to finish that these may never do.
func (x *index) wake() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.free.Broadcast()
}

// disk hears from Badger's log whether the disk fails: Badger tells nobody else, and tries again every second, for ever.
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
	d.once.Do(func() {
		d.err = fmt.Errorf("index: "+strings.TrimSuffix(format, ", retrying"), args...)
		for _, a := range args {
			if err, ok := a.(error); ok {
				d.err = fmt.Errorf("the index can't be written: %w", err)
			}
		}
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

func (x *index) close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.active > 0 && !x.disk.isFailed() {
		x.free.Wait()
	}
	if x.timer != nil {
		x.timer.Stop()
	}
	x.closed = true
	return x.shut()
}

// outside tells faults of the machine, which say nothing about the index: no space, no permission, too many files.
func outside(err error) bool {
	for _, e := range []error{fs.ErrPermission, syscall.ENOSPC, syscall.EMFILE, syscall.ENFILE, syscall.EROFS, syscall.EIO,
		syscall.EDQUOT, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// openBadger opens a Badger for a small index: small tables, nothing cached, nothing logged. A panic over broken files is
// an error.
func openBadger(dir string, readOnly bool, wake func()) (db *badger.DB, d *disk, err error) {
	d = &disk{failed: make(chan struct{}), wake: wake}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("index: %v", p)
		}
	}()
	o := badger.DefaultOptions(dir).
		WithLogger(d).WithReadOnly(readOnly).WithMetricsEnabled(false).WithDetectConflicts(false).
		WithCompression(options.None).WithBlockCacheSize(0).WithIndexCacheSize(0).
		WithMemTableSize(8 << 20).WithBaseTableSize(2 << 20).WithNumMemtables(2).
		WithValueThreshold(64 << 10).WithValueLogFileSize(16 << 20).WithNumCompactors(2).
		WithChecksumVerificationMode(options.OnTableAndBlockRead)
	db, err = badger.Open(o)
	return db, d, err
}

// busy tells that another process has Badger's folder: it has no error value for that.
func busy(err error) bool { return strings.Contains(err.Error(), "Another process is using") }

// replace moves the index's folder away and begins an empty one.
func (x *index) replace(ctx context.Context, aside string) error {
	if _, _, err := x.acquire(ctx); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.active--
	for x.active > 0 && !x.disk.isFailed() {
		x.free.Wait()
	}
	if x.db == nil {
		return errors.New("cache: the index was closed while it was replaced")
	}
	defer x.free.Broadcast()
	// The folder moves while the lock is held: another process finds an empty index, or waits.
	return x.end(func(err error) error {
		if err != nil && outside(err) {
			return err
		}
		return errors.Join(os.Rename(x.dir, aside), os.MkdirAll(x.dir, 0o755))
	})
}
