package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
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
	tables   tables

	mu     sync.Mutex
	free   *sync.Cond // active fell to 0, or the disk failed
	db     *badger.DB // nil: not open
	disk   *disk      // what the open Badger says of it
	temp   string     // the copy that is open in place of the folder, "" if none is
	stuck  *stuck     // a Badger that can't end, because its disk fails
	lock   *fileLock
	opened time.Time
	used   time.Time // end of the last use
	looked time.Time // for others that wait
	active int
	timer  *time.Timer
	closed bool
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
		err := carefully(db, do)
		x.release()
		done <- err
	}()
	select {
	case err := <-done:
		if errors.Is(err, badger.ErrReadOnlyTxn) && !x.readOnly { // it was opened for reading, for lack of room
			return stateError(cmp.Or(hasRoom(x.dir, roomToWrite), err))
		}
		return err
	case <-disk.failed:
		return stateError(disk.err)
	}
}

// carefully makes an error of a panic over damaged values.
func carefully(db *badger.DB, do func(*badger.DB) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &damage{fmt.Sprint(p)}
		}
	}()
	return do(db)
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
	for x.db != nil && x.turnIsOver() {
		if x.active > 0 && !x.disk.isFailed() {
			x.free.Wait()
		} else if err := x.shut(); err != nil {
			return nil, nil, err
		}
	}
	if x.db != nil && x.lock != nil && x.active == 0 && hasRoom(x.dir, roomToWrite) != nil {
		if err := x.shut(); err != nil {
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

// turnIsOver tells whether others wait and were left to wait long enough. It doesn't look at the lock file for every use.
func (x *index) turnIsOver() bool {
	if now := time.Now(); now.Sub(x.opened) <= turn || now.Sub(x.looked) < glance {
		return false
	}
	x.looked = time.Now()
	if !x.othersWait() {
		return false
	}
	x.looked = time.Time{} // they still do when those who use it are done
	return true
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
	if err := hasRoom(x.dir, roomToWrite); err != nil {
		if rerr := x.openToRead(ctx); rerr != nil {
			return stateError(err)
		}
		return nil
	}
	next, err := await(ctx, x.dir+".next", tryLock)
	if err != nil {
		return stateError(err)
	}
	defer next.unlock() // held until Badger is open: a reader that still has it sees that somebody waits
	l, err := await(ctx, x.dir+".lock", tryLock)
	if err != nil {
		return stateError(err)
	}
	db, disk, err := x.openFree(ctx, false)
	if err != nil && !Outside(err) && ctx.Err() == nil {
		if rerr := readable(x.dir); rerr != nil {
			return errors.Join(stateError(rerr), l.unlock())
		}
		// Damaged: the index is only a memory of what can be made again. Kept for a look, not used.
		aside := fmt.Sprintf("%s%d", x.dir+unreadable, time.Now().UnixNano())
		if rerr := os.Rename(x.dir, aside); rerr != nil {
			return errors.Join(err, rerr, l.unlock())
		}
		db, disk, err = openBadger(x.dir, false, &x.tables, x.wake)
	}
	if err != nil {
		return errors.Join(stateError(err), l.unlock())
	}
	x.db, x.disk, x.lock, x.opened = db, disk, l, time.Now()
	return nil
}

// unreadable is how the name of an index folder goes on that was set aside.
const unreadable = ".unreadable-"

// openFree opens Badger once no other process has it: readers have it side by side, a writer alone, and one that was
// killed for a moment still.
func (x *index) openFree(ctx context.Context, readOnly bool) (db *badger.DB, d *disk, err error) {
	err = poll(ctx, longestPause, func() (bool, error) {
		db, d, err = openBadger(x.dir, readOnly, &x.tables, x.wake)
		if err != nil && busy(err) {
			return false, nil
		}
		return true, err
	})
	return db, d, err
}

// openToRead opens Badger without leaving a trace. While a writer has it, it waits.
func (x *index) openToRead(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(x.dir, "MANIFEST")); errors.Is(err, fs.ErrNotExist) {
		return errNoIndex
	}
	next, err := await(ctx, x.dir+".next", tryExisting)
	if err != nil {
		return err
	}
	defer next.unlock()
	db, disk, err := x.openFree(ctx, true)
	switch {
	case err == nil:
		x.db, x.disk, x.opened = db, disk, time.Now()
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case Outside(err):
		return fmt.Errorf("the state folder can't be read: %w", err)
	}
	return x.openCopy(ctx)
}

// openCopy opens a copy outside the state folder: after a crash Badger has to repair what it left before it can read it, and
// a reader must leave no trace.
func (x *index) openCopy(ctx context.Context) error {
	held, err := await(ctx, x.dir+".lock", tryExisting) // no writer may begin meanwhile
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
		db, d, err = openBadger(temp, false, &x.tables, x.wake)
	}
	if err != nil {
		if rerr := os.RemoveAll(temp); rerr != nil || Outside(err) {
			return errors.Join(stateError(err), rerr)
		}
		reason := err.Error()
		var broken *damage
		if errors.As(err, &broken) {
			reason = broken.reason
		}
		return &damage{reason + "; the next run, or rein cache verify --repair, sets it aside, and makes it anew from the run records"}
	}
	x.db, x.disk, x.temp, x.opened = db, d, temp, time.Now()
	return nil
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
	if x.lock != nil {
		if err := hasRoom(x.dir, roomToClose); err != nil { // what it holds is in its log
			x.stuck, x.db = &stuck{err, nil}, nil
			return stateError(err)
		}
	}
	db, disk, lock, temp := x.db, x.disk, x.lock, x.temp
	x.db, x.disk, x.lock, x.temp = nil, nil, nil, ""
	ended := make(chan error, 1)
	go func() {
		if lock != nil {
			merge(db)
		}
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
		if err != nil && Outside(err) {
			return err
		}
		return errors.Join(os.Rename(x.dir, aside), os.MkdirAll(x.dir, 0o755))
	})
}
