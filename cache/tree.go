package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/zeebo/blake3"
	"golang.org/x/sync/errgroup"

	"rein/cache/internal/index"
)

// tree is a file, or what a folder holds.
type tree struct {
	root string
	dir  bool
	// linked: a symbolic link was followed, so that some of this may lie elsewhere.
	linked bool
	avoid  fs.FileInfo // a folder that must not be among it, also by a link; nil: none
	files  []treeFile  // sorted by name
	dirs   []string    // sorted; empty ones count, too
}

type treeFile struct {
	name   string // slash-separated, relative to root; "" for a single file
	path   string
	info   fs.FileInfo
	digest Digest
}

// readTree lists path without reading content.
func readTree(path string) (*tree, error) { return readTreeWithout(path, nil) }

// readTreeWithout is readTree of what must not hold the folder avoid.
func readTreeWithout(path string, avoid fs.FileInfo) (*tree, error) {
	t, err := readRoot(path)
	if err != nil || !t.dir {
		return t, err
	}
	t.avoid = avoid
	if err := t.walk(path, "", nil); err != nil {
		return nil, err
	}
	if err := t.stat(); err != nil {
		return nil, err
	}
	slices.SortFunc(t.files, func(a, b treeFile) int { return strings.Compare(a.name, b.name) })
	slices.Sort(t.dirs)
	return t, nil
}

// readRoot is readTree without what a folder holds.
func readRoot(path string) (*tree, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	linked := info.Mode()&fs.ModeSymlink != 0
	if linked {
		if info, err = follow(path); err != nil {
			return nil, err
		}
	}
	t := &tree{root: path, dir: info.IsDir(), linked: linked}
	if !t.dir {
		if err := index.Plain(path, info.Mode()); err != nil {
			return nil, err
		}
		t.files = []treeFile{{path: path, info: info}}
	}
	return t, nil
}

// stat asks for what the walk left open, on all cores: a folder of many files costs little else when nothing changed.
func (t *tree) stat() error {
	const some = 512
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for part := range slices.Chunk(t.files, some) {
		g.Go(func() (err error) {
			for i := range part {
				if f := &part[i]; f.info == nil && err == nil {
					f.info, err = os.Lstat(f.path)
				}
			}
			return err
		})
	}
	return g.Wait()
}

