package index

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/dgraph-io/badger/v4"
)

const (
	// idle is how long the index stays open without use when nobody waits for it.
	idle = 2 * time.Second
	// glance is how often an idle holder checks whether another process waits.
	glance = 10 * time.Millisecond
	// turn is how long a process may keep the index while others wait.
	turn = 100 * time.Millisecond
)

// use calls do with the open index, which several may use at the same time. write tells whether do writes.
func (x *Index) use(ctx context.Context, write bool, do func(*badger.DB) error) error {
	for {
		err := x.useOnce(ctx, write, do)
		if x.readOnly || !errors.Is(err, badger.ErrReadOnlyTxn) {
			return err
		}
		// It was opened for reading, for lack of room.
		if err := hasRoom(x.dir, roomToWrite); err != nil {
			return err
		}
		if err := x.shutReading(); err != nil {
			return err
		}
	}
}

// shutReading closes an index that is open for reading, as soon as nobody uses it.
func (x *Index) shutReading() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.active > 0 && !x.disk.isFailed() {
		x.free.Wait()
	}
	if x.lock != nil { // somebody else opened it for writing meanwhile
		return nil
	}
	return x.shut()
}

// useOnce opens the index if it isn't open, and calls do. If the disk fails it doesn't wait for do, which may hang in Badger.
func (x *Index) useOnce(ctx context.Context, write bool, do func(*badger.DB) error) error {
	db, disk, err := x.acquire(ctx, write)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	x.hands.give(func() {
		err := carefully(db, disk, do)
		x.release()
		done <- err
	})
	select {
	case err := <-done:
		return err
	case <-disk.failed:
		return disk.err
	}
}

// hands are goroutines that use Badger and wait for more to do: a new one for each use would have to grow its stack each time.
type hands struct {
	work chan func()
	over chan struct{}
}

// give has f done by a goroutine that has nothing to do, or by a new one.
func (h *hands) give(f func()) {
	select {
	case h.work <- f:
		return
	default:
	}
	go func() {
		for {
			f()
			select {
			case f = <-h.work:
			case <-h.over:
				return
			}
		}
	}()
}

// dismiss ends the goroutines once they have nothing to do.
func (h *hands) dismiss() { close(h.over) }

// carefully turns a panic over damaged values into an error. After a log.Fatal, Badger may never release its locks.
func carefully(db *badger.DB, d *disk, do func(*badger.DB) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = outcome(p)
			if _, ok := p.(fatal); ok {
				d.fail(err)
			}
		}
	}()
	return do(db)
}

func (x *Index) acquire(ctx context.Context, write bool) (*badger.DB, *disk, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil, nil, errors.New("the index is closed")
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
		// It is opened for reading then. If there isn't even room to close it, it stays open and may be read.
		if err := x.shut(); err != nil && (write || x.db == nil) {
			return nil, nil, err
		}
	}
	x.writes = x.writes || write
	for x.writes && x.db != nil && x.lock == nil && !x.readOnly && hasRoom(x.dir, roomToWrite) == nil {
		// It is open for reading. New readers wait too, or a writer might never get it.
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

// turnIsOver tells whether others wait and have waited long enough. It doesn't look at the lock file at every use.
func (x *Index) turnIsOver() bool {
	if now := time.Now(); now.Sub(x.opened) <= turn || now.Sub(x.looked) < glance {
		return false
	}
	x.looked = time.Now()
	if !x.othersWait() {
		return false
	}
	x.looked = time.Time{} // they will still wait when the present users are done
	return true
}

func (x *Index) release() {
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

func (x *Index) shutIdle() {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.active > 0 || x.db == nil:
	case time.Since(x.used) < idle && !x.othersWait():
		x.timer.Reset(glance)
	case x.shut() != nil && x.db != nil: // for lack of room
		x.timer.Reset(idle)
	}
}

// othersWait tells whether another process is in the queue, to read or to write.
func (x *Index) othersWait() bool {
	wait, _ := Locked(x.dir + NextExt)
	return wait
}

// shut closes Badger and passes the turn on.
func (x *Index) shut() error {
	if x.db == nil {
		return x.faulty()
	}
	return x.end(func(err error) error { return err })
}

// end closes Badger, calls then with the result while the lock is still held, and unlocks. If there is no room to close Badger, it stays
// open. If the disk fails, Badger tries for ever to write its data; nobody waits for that.
func (x *Index) end(then func(error) error) error {
	if x.lock != nil {
		if err := hasRoom(x.dir, roomToClose); err != nil { // it stays open; what it holds is in its log
			return err
		}
	}
	db, disk, lock, temp := x.db, x.disk, x.lock, x.temp
	x.db, x.disk, x.lock, x.temp = nil, nil, nil, ""
	ended := make(chan error, 1)
	go func() {
		if lock != nil {
			merge(db)
		}
		err := carefully(db, disk, (*badger.DB).Close)
		if lock != nil {
			x.sight.leave(x.dir) // nobody else reads it before this has ended
		}
		err = then(err)
		opened.Delete(disk)
		if temp != "" {
			err = errors.Join(err, os.RemoveAll(temp))
		}
		if lock != nil {
			err = errors.Join(err, lock.Unlock())
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-disk.failed:
		x.stuck = &stuck{disk.err, ended}
		return disk.err
	}
}

// stuck is a Badger that can't end.
type stuck struct {
	err   error
	ended <-chan error
}

// faulty is the error of an index whose disk fails, or nil.
func (x *Index) faulty() error {
	if x.stuck != nil {
		select {
		case <-x.stuck.ended:
			x.stuck = nil // the disk is sound again
		default:
			return x.stuck.err
		}
	}
	if x.disk.isFailed() {
		return x.disk.err
	}
	return nil
}

// wake wakes all who wait for the users of the index to finish, which they may never do.
func (x *Index) wake() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.free.Broadcast()
}
