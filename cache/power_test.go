//go:build unix

package cache

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

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

// open opens the store, which syncs when it is asked to: by the clock, it would do so in the middle of a look at the disk.
func (p *powered) open() {
	s, err := Open(p.state(), Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	s.unsynced.every = time.Hour
	p.s = s
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
		p.open()
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
				p.open()
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
