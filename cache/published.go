package cache

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// publishedDir holds a record for each path that rein wrote: KEY.json, and KEY-DIGEST.tree with the names and digests of a folder's files.
// KEY is the digest of the path relative to the state folder, so a project can be moved. Each line of KEY.json replaces those before it; one
// that a power cut has torn counts for nothing.
const publishedDir = "published"

// published is the record of one path.
type published struct {
	Path  string `json:"path"`
	Blobs []Blob `json:"blobs"`          // what rein put there: two while one replaces the other
	Temp  string `json:"temp,omitempty"` // the name of what a killed process may have left behind, beside the path or in it
}

// destination is a path that something is published at.
type destination struct {
	store  *Store
	path   string // absolute, without links
	record published
}

func (s *Store) destinationAt(path string) (*destination, error) {
	path, err := RealPath(path)
	if err != nil {
		return nil, err
	}
	dir, err := s.realDir()
	switch {
	case err != nil:
		return nil, err
	case within(dir, path):
		return nil, &Occupied{path, "holds the state folder"}
	case within(path, dir):
		return nil, &Occupied{path, "is in the state folder"}
	}
	p := &destination{store: s, path: path}
	p.record, err = s.readPublished(path)
	return p, err
}

// realDir is the state folder without links. Once the folder is there the way to it is followed once.
func (s *Store) realDir() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.real != "" {
		return s.real, nil
	}
	real, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return RealPath(s.dir)
	}
	s.real = real
	return real, nil
}

// recordPath is where the record of a path lies.
func (s *Store) recordPath(path string) string {
	seen := path
	if dir, err := s.realDir(); err == nil {
		if rel, err := filepath.Rel(dir, path); err == nil {
			seen = filepath.ToSlash(rel)
		}
	}
	return filepath.Join(s.dir, publishedDir, Sum([]byte(seen)).String()[:32])
}

func (s *Store) readPublished(path string) (r published, err error) {
	text, err := ReadPlain(s.recordPath(path) + ".json")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, stateError(err)
	}
	for _, line := range slices.Backward(bytes.Split(text, []byte("\n"))) {
		var last published
		if json.Unmarshal(line, &last) == nil {
			r = last
			break
		}
	}
	r.Path = path
	return r, nil
}

