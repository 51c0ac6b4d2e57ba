package cache

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"rein/cache/internal/index"
)

// Shelf is a folder of files that only spare work: any of them may be lost, torn or removed at any time. They aren't synced, and the oldest
// ones go when there are too many. Each file holds a mark, the digest of what follows, and that.
type Shelf struct {
	Dir   string // it may be absent
	Mark  string // begins each file: it changes with the format
	Files int    // how many may lie in the folder
	Bytes int64  // how large they may be together; 0: as large as they get. The newest file stays whatever its size.
}

// Read returns what was written under a name. It is not ok where there is nothing, or something else.
func (s Shelf) Read(name string) (text string, ok bool) {
	text, err := index.ReadPlainText(filepath.Join(s.Dir, name))
	start := len(s.Mark) + len(Digest{})
	if err != nil || len(text) < start || text[:len(s.Mark)] != s.Mark || SumString(text[start:]) != Digest([]byte(text[len(s.Mark):start])) {
		return "", false
	}
	return text[start:], true
}

// Write puts the parts, one after another, under a name. Only the owner can read them: values of the environment may be among them.
func (s Shelf) Write(name string, parts ...[]byte) (err error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.Dir, tmpFile)
	if err != nil {
		return err
	}
	sum := sumOf(parts)
	_, err = f.Write(append([]byte(s.Mark), sum[:]...))
	for _, p := range parts {
		if err == nil {
			_, err = f.Write(p)
		}
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.Dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return s.forget()
}

// forget removes the oldest files if there are too many.
func (s Shelf) forget() error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil || len(entries) <= s.Files && s.Bytes == 0 {
		return err
	}
	type file struct {
		name        string
		mtime, size int64
	}
	var files []file
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			files = append(files, file{e.Name(), info.ModTime().UnixNano(), info.Size()})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(b.mtime, a.mtime) }) // newest first
	sum := int64(0)
	for i, f := range files {
		if sum += f.size; i > 0 && (i >= s.Files || s.Bytes > 0 && sum > s.Bytes) {
			err = errors.Join(err, unlessGone(os.Remove(filepath.Join(s.Dir, f.name))))
		}
	}
	return err
}