// walk lists dir; above are the folders that lead to it, so that a link back to one of them is an error.
func (t *tree) walk(dir, name string, above []fs.FileInfo) error {
	self, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(above, func(i fs.FileInfo) bool { return os.SameFile(i, self) }) {
		return fmt.Errorf("%s links back to a folder above it", dir)
	}
	if t.avoid != nil && name != "" && os.SameFile(t.avoid, self) {
		return fmt.Errorf("%s is the state folder, which every run changes: name a folder without it, or move it with --state", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := dir + string(filepath.Separator) + e.Name()
		sub := e.Name()
		if name != "" {
			sub = name + "/" + sub
		}
		if e.Type().IsRegular() {
			t.files = append(t.files, treeFile{name: sub, path: path})
			continue
		}
		if EditorLock(path, e) {
			continue
		}
		t.linked = t.linked || e.Type()&fs.ModeSymlink != 0
		info, err := follow(path)
		if err != nil {
			return err
		}
		switch {
		case info.IsDir():
			t.dirs = append(t.dirs, sub)
			if err := t.walk(path, sub, append(above[:len(above):len(above)], self)); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			t.files = append(t.files, treeFile{name: sub, path: path, info: info})
		default:
			return index.Plain(path, info.Mode())
		}
	}
	return nil
}

// EditorLock tells whether an entry of a folder is a lock that Emacs puts beside a file while it is edited: a link .#NAME that
// leads to no file. It is no content.
func EditorLock(path string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 || !strings.HasPrefix(e.Name(), ".#") {
		return false
	}
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// follow is os.Stat with an error that says where a link leads.
func follow(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if to, lerr := os.Readlink(path); lerr == nil {
			err = fmt.Errorf("%s is a link to %s, which is not there: %w", path, to, fs.ErrNotExist)
		}
	}
	return info, err
}

// stamp is what tells that a file hasn't been written since it was hashed.
type stamp struct {
	Size   int64  `json:"s"`
	Mtime  int64  `json:"m"` // ns
	Ctime  int64  `json:"c"` // ns
	Inode  uint64 `json:"i"`
	Device uint64 `json:"d"`
	Digest Digest `json:"h"`
}

// stampOf is what the system tells of a file; the digest is left open.
func stampOf(i fs.FileInfo) stamp {
	st := stamp{Size: i.Size(), Mtime: i.ModTime().UnixNano()}
	st.Ctime, st.Inode, st.Device, _ = index.Identity(i)
	return st
}

func (t *tree) stamps() []stamp { return stampsOf(t.files) }

func stampsOf(files []treeFile) []stamp {
	out := make([]stamp, len(files))
	for i, f := range files {
		out[i] = stampOf(f.info)
	}
	return out
}

// look is the digest of everything that the system tells of a tree's files without reading them, their ctime only on
// request.
func (t *tree) look(stamps []stamp, ctime bool) Digest {
	h := blake3.New()
	var b []byte
	for _, d := range t.dirs {
		b = append(binary.AppendUvarint(append(b, 'd'), uint64(len(d))), d...)
	}
	for i, f := range t.files {
		b = append(binary.AppendUvarint(append(b, 'f'), uint64(len(f.name))), f.name...)
		st := stamps[i]
		if !ctime {
			st.Ctime = 0
		}
		for _, v := range [...]uint64{uint64(st.Size), uint64(st.Mtime), uint64(st.Ctime), st.Inode, st.Device, uint64(f.info.Mode().Perm())} {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		if len(b) > 1<<16 {
			_, _ = h.Write(b) // a hash doesn't fail
			b = b[:0]
		}
	}
	_, _ = h.Write(b)
	var d Digest
	h.Sum(d[:0])
	return d
}

// blob is the tree's identity, once its files are hashed.
func (t *tree) blob() Blob {
	if !t.dir {
		return Blob{Digest: t.files[0].digest, Size: t.size(), Exec: t.files[0].info.Mode()&0o100 != 0}
	}
	return Blob{Digest: Sum([]byte(t.text())), Size: t.size(), Dir: true}
}

// size is that of all its files, in bytes.
func (t *tree) size() (sum int64) {
	for _, f := range t.files {
		sum += f.info.Size()
	}
	return sum
}

// text is what a folder's digest is made of.
func (t *tree) text() string {
	var b strings.Builder
	b.WriteString("rein folder 1\n")
	for _, d := range t.dirs {
		fmt.Fprintf(&b, "d %q\n", d)
	}
	for _, f := range t.files {
		x := '-'
		if f.info.Mode()&0o100 != 0 {
			x = 'x'
		}
		fmt.Fprintf(&b, "f %s %c %d %q\n", f.digest, x, f.info.Size(), f.name)
	}
	return b.String()
}

// sealOf is the seal of a tree in the store, sealed or fresh; zero where something was written to it since.
func (t *tree) sealOf(b Blob) time.Time {
	for _, at := range []time.Time{sealed, fresh} {
		if !t.linked && t.sealedAt(b, at) {
			return at
		}
	}
	return time.Time{}
}

// sealedAt tells whether nothing has been written to the tree since it got this time as its seal.
func (t *tree) sealedAt(b Blob, at time.Time) bool {
	for _, f := range t.files {
		if !f.info.ModTime().Equal(at) {
			return false
		}
	}
	for _, d := range t.folders() {
		if info, err := os.Stat(d); err != nil || !info.ModTime().Equal(at) {
			return false
		}
	}
	return t.dir == b.Dir && t.size() == b.Size && (t.dir || b.Exec == (t.files[0].info.Mode()&0o100 != 0))
}

// folders are the paths of all the tree's folders.
func (t *tree) folders() []string {
	if !t.dir {
		return nil
	}
	out := make([]string, 0, 1+len(t.dirs))
	out = append(out, t.root)
	for _, d := range t.dirs {
		out = append(out, filepath.Join(t.root, filepath.FromSlash(d)))
	}
	return out
}

// seal makes the tree's files read-only and sets the time of everything in it. A folder stays writable: it couldn't be
// moved or removed otherwise.
func (t *tree) seal(at time.Time) error {
	for _, f := range t.files {
		if mode := fs.FileMode(0o444) | f.info.Mode()&0o111; mode != f.info.Mode() {
			if err := os.Chmod(f.path, mode); err != nil {
				return err
			}
		}
		if err := os.Chtimes(f.path, at, at); err != nil {
			return err
		}
	}
	for _, d := range t.folders() {
		if err := errors.Join(os.Chmod(d, 0o755), os.Chtimes(d, at, at)); err != nil {
			return err
		}
	}
	return nil
}

// sync makes the tree's content durable.
func (t *tree) sync() error { return syncPaths(t.paths()...) }

// paths are the tree's files and folders.
func (t *tree) paths() []string {
	var out []string
	for _, f := range t.files {
		out = append(out, f.path)
	}
	return append(out, t.folders()...)
}
