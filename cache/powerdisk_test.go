//go:build unix

package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// disk knows what of a folder would be there after a power cut: what was synced, and nothing else for certain. It is told of each sync;
// all that was done since may be on the disk or not, in any order: a file's pages one by one, its size, its times, each name. Badger's
// tables and its manifest count as synced, since Badger does that before it removes the logs that they come from; its logs don't.
type disk struct {
	root  string
	names map[string]uint64 // of files and folders that are durable, by path relative to root
	files map[uint64]content
	held  map[uint64]*os.File // open, so that no other file gets their number
	cut   func(when string)   // called where the power may fail
}

// content is what is durable of a file or folder.
type content struct {
	dir  bool
	data []byte // up to the last byte that isn't 0
	size int64
	mode fs.FileMode
	time time.Time
}

func newDisk(t *testing.T, root string) *disk {
	d := &disk{root: root, names: map[string]uint64{}, files: map[uint64]content{}, held: map[uint64]*os.File{}}
	told := make(chan struct{}, 1) // syncs come from several goroutines
	tell := func(path string, all bool) {
		if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
			told <- struct{}{}
			d.synced(path, all)
			<-told
		}
	}
	onSync.Store(&tell)
	t.Cleanup(func() {
		onSync.Store(nil)
		for _, f := range d.held {
			f.Close()
		}
	})
	return d
}

func number(i fs.FileInfo) uint64 { return i.Sys().(*syscall.Stat_t).Ino }

func (d *disk) rel(path string) string {
	rel, _ := filepath.Rel(d.root, path)
	return rel
}

// synced notes that a file or folder is durable, or everything.
func (d *disk) synced(path string, all bool) {
	if d.cut != nil {
		d.cut("before " + d.rel(path) + " is synced")
	}
	switch {
	case all:
		clear(d.names)
		_ = filepath.WalkDir(d.root, func(p string, _ fs.DirEntry, err error) error {
			if err == nil {
				d.nameIt(p)
				d.keep(p)
			}
			return nil
		})
	default:
		d.keep(path)
		entries, err := os.ReadDir(path)
		if err != nil {
			break
		}
		for name := range d.names {
			if filepath.Dir(name) == d.rel(path) {
				delete(d.names, name)
			}
		}
		for _, e := range entries {
			p := filepath.Join(path, e.Name())
			d.nameIt(p)
			if filepath.Ext(p) == ".vlog" { // Badger has synced it just before
				d.keep(p)
			}
		}
	}
	if d.cut != nil {
		d.cut("after " + d.rel(path) + " is synced")
	}
}

func (d *disk) nameIt(path string) {
	if info, err := os.Lstat(path); err == nil {
		d.names[d.rel(path)] = number(info)
	}
}

func (d *disk) keep(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	info, err := f.Stat()
	if err != nil {
		return
	}
	d.files[number(info)] = read(f, info)
	if d.held[number(info)] == nil {
		d.held[number(info)] = f
		return
	}
	f.Close()
}

// mostRead is more than what the test writes into any file: the rest of Badger's logs is a hole.
const mostRead = 2 << 20

func read(f *os.File, info fs.FileInfo) content {
	c := content{dir: info.IsDir(), mode: info.Mode(), time: info.ModTime()}
	if !c.dir {
		c.size = info.Size()
		b, _ := io.ReadAll(io.NewSectionReader(f, 0, min(c.size, mostRead)))
		c.data = bytes.TrimRight(b, "\x00")
	}
	return c
}

// after makes a folder that holds what could be there if the power failed now.
func (d *disk) after(t *testing.T, r *rand.Rand) string {
	to := t.TempDir()
	now, current := d.present(t)
	paths := map[string]bool{}
	for p := range now {
		paths[p] = true
	}
	for p := range d.names {
		paths[p] = true
	}
	wholeIndex := r.IntN(2) == 0 // the system had written all of it, but not the blobs
	var times []func() error
	for _, p := range sortedKeys(paths) {
		was, durable := d.names[p]
		is, there := now[p]
		badgers := strings.Contains(p, "index"+string(filepath.Separator)) // it syncs its folder
		if !badgers && p != "." && r.IntN(2) == 0 {
			is, there = was, durable
		}
		if !there {
			continue
		}
		c, ok := current[is]
		if !ok {
			c = d.files[is]
		}
		if old, known := d.files[is]; !badgers || !wholeIndex && slices.Contains([]string{".mem", ".vlog"}, filepath.Ext(p)) {
			c = torn(r, old, known, c)
		}
		dst := filepath.Join(to, p)
		if c.dir {
			_ = os.Mkdir(dst, 0o755)
		} else if os.WriteFile(dst, c.data, 0o644) != nil || os.Truncate(dst, c.size) != nil {
			continue // its folder isn't there
		}
		times = append(times, func() error {
			return errors.Join(os.Chmod(dst, c.mode.Perm()), os.Chtimes(dst, c.time, c.time))
		})
	}
	for _, do := range slices.Backward(times) { // of a folder after what is in it
		if err := do(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return to
}

// present reads all names, and the files by number, as they are at one moment: Badger may change its folder meanwhile, and then all is read
// again.
func (d *disk) present(t *testing.T) (now map[string]uint64, current map[uint64]content) {
	for {
		index := d.indexFiles(t)
		now, current = map[string]uint64{}, map[uint64]content{}
		_ = filepath.WalkDir(d.root, func(p string, _ fs.DirEntry, err error) error {
			if f, oerr := os.Open(p); err == nil && oerr == nil {
				if info, err := f.Stat(); err == nil {
					now[d.rel(p)] = number(info)
					current[number(info)] = read(f, info)
				}
				f.Close()
			}
			return nil
		})
		if d.indexFiles(t) == index {
			return now, current
		}
	}
}

// indexFiles is a text that changes when Badger adds a file, removes one, or writes to its manifest.
func (d *disk) indexFiles(t *testing.T) string {
	files, err := os.ReadDir(filepath.Join(d.root, "state", "index"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			fmt.Fprintln(&b, f.Name(), number(info), info.Size())
		}
	}
	return b.String()
}

// torn is what may be there of a file that was synced as it was before, if it ever was.
func torn(r *rand.Rand, was content, known bool, is content) content {
	out := is
	if !known {
		was = content{dir: is.dir, mode: is.mode, time: time.Now()}
		if !is.dir && r.IntN(2) == 0 { // its size and its times are there, and nothing else
			out.data = nil
			return out
		}
	}
	if r.IntN(2) == 0 {
		out.time, out.mode = was.time, was.mode
	}
	if is.dir {
		return out
	}
	switch r.IntN(4) {
	case 0:
		out.data, out.size = was.data, was.size
	case 1:
	default:
		const page = 4 << 10
		out.size = []int64{was.size, is.size}[r.IntN(2)]
		out.data = make([]byte, min(out.size, mostRead))
		for at := 0; at < len(out.data); at += page {
			from := [][]byte{was.data, is.data}[r.IntN(2)]
			if at < len(from) {
				copy(out.data[at:min(at+page, len(out.data))], from[at:])
			}
		}
	}
	return out
}

func sortedKeys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
