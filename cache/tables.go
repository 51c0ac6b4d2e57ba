package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"google.golang.org/protobuf/proto"
)

// Badger maps its tables into memory and trusts their last bytes: a flipped one ends the process, from a goroutine in which
// nobody can catch it. So every table is read and checked before Badger sees it, each once a process while it stays as it is.

// tables are the stamps of tables that were checked, by path.
type tables struct {
	mu      sync.Mutex
	checked map[string]stamp
}

// check reads the files of an index. The error of a damaged table is a *damage; another one says that the machine doesn't let
// us read it.
func (t *tables) check(dir string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids, err := listedTables(dir)
	if err != nil {
		return err
	}
	for _, id := range ids {
		path := table.NewFilename(id, dir)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if now := stampOf(info); t.checked[path] != now {
			if err := checkTable(path); err != nil {
				return err
			}
			if t.checked == nil {
				t.checked = map[string]stamp{}
			}
			t.checked[path] = now
		}
	}
	return nil
}

// listedTables are the tables that the index's manifest lists. Others are what a killed process had not finished writing, or was
// about to remove: they say nothing about the index, and Badger removes them.
func listedTables(dir string) ([]uint64, error) {
	f, err := os.Open(filepath.Join(dir, badger.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	m, _, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir))
	if err != nil {
		return nil, nil // Badger says what is wrong with it
	}
	return slices.Sorted(maps.Keys(m.Tables)), nil
}

// damage is an index that is proven not to be what was written.
type damage struct{ reason string }

func (d *damage) Error() string { return "the index of results is damaged: " + d.reason }

// checkTable verifies a table's checksums. It ends with
//
//	index, length of the index, checksum of the index, length of the checksum
//
// and a block with its checksum and that one's length; lengths are of 4 bytes.
func checkTable(path string) (err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	name := filepath.Base(path)
	defer func() {
		if p := recover(); p != nil { // lengths that lead out of the file
			err = &damage{fmt.Sprintf("%s: %v", name, p)}
		}
	}()
	rest, sum := cutSized(b)
	rest, index := cutSized(rest)
	if !sums(index, sum) {
		return &damage{name + ": its index has another checksum"}
	}
	blocks := fb.GetRootAsTableIndex(index, 0)
	for i := range blocks.OffsetsLength() {
		var at fb.BlockOffset
		if !blocks.Offsets(&at, i) {
			return &damage{name + ": its index is cut"}
		}
		block, sum := cutSized(rest[at.Offset() : at.Offset()+at.Len()])
		if !sums(block, sum) {
			return &damage{fmt.Sprintf("%s: block %d has another checksum", name, i)}
		}
	}
	return nil
}

// cutSized cuts off what is followed by its length.
func cutSized(b []byte) (rest, last []byte) {
	end := len(b) - 4
	size := int(binary.BigEndian.Uint32(b[end:]))
	return b[:end-size], b[end-size : end]
}

func sums(data, checksum []byte) bool {
	var c pb.Checksum
	return proto.Unmarshal(checksum, &c) == nil && y.VerifyChecksum(data, &c) == nil
}

// readable makes sure that the machine lets us read an index: what Badger says of one may be the machine's fault, and isn't told
// apart from damage.
func readable(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, onlyReader{f})
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// spareFiles is how many files Badger opens besides those of its folder, as far as is known.
const spareFiles = 12

// descriptors makes sure that the index's files can be opened all at once: Badger ends the process where one of them can't.
func descriptors(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	held := make([]*os.File, 0, len(entries)+spareFiles)
	defer func() {
		for _, f := range held {
			f.Close()
		}
	}()
	for range cap(held) {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return fmt.Errorf("the index needs %d open files: %w", cap(held), err)
		}
		held = append(held, f)
	}
	return nil
}

// Badger writes through memory maps: on a full disk that ends the process (SIGBUS). So it is only opened for writing where
// there is room for what it may write meanwhile, and not closed, which writes too, where there isn't even room for that.
const (
	roomToWrite = 48 << 20
	roomToClose = 12 << 20
)

// hasRoom makes sure that n bytes are free where the index lies: syscall.ENOSPC.
func hasRoom(dir string, n int64) error {
	if free, known := freeBytes(dir); known && free < n {
		return fmt.Errorf("the index of results needs %d MiB of room, and has %d: %w", n>>20, free>>20, syscall.ENOSPC)
	}
	return nil
}
