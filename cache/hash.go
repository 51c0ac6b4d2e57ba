package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/zeebo/blake3"
	"golang.org/x/sync/errgroup"
)

// Chunk is the part of a file that one core hashes. A file of at most one chunk has the BLAKE3 hash of its content; a
// longer one has the hash of a header and its chunks' hashes.
const Chunk = 8 << 20

// HashPath hashes a file or a folder, on all cores. Symbolic links are followed: content counts, not where it lies.
func HashPath(ctx context.Context, path string) (Blob, error) {
	t, err := readTree(path)
	if err != nil {
		return Blob{}, err
	}
	if err := t.hash(ctx, nil); err != nil {
		return Blob{}, err
	}
	return t.blob(), nil
}

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
	t := &tree{root: path, dir: info.IsDir(), linked: linked, avoid: avoid}
	if !t.dir {
		if !info.Mode().IsRegular() {
			return nil, strange(path, info)
		}
		t.files = []treeFile{{path: path, info: info}}
		return t, nil
	}
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
			return strange(path, info)
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

// strange is the error of what has no content that could be hashed.
func strange(path string, info fs.FileInfo) error {
	what := "something else"
	switch m := info.Mode(); {
	case m&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case m&fs.ModeSocket != 0:
		what = "a socket"
	case m&fs.ModeDevice != 0:
		what = "a device"
	}
	return fmt.Errorf("%s is neither a file nor a folder but %s", path, what)
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

// hash fills in the digests of the files that known doesn't know.
func (t *tree) hash(ctx context.Context, known []Digest) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range t.files {
		f := &t.files[i]
		if known != nil && !known[i].IsZero() {
			f.digest = known[i]
			continue
		}
		g.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			f.digest, err = hashFile(ctx, f.path, f.info.Size())
			return err
		})
	}
	return g.Wait()
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

var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// hashFile hashes a file of the given size; large ones in chunks, on all cores. A file that grows or shrinks meanwhile
// is an error: its content isn't anything yet.
func hashFile(ctx context.Context, path string, size int64) (Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return Digest{}, err
	}
	defer f.Close()
	if size <= Chunk {
		d, err := hashRange(f, 0, size)
		return d, errors.Join(err, sameSize(f, size))
	}
	parts := make([]Digest, (size+Chunk-1)/Chunk)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range parts {
		g.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			from := int64(i) * Chunk
			parts[i], err = hashRange(f, from, min(Chunk, size-from))
			return err
		})
	}
	if err := errors.Join(g.Wait(), sameSize(f, size)); err != nil {
		return Digest{}, err
	}
	return JoinChunks(size, parts), nil
}

// JoinChunks is a file's digest by those of its chunks.
func JoinChunks(size int64, parts []Digest) Digest {
	if len(parts) == 1 {
		return parts[0]
	}
	b := fmt.Appendf(nil, "rein chunks 1 %d\n", size)
	for _, p := range parts {
		b = append(b, p[:]...)
	}
	return Sum(b)
}

func sameSize(f *os.File, size int64) error {
	st, err := f.Stat()
	if err == nil && st.Size() != size {
		err = fmt.Errorf("%s changed its size while it was read: %d bytes, was %d", f.Name(), st.Size(), size)
	}
	return err
}

// hashRange hashes n bytes from an offset.
func hashRange(f *os.File, from, n int64) (d Digest, err error) {
	h := blake3.New()
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	read, err := io.CopyBuffer(h, onlyReader{io.NewSectionReader(f, from, n)}, *buf)
	if err != nil {
		return d, err
	}
	if read < n {
		return d, fmt.Errorf("%s shrank while it was read: %d bytes at %d, expected %d", f.Name(), read, from, n)
	}
	h.Sum(d[:0])
	return d, nil
}

// onlyReader hides WriterTo, so that the buffer is used.
type onlyReader struct{ io.Reader }
