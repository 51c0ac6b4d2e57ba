package index

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
)

// State stands for what an index holds. Two equal states of one folder are the same content: Badger writes no file without changing its
// size or its times, and a process that writes to the index has a log (.mem) in it.
type State [sha256.Size]byte

// stateOf is the state of the index in a folder. It is not ok while a process writes to it, or where the system doesn't tell when a file was
// changed.
func stateOf(dir string) (s State, ok bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return s, false
	}
	h := sha256.New()
	var b []byte
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || filepath.Ext(e.Name()) == ".mem" {
			return s, false
		}
		if e.Name() == "LOCK" { // a reader's, too
			continue
		}
		st, ok := stampOf(info, info.ModTime())
		if !ok {
			return s, false
		}
		b = append(binary.AppendUvarint(b, uint64(len(e.Name()))), e.Name()...)
		for _, v := range [...]uint64{uint64(st.Size), uint64(st.Mtime), uint64(st.Ctime), st.Inode} {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	_, _ = h.Write(b) // a hash doesn't fail
	return State(h.Sum(nil)), true
}

// sight is what a process has seen of an index that others may change while it isn't open here.
type sight struct {
	first State // as it was found after the last Settle
	state State // as it was found or left last
	known bool
	other bool // somebody else has changed it, or it had to be repaired
}

// arrive takes the state in which the index is found.
func (s *sight) arrive(dir string) {
	now, ok := stateOf(dir)
	if !ok || s.known && now != s.state {
		s.other = true
	}
	if s.state = now; !s.known {
		s.first, s.known = now, true
	}
}

// leave takes the state in which this process leaves an index that it has written to.
func (s *sight) leave(dir string) {
	var ok bool
	if s.state, ok = stateOf(dir); !ok {
		s.other = true
	}
}

// State is what the index holds now. It is not ok where nobody can tell.
func (x *Index) State() (s State, ok bool) { return stateOf(x.dir) }

// Settle closes the index until its next use. It returns the state in which the index was found, at first or after the last Settle, and that
// in which it is left. Nobody else has changed it in between, or ok is false.
func (x *Index) Settle() (found, left State, ok bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.active > 0 && !x.disk.isFailed() {
		x.free.Wait()
	}
	if err := x.shut(); err != nil {
		return found, left, false, err
	}
	x.writes = false // to open it for writing would change its files
	found, left, ok = x.sight.first, x.sight.state, x.sight.known && !x.sight.other
	x.sight.first = left
	return found, left, ok, nil
}