// look reads what is at the path (nil if nothing is) and makes sure that it is rein's, or equal to coming. The files of an equal tree may
// not have been hashed one by one.
func (p *destination) look(ctx context.Context, coming *Blob) (t *tree, equal bool, err error) {
	info, err := os.Lstat(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	known := len(p.record.Blobs) > 0
	unknown := &Occupied{p.path, "is there, and rein did not put it there"}
	if !known && !p.isEmpty(info) && (coming == nil || coming.Dir != info.IsDir() || !coming.Dir && coming.Size != info.Size()) {
		return nil, false, unknown
	}
	if t, err = readTree(p.path); err != nil {
		return nil, false, &Occupied{p.path, "can't be replaced: " + err.Error()}
	}
	t.without(p.temp())
	if p.mounted() {
		t.without(mountedOnly)
	}
	if t.dir && len(t.files)+len(t.dirs) == 0 {
		return t, coming != nil && t.blob() == *coming, nil // a mount point, or a folder made for this
	}
	if !known && t.size() != coming.Size {
		return nil, false, unknown
	}
	stamps := t.stamps()
	if coming != nil && t.dir && p.keeps(*coming) {
		if b, ok, err := p.store.knownFolder(ctx, t, t.look(stamps, true)); err != nil || ok && b == *coming {
			return t, true, err
		}
	}
	if err := p.store.hashKnown(ctx, t, stamps); err != nil {
		return nil, false, err
	}
	switch {
	case coming != nil && t.blob() == *coming:
		return t, true, nil
	case !known:
		return nil, false, unknown
	}
	return t, false, p.foreign(t)
}

// isEmpty tells a folder without content.
func (p *destination) isEmpty(info fs.FileInfo) bool {
	if !info.IsDir() {
		return false
	}
	entries, err := os.ReadDir(p.path)
	return err == nil && (len(entries) == 0 || len(entries) == 1 && entries[0].Name() == mountedOnly && p.mounted())
}

// without leaves a folder out of a tree.
func (t *tree) without(dir string) {
	if dir == "" {
		return
	}
	t.files = slices.DeleteFunc(t.files, func(f treeFile) bool { return strings.HasPrefix(f.name, dir+"/") })
	t.dirs = slices.DeleteFunc(t.dirs, func(d string) bool { return d == dir || strings.HasPrefix(d, dir+"/") })
}

// foreign returns an *Occupied if the tree holds something that rein didn't put there, or that was changed since.
func (p *destination) foreign(t *tree) error {
	if t.linked {
		return &Occupied{p.path, "holds a symbolic link, which rein did not put there"}
	}
	if slices.Contains(p.record.Blobs, t.blob()) {
		return nil
	}
	held, err := p.held()
	if err != nil {
		return err
	}
	var added, changed []string
	for _, f := range t.files {
		switch was, ok := held.files[f.name]; {
		case !ok:
			added = append(added, f.name)
		case !slices.Contains(was, f.digest):
			changed = append(changed, f.name)
		}
	}
	for _, d := range t.dirs {
		if !held.dirs[d] {
			added = append(added, d)
		}
	}
	switch {
	case len(added) > 0 && added[0] != "":
		return &Occupied{p.path, "holds " + someOf(added) + ", which rein did not put there"}
	case len(added) > 0:
		return &Occupied{p.path, "is there, and rein did not put it there"}
	case len(changed) > 0 && changed[0] != "":
		return &Occupied{p.path, "was changed since rein put it there: " + someOf(changed)}
	case len(changed) > 0:
		return &Occupied{p.path, "was changed since rein put it there"}
	}
	return nil
}

// someOf lists the first few names.
func someOf(names []string) string {
	const most = 3
	list := strings.ReplaceAll(strings.Join(names[:min(len(names), most)], ", "), "\n", `\n`)
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return list
}

// holdings are the files and folders that rein put at a path.
type holdings struct {
	files map[string][]Digest // by name, "" for a single file
	dirs  map[string]bool
}

func (p *destination) held() (holdings, error) {
	h := holdings{map[string][]Digest{}, map[string]bool{}}
	for _, b := range p.record.Blobs {
		if !b.Dir {
			h.files[""] = append(h.files[""], b.Digest)
			continue
		}
		text, err := ReadPlain(p.treePath(b))
		if errors.Is(err, fs.ErrNotExist) || err == nil && Sum(text) != b.Digest {
			continue // it vouches for nothing
		} else if err != nil {
			return h, stateError(err)
		}
		for line := range strings.Lines(string(text)) {
			h.add(strings.TrimSuffix(line, "\n"))
		}
	}
	return h, nil
}

// add reads a line of what tree.text writes.
func (h holdings) add(line string) {
	at := strings.IndexByte(line, '"')
	if at < 0 {
		return
	}
	name, err := strconv.Unquote(line[at:])
	if err != nil {
		return
	}
	if kind := strings.Fields(line[:at]); kind[0] == "d" {
		h.dirs[name] = true
	} else if d, err := ParseDigest(kind[1]); err == nil {
		h.files[name] = append(h.files[name], d)
	}
}

func (p *destination) treePath(b Blob) string {
	return p.store.recordPath(p.path) + "-" + b.Digest.Short() + ".tree"
}

// temp is the name of what a killed process may have left; "" if the record has none.
func (p *destination) temp() string {
	if name := filepath.Base(p.record.Temp); isTemp(name) {
		return name
	}
	return ""
}

// sweep removes what a killed process left, beside the path or in it.
func (p *destination) sweep() error {
	name := p.temp()
	if name == "" {
		return nil
	}
	err := discard(filepath.Join(filepath.Dir(p.path), name))
	if info, serr := os.Stat(p.path); serr == nil && info.IsDir() {
		err = errors.Join(err, RemoveAll(filepath.Join(p.path, name)))
	}
	return err
}

// begin chooses where content is built, and records that: a process may be killed there, long before it records what it intends.
func (p *destination) begin() (tmp string, err error) {
	p.record.Temp = tempName + rand.Text()
	if !p.store.readOnly {
		err = p.add(nil)
	}
	return filepath.Join(filepath.Dir(p.path), p.record.Temp), err
}

// intend records what is about to replace the present content, and has both on the disk. After a kill, the old content, the new one and any
// mixture of both are then known as rein's.
func (p *destination) intend(now *tree) error {
	if b := now.blob(); !slices.Contains(p.record.Blobs, b) {
		p.record.Blobs = append(p.record.Blobs, b)
	}
	paths := now.paths()
	if !p.store.readOnly {
		if err := p.add(now); err != nil {
			return err
		}
		record := p.store.recordPath(p.path) + ".json"
		paths = append(paths, record, filepath.Dir(record))
	}
	return stateError(p.store.onDisk(paths...))
}

// keeps tells whether the record says that b is all that rein has put at the path.
func (p *destination) keeps(b Blob) bool {
	return len(p.record.Blobs) == 1 && p.record.Blobs[0] == b && p.record.Temp == ""
}

// keep writes down that the path holds t.
func (p *destination) keep(t *tree) error {
	b, old := t.blob(), p.record.Blobs
	if p.keeps(b) {
		return nil
	}
	p.record.Blobs, p.record.Temp = []Blob{b}, ""
	if p.store.readOnly {
		return nil
	}
	if err := p.add(t); err != nil { // after a power cut the path may be as intended
		return err
	}
	for _, o := range old {
		if o.Dir && o != b {
			_ = os.Remove(p.treePath(o)) // without the record the file means nothing
		}
	}
	return nil
}

// mostLines is how many bytes of lines a record has at most. A line that comes then replaces all of them.
const mostLines = 16 << 10

// add adds the record to its file, once what it says of the tree t can be looked up; nil: it says nothing new of any.
func (p *destination) add(t *tree) error {
	if err := p.list(t); err != nil {
		return err
	}
	text, err := json.Marshal(p.record)
	if err != nil {
		return err
	}
	line := slices.Concat([]byte("\n"), text, []byte("\n")) // the line before and the one after it may be torn
	path := p.store.recordPath(p.path) + ".json"
	return p.inFolder(func() error {
		f, err := OpenPlain(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		if info, err := f.Stat(); err == nil && info.Size() > mostLines {
			return errors.Join(f.Close(), writeFileBy(p.store.onDisk, path, false, line))
		}
		_, err = f.Write(line)
		return errors.Join(err, f.Close())
	})
}

// list keeps the names and digests of a folder's files.
func (p *destination) list(t *tree) error {
	if t == nil || !t.dir {
		return nil
	}
	text, path := []byte(t.text()), p.treePath(t.blob())
	if there, err := ReadPlain(path); err == nil && bytes.Equal(there, text) {
		return nil
	}
	return p.inFolder(func() error { return writeFileBy(p.store.onDisk, path, false, text) })
}

// inFolder calls write, and again with the folder of the records where that wasn't there.
func (p *destination) inFolder(write func() error) error {
	err := write()
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDir(filepath.Join(p.store.dir, publishedDir)); err != nil {
			return stateError(err)
		}
		err = write()
	}
	return stateError(err)
}
