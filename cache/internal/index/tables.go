package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"google.golang.org/protobuf/proto"
)

// Badger maps its tables into memory and trusts their last bytes. A flipped byte there ends the process, in a goroutine whose panic nobody
// can recover. So every table is read and checked before Badger opens it: once in a process, and again when the file has changed
// (checked.go says what of it).

// tables are the tables that were checked, by path, with the file's state at that time.
type tables struct {
	mu      sync.Mutex
	checked map[string]fs.FileInfo
	kept    checks // of all processes
	keep    bool   // whether this process adds its own; a reader leaves no trace
}

// unchanged tells whether a file looks as it did before.
func unchanged(was, now fs.FileInfo) bool {
	return was != nil && os.SameFile(was, now) && was.Size() == now.Size() && was.ModTime().Equal(now.ModTime())
}

// check reads the tables of an index. If nobody is about to write to it, it reads only the end of those that a process has checked. The
// error of a damaged one is a *Damage. Another error says that the machine doesn't let us read it.
func (t *tables) check(dir string, readOnly bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids, err := listedTables(dir)
	if err != nil {
		return err
	}
	if readOnly {
		if err := allListed(dir, ids); err != nil {
			return err
		}
	}
	t.kept.read()
	listed := map[string]bool{}
	var buffer []byte // new memory for each table would take longer than its checksums
	for _, id := range ids {
		path := table.NewFilename(id, dir)
		name, at := filepath.Base(path), time.Now()
		listed[name] = true
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if unchanged(t.checked[path], info) {
			continue
		}
		st, ok := stampOf(info, at)
		if was, had := t.kept.known[name]; readOnly && ok && had && was.counts(st, name) {
			if err := checkEnd(path, info.Size()); err != nil {
				return err
			}
			continue
		}
		if buffer, err = checkTable(path, buffer); err != nil {
			return err
		}
		if ok {
			t.kept.add(name, st)
		}
		if t.checked == nil {
			t.checked = map[string]fs.FileInfo{}
		}
		t.checked[path] = info
	}
	if t.keep {
		t.kept.write(listed)
	}
	return nil
}

// listedTables are the tables that the manifest lists. Other tables are ones that a killed process hadn't finished or was about to remove.
// They say nothing about the index, and Badger removes them.
func listedTables(dir string) ([]uint64, error) {
	f, err := OpenPlain(filepath.Join(dir, badger.ManifestFilename), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	m, end, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir))
	if err != nil {
		return nil, nil // Badger says what is wrong with it
	}
	if _, err := f.Seek(end, io.SeekStart); err != nil {
		return nil, err
	}
	if rest, err := io.ReadAll(f); err != nil {
		return nil, err
	} else if wasWhole(rest) {
		return nil, &Damage{badger.ManifestFilename + ": the length of a record is damaged"}
	}
	return slices.Sorted(maps.Keys(m.Tables)), nil
}

// allListed returns an error if there is a table that the manifest doesn't list: Badger would remove it, even if it only reads.
func allListed(dir string, ids []uint64) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if id, ok := table.ParseFileID(e.Name()); ok && !slices.Contains(ids, id) {
			return fmt.Errorf("%s isn't listed in the manifest", e.Name())
		}
	}
	return err
}

// wasWhole tells whether what Badger takes for the beginning of a record, and passes over as a killed process leaves one, is a whole
// record that states too large a length: a part of it has the checksum. A record is
//
//	length, checksum, content
//
// with length and checksum of 4 bytes each.
func wasWhole(rest []byte) bool {
	const head = 8
	if len(rest) < head {
		return false
	}
	want, sum := y.BytesToU32(rest[4:head]), uint32(0)
	for i := head; sum != want; i++ {
		if i == len(rest) {
			return false
		}
		sum = crc32.Update(sum, y.CastagnoliCrcTable, rest[i:i+1])
	}
	return true
}

// checkTable verifies a table's checksums. It ends with
//
//	index, length of the index, checksum of the index, length of the checksum
//
// and a block with its checksum and that one's length; lengths are of 4 bytes.
//
// It reads the table into the buffer, and gives that back as it has grown.
func checkTable(path string, buffer []byte) (_ []byte, err error) {
	b, err := readInto(path, buffer)
	if errors.Is(err, fs.ErrNotExist) {
		return buffer, nil
	} else if err != nil {
		return buffer, err
	}
	name := filepath.Base(path)
	defer outOfFile(name, &err)
	rest, index, err := cutIndex(b, name)
	if err != nil {
		return b, err
	}
	blocks := fb.GetRootAsTableIndex(index, 0)
	for i := range blocks.OffsetsLength() {
		var at fb.BlockOffset
		if !blocks.Offsets(&at, i) {
			return b, &Damage{name + ": its index is cut"}
		}
		block, sum := cutSized(rest[at.Offset() : at.Offset()+at.Len()])
		if !sums(block, sum) {
			return b, &Damage{fmt.Sprintf("%s: block %d has another checksum", name, i)}
		}
	}
	return b, nil
}

// outOfFile makes damage of a panic over lengths that lead out of the file.
func outOfFile(name string, err *error) {
	if p := recover(); p != nil {
		*err = &Damage{fmt.Sprintf("%s: %v", name, p)}
	}
}

// cutIndex cuts the index off the end of a table, and verifies it.
func cutIndex(b []byte, name string) (rest, index []byte, err error) {
	rest, sum := cutSized(b)
	rest, index = cutSized(rest)
	if !sums(index, sum) {
		return nil, nil, &Damage{name + ": its index has another checksum"}
	}
	return rest, index, nil
}

// checkEnd verifies the checksum of a table's index, and reads nothing else of it.
func checkEnd(path string, size int64) (err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	name, end := filepath.Base(path), int64(0) // bytes of the end
	defer outOfFile(name, &err)
	for range 2 { // the checksum, and the index before it
		var length [4]byte
		if end += int64(len(length)); end > size {
			return &Damage{name + ": it is cut"}
		}
		if _, err := f.ReadAt(length[:], size-end); err != nil {
			return err
		}
		if end += int64(binary.BigEndian.Uint32(length[:])); end > size {
			return &Damage{name + ": a length leads out of the file"}
		}
	}
	b := make([]byte, end)
	if _, err := f.ReadAt(b, size-end); err != nil {
		return err
	}
	_, _, err = cutIndex(b, name)
	return err
}

// readInto reads a file into a buffer, or into a larger one.
func readInto(path string, buffer []byte) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := slices.Grow(buffer[:0], int(info.Size()))[:info.Size()]
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, err // it was cut meanwhile
	}
	return b, nil
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

// readable makes sure that the machine lets us read an index. An error of Badger's doesn't tell a fault of the machine from damage.
func readable(dir string) error {
	entries, err := os.ReadDir(dir)
	for i := 0; i < len(entries) && !Outside(err); i++ {
		if e := entries[i]; !e.IsDir() {
			err = readAll(filepath.Join(dir, e.Name()))
		}
	}
	if Outside(err) {
		return err
	}
	return nil // what else there was would be so on any machine
}

// readAll reads a file to its end, or as far as it can be a file of the index.
func readAll(path string) error {
	f, err := OpenPlain(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(f, mostBytes(filepath.Base(path))))
	return errors.Join(err, f.Close())
}
