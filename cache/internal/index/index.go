// Package index keeps small values under keys, in a folder that several processes share. It is the only package that knows
// Badger. What it promises:
//
//   - A value that is read is the value that was written. Anything else is ErrNotFound, a *BadValue, a *Damage, or a fault of
//     the machine (Outside).
//   - An Update is there whole or not at all, also after a kill. What was committed stays.
//   - Readers leave no trace in the folder. Where there is no index to read, they get ErrNone.
//   - Processes take turns. A process that waits gets the index after at most a few tenths of a second.
//   - A writer that finds the folder damaged sets it aside, as SetAside lists, and goes on with an empty one. A reader gets a *Damage.
//   - A folder that the machine doesn't let us use, because the disk is full, too few files may be open, or permission is
//     missing, is left as it is.
//   - No panic of Badger's over damaged files, and no log.Fatal of Badger's, ends the program.
package index

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// Index is a folder of values, open for moments. Two lock files make a queue: a process that waits for "lock" holds "next"
// meanwhile, so the holder can tell that somebody waits, and doesn't overtake when its turn is over.
type Index struct {
	dir      string
	readOnly bool
	tables   tables

	mu     sync.Mutex
	free   *sync.Cond // active fell to 0, or the disk failed
	db     *badger.DB // nil: not open
	disk   *disk      // what the open Badger says of it
	temp   string     // the open copy of the folder, "" if the folder itself is open
	stuck  *stuck     // a Badger that can't be closed because its disk fails
	lock   *Lock
	opened time.Time
	used   time.Time // end of the last use
	looked time.Time // for others that wait
	writes bool      // it is opened for writing from now on: somebody has written, or wants to
	active int
	timer  *time.Timer
	closed bool
	hands  hands
	sight  sight
}

// What follows the index's name in those of its lock files.
const (
	LockExt = ".lock"
	NextExt = ".next"
)

// New returns the index in dir. It doesn't touch the folder yet.
func New(dir string, readOnly bool) *Index {
	x := &Index{dir: dir, readOnly: readOnly, hands: hands{make(chan func()), make(chan struct{})}}
	x.free = sync.NewCond(&x.mu)
	x.tables.kept, x.tables.keep = checks{path: dir + ".checked", oldEnough: oldEnough}, !readOnly
	return x
}

// ErrNone says that there is no index to read.
var ErrNone = errors.New("no index yet")

// Damage is the error of an index that is proven to hold something other than what was written.
type Damage struct{ Reason string }

func (d *Damage) Error() string { return "the index of results is damaged: " + d.Reason }

// View calls do with a snapshot of the index. Several may use an index at the same time.
func (x *Index) View(ctx context.Context, do func(*Txn) error) error {
	return x.use(ctx, false, func(db *badger.DB) error {
		return db.View(func(txn *badger.Txn) error { return do(&Txn{txn: txn}) })
	})
}

// Update is View for changes, which are made atomically if do returns nil.
func (x *Index) Update(ctx context.Context, do func(*Txn) error) error {
	return x.use(ctx, true, func(db *badger.DB) error {
		return db.Update(func(txn *badger.Txn) error { return do(&Txn{txn: txn}) })
	})
}

// Write is for many changes that don't depend on each other. After an error or a kill, some of them may be made and others not.
func (x *Index) Write(ctx context.Context, do func(*Batch) error) error {
	return x.use(ctx, true, func(db *badger.DB) error {
		b := db.NewWriteBatch()
		defer b.Cancel()
		if err := do(&Batch{b}); err != nil {
			return err
		}
		return b.Flush()
	})
}

// Sync makes durable what was written. sync does that to one file or folder. Where the index isn't open for writing there is nothing to do:
// Badger syncs what it writes when it is closed.
func (x *Index) Sync(sync func(path string) error) error {
	x.mu.Lock()
	open := x.db != nil && x.lock != nil
	x.mu.Unlock()
	if !open {
		return nil
	}
	return x.use(context.Background(), true, func(db *badger.DB) error {
		if err := db.Sync(); err != nil {
			return err
		}
		// Badger leaves out the logs of what it is about to write as a table.
		files, err := os.ReadDir(x.dir)
		for _, f := range files {
			if filepath.Ext(f.Name()) == ".mem" {
				err = errors.Join(err, sync(filepath.Join(x.dir, f.Name())))
			}
		}
		return errors.Join(err, sync(x.dir))
	})
}

// Close gives the index back.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	for x.active > 0 && !x.disk.isFailed() {
		x.free.Wait()
	}
	if x.timer != nil {
		x.timer.Stop()
	}
	x.closed = true
	x.hands.dismiss()
	return x.shut()
}

// Replace moves the index's folder away and begins an empty one.
func (x *Index) Replace(ctx context.Context) (aside string, err error) {
	aside = fmt.Sprintf("%s.old-%d", x.dir, time.Now().UnixNano())
	if _, _, err := x.acquire(ctx, true); err != nil {
		return "", err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.active--
	for x.active > 0 && !x.disk.isFailed() {
		x.free.Wait()
	}
	if x.db == nil {
		return "", errors.New("the index was closed while it was replaced")
	}
	defer x.free.Broadcast()
	// The folder moves while the lock is held: another process finds an empty index, or waits.
	return aside, x.end(func(err error) error {
		if err != nil && Outside(err) {
			return err
		}
		return errors.Join(os.Rename(x.dir, aside), os.MkdirAll(x.dir, 0o755))
	})
}

// unreadable follows the index's name in the name of a folder that was set aside.
const unreadable = ".unreadable-"

// SetAside lists the folders that could not be read; an empty one took their place.
func (x *Index) SetAside() []string {
	entries, _ := os.ReadDir(filepath.Dir(x.dir))
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(x.dir)+unreadable) {
			out = append(out, filepath.Join(filepath.Dir(x.dir), e.Name()))
		}
	}
	return out
}
