package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// open waits for its turn and opens Badger. Until something is written, it is opened for reading, which makes no file and
// lets other processes read at the same time.
func (x *Index) open(ctx context.Context) error {
	if x.readOnly {
		return x.openToRead(ctx)
	}
	if !x.writes && x.openAsItIs(ctx) == nil {
		return nil // otherwise the writer repairs it, or says what is wrong
	}
	if err := hasRoom(x.dir, roomToWrite); err != nil {
		if rerr := x.openToRead(ctx); rerr != nil {
			return err
		}
		return nil
	}
	next, err := await(ctx, x.dir+NextExt, TryLock)
	if err != nil {
		return err
	}
	defer next.Unlock() // held until Badger is open, so that a reader that still has it sees that a writer waits
	l, err := await(ctx, x.dir+LockExt, TryLock)
	if err != nil {
		return err
	}
	x.sight.arrive(x.dir)
	db, disk, err := x.openFree(ctx, false)
	if err != nil && !Outside(err) && ctx.Err() == nil {
		if rerr := readable(x.dir); rerr != nil {
			return errors.Join(rerr, l.Unlock())
		}
		// The index is damaged. It only remembers what can be made again, so the folder is kept for inspection and not used.
		x.sight.other = true
		aside := fmt.Sprintf("%s%d", x.dir+unreadable, time.Now().UnixNano())
		if rerr := os.Rename(x.dir, aside); rerr != nil {
			return errors.Join(err, rerr, l.Unlock())
		}
		db, disk, err = openBadger(x.dir, false, &x.tables, x.wake)
	}
	if err != nil {
		return errors.Join(err, l.Unlock())
	}
	x.db, x.disk, x.lock, x.opened = db, disk, l, time.Now()
	return nil
}

// openFree opens Badger as soon as no other process holds it: several may read at the same time, but a writer must be alone. The system may
// hold the lock of a killed process for a moment longer.
func (x *Index) openFree(ctx context.Context, readOnly bool) (db *badger.DB, d *disk, err error) {
	err = Poll(ctx, longestPause, func() (bool, error) {
		db, d, err = openBadger(x.dir, readOnly, &x.tables, x.wake)
		if err != nil && busy(err) {
			return false, nil
		}
		return true, err
	})
	return db, d, err
}

// openToRead opens Badger without leaving a trace. While a writer has it, it waits.
func (x *Index) openToRead(ctx context.Context) error {
	err := x.openAsItIs(ctx)
	switch {
	case err == nil || errors.Is(err, ErrNone):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case Outside(err):
		return fmt.Errorf("the index can't be read: %w", err)
	}
	return x.openCopy(ctx)
}

// openAsItIs opens Badger for reading if nothing has to be repaired first.
func (x *Index) openAsItIs(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(x.dir, "MANIFEST")); errors.Is(err, fs.ErrNotExist) {
		return ErrNone
	}
	next, err := await(ctx, x.dir+NextExt, tryExisting)
	if err != nil {
		return err
	}
	defer next.Unlock()
	db, disk, err := x.openFree(ctx, true)
	if err == nil {
		x.db, x.disk, x.opened = db, disk, time.Now()
		x.sight.arrive(x.dir)
	}
	return err
}

// openCopy opens a copy outside the state folder. After a crash, Badger has to repair its files before it can read them, and a reader must
// leave no trace.
func (x *Index) openCopy(ctx context.Context) error {
	held, err := await(ctx, x.dir+LockExt, tryExisting) // no writer may begin meanwhile
	if err != nil {
		return err
	}
	if err := openable(x.dir); err != nil { // no copy mends that, and a huge file would fill the disk
		return errors.Join(err, held.Unlock())
	}
	temp, err := os.MkdirTemp("", "rein-index-")
	if err != nil {
		return errors.Join(fmt.Errorf("a killed run left the index in need of repair, and no copy to read can be made in %s (TMPDIR): %w", os.TempDir(), err), held.Unlock())
	}
	err = errors.Join(copyFolder(x.dir, temp), held.Unlock())
	var db *badger.DB
	var d *disk
	if err == nil {
		db, d, err = openBadger(temp, false, &tables{}, x.wake)
	}
	if err != nil {
		if rerr := os.RemoveAll(temp); rerr != nil || Outside(err) {
			return errors.Join(err, rerr)
		}
		var broken *Damage
		if errors.As(err, &broken) {
			return broken
		}
		return &Damage{err.Error()}
	}
	x.db, x.disk, x.temp, x.opened = db, d, temp, time.Now()
	x.sight.other = true
	return nil
}
