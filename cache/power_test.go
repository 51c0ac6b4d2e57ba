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
	now := map[string]uint64{}
	paths := map[string]bool{}
	current := map[uint64]content{}
	_ = filepath.WalkDir(d.root, func(p string, _ fs.DirEntry, err error) error {
		if f, oerr := os.Open(p); err == nil && oerr == nil {
			if info, err := f.Stat(); err == nil {
				now[d.rel(p)], paths[d.rel(p)] = number(info), true
				current[number(info)] = read(f, info)
			}
			f.Close()
		}
		return nil
	})
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

// powered is a store on a disk, and what it has promised.
type powered struct {
	t        *testing.T
	r        *rand.Rand
	d        *disk
	s        *Store
	made     []*Entry // in order
	promised int      // how many of them are to be there
	runs     []string // records that were written
	texts    []string // that were published
}

func (p *powered) state() string { return filepath.Join(p.d.root, "state") }

// output is what the i-th action makes: a small file, one of several pages, a large one, or a folder.
func (p *powered) output(i int, dst string) {
	text := fmt.Sprintf("action %d\n", i)
	switch i % 5 {
	case 2:
		text = strings.Repeat(text, 3000)
	case 3:
		text = strings.Repeat(text, 150_000)
	case 4:
		write(p.t, filepath.Join(dst, "a"), text)
		write(p.t, filepath.Join(dst, "sub", "b"), strings.Repeat(text, 1000))
		return
	}
	write(p.t, dst, text)
}

func (p *powered) make(s *Store, i int) *Entry {
	p.t.Helper()
	dir, err := s.Scratch()
	if err != nil {
		p.t.Fatal(err)
	}
	p.output(i, filepath.Join(dir, "out"))
	b, err := s.Adopt(p.t.Context(), filepath.Join(dir, "out"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.cut(fmt.Sprintf("after output %d", i))
	e := &Entry{Action: crashAction(i), Type: "t", Outputs: map[string]Blob{"out": b}, Result: Result{Made: time.Unix(int64(i), 0)}}
	if err := s.Put(p.t.Context(), e); err != nil {
		p.t.Fatal(err)
	}
	if err := RemoveAll(dir); err != nil {
		p.t.Fatal(err)
	}
	return e
}

// cut looks whether a power cut at this moment does no harm.
func (p *powered) cut(when string) {
	if p.s == nil || p.r.IntN(4) > 0 {
		return
	}
	p.t.Helper()
	dir := p.d.after(p.t, p.r)
	cut := p.d.cut
	p.d.cut = nil
	defer func() { p.d.cut = cut }()
	s, err := Open(filepath.Join(dir, "state"), Options{})
	if err != nil {
		p.t.Fatalf("%s: %v", when, err)
	}
	for i, e := range p.made {
		if err := p.look(s, i, e); err != nil {
			p.t.Errorf("power cut %s, %d of %d results promised: result %d: %v; set aside %v", when, p.promised, len(p.made), i, err, s.SetAside())
		}
	}
	for _, id := range p.runs {
		if text, err := s.ReadRun(id); err != nil || string(text) != record(id) {
			p.t.Errorf("power cut %s: the record %s is %q, %v", when, id, text, err)
		}
	}
	p.lookAtPublished(s, when, filepath.Join(dir, "out"))
	if err := s.Close(); err != nil {
		p.t.Fatalf("%s: %v", when, err)
	}
	if err := RemoveAll(dir); err != nil {
		p.t.Fatal(err)
	}
}

// look looks for a result: it is right, or a miss that is allowed.
func (p *powered) look(s *Store, i int, want *Entry) error {
	var miss *Miss
	e, err := s.Get(p.t.Context(), want.Action)
	if errors.As(err, &miss) && i >= p.promised {
		return nil
	} else if err != nil {
		return err
	}
	if e.Outputs["out"] != want.Outputs["out"] {
		return fmt.Errorf("has the output %v, want %v", e.Outputs, want.Outputs)
	}
	lost, err := s.Lost(p.t.Context(), e)
	if err != nil {
		return err
	} else if lost != "" {
		if i < p.promised {
			return errors.New(lost)
		}
		return nil
	}
	path, err := s.Path(p.t.Context(), e.Outputs["out"])
	if err != nil {
		return fmt.Errorf("looked whole, and then: %w", err)
	}
	if b, err := HashPath(p.t.Context(), path); err != nil || b != want.Outputs["out"] {
		return fmt.Errorf("holds %v, %v", b, err)
	}
	return nil
}

// lookAtPublished wants one of the published texts, whole, and that it may be replaced.
func (p *powered) lookAtPublished(s *Store, when, path string) {
	text, err := os.ReadFile(path)
	if err == nil && !slices.Contains(p.texts, string(text)) {
		p.t.Errorf("power cut %s: the published file has %d bytes of something", when, len(text))
	}
	err = s.PublishFile(p.t.Context(), path, func(w io.Writer) error {
		_, err := io.WriteString(w, "later")
		return err
	})
	if err != nil {
		p.t.Errorf("power cut %s: %v", when, err)
	}
}

func record(id string) string { return `{"id": "` + id + `"}` }

// TestPowerCut fails the power before and after each write that is waited for, and in between, and looks at what a disk may hold then:
// what a sync point has promised is there, and nothing that is there is wrong.
func TestPowerCut(t *testing.T) {
	rounds := 2
	if testing.Short() {
		rounds = 1
	}
	for round := range rounds {
		root := t.TempDir()
		p := &powered{t: t, r: rand.New(rand.NewPCG(uint64(round), 1)), d: newDisk(t, root)}
		p.d.cut = p.cut
		p.d.synced(root, false)
		var err error
		if p.s, err = Open(p.state(), Options{}); err != nil {
			t.Fatal(err)
		}
		for i := range 14 {
			e := p.make(p.s, i)
			p.made = append(p.made, e)
			p.cut(fmt.Sprintf("after entry %d", i))
			switch p.r.IntN(8) {
			case 0:
				p.sync()
			case 1:
				p.text(fmt.Sprintf("published %d", i))
			case 2:
				p.sync()
				id := fmt.Sprintf("run%d", i)
				if err := p.s.WriteRun(id, []byte(record(id))); err != nil {
					t.Fatal(err)
				}
				p.runs = append(p.runs, id)
				p.cut("after a record")
			case 3: // as another command
				if err := p.s.Close(); err != nil {
					t.Fatal(err)
				}
				p.promised = len(p.made)
				p.cut("after closing")
				if p.s, err = Open(p.state(), Options{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := p.s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *powered) sync() {
	if err := p.s.Sync(); err != nil {
		p.t.Fatal(err)
	}
	p.promised = len(p.made)
	p.cut("after a sync point")
}

// text publishes one of two sizes.
func (p *powered) text(text string) {
	if len(p.texts)%2 == 1 {
		text = strings.Repeat(text+"\n", 2000)
	}
	p.texts = append(p.texts, text)
	err := p.s.PublishFile(p.t.Context(), filepath.Join(p.d.root, "out"), func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.cut("after publishing")
}
