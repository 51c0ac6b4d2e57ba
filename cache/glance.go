package cache

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rein/cache/flat"
)

// Glance is how a file or a folder looks from outside.
type Glance struct {
	Look Digest // of all that the system tells without reading, with change times; zero: it isn't there
	Sure bool   // a later change would be seen: no time is so young that a second write could have had the same
}

// Code writes or reads a Glance.
func (g *Glance) Code(c *flat.Coder) {
	c.Fixed(g.Look[:])
	c.Flag(&g.Sure)
}

func (t *tree) glance(read time.Time) Glance {
	stamps := t.stamps()
	return Glance{t.look(stamps, true), !slices.ContainsFunc(stamps, func(st stamp) bool { return !st.timesTrusted(read) })}
}

// glanceAt reads how a path looks.
func (s *Store) glanceAt(path string) (*tree, error) {
	t, err := readRoot(path)
	if err != nil || !t.dir {
		return t, err
	}
	state, _ := os.Stat(s.dir) // of a store that isn't there yet: nil
	return readTreeWithout(path, state)
}

// lastLook is what this process has found at a path, and how it looked then. Its times were such that any change since shows.
type lastLook struct {
	blob Blob
	look Digest
	at   string // the path without links; "" if nobody has asked
}

// still tells whether a path holds the file as it was.
func (l lastLook) still(path string) bool {
	t, err := readRoot(path)
	return err == nil && !t.dir && !t.linked && t.look(t.stamps(), true) == l.look
}

// looks are the last ones, by path.
type looks struct {
	mu sync.Mutex
	by map[string]lastLook
}

func (x *looks) keep(path string, l lastLook) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.by == nil {
		x.by = map[string]lastLook{}
	}
	x.by[path] = l
}

func (x *looks) at(path string) (l lastLook, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l, ok = x.by[path]
	return l, ok
}

// recalledAt is the blob that Remember was told of, at a path whose tree looks as it did then.
func (s *Store) recalledAt(path string, t *tree) (b Blob, ok bool) {
	if was, ok := s.recalled.at(path); ok && t.look(t.stamps(), true) == was.look {
		return was.blob, true
	}
	return b, false
}

// GlanceOf is how a path looks that was seen in this process, after read. It is not ok if it was written to since.
func (s *Store) GlanceOf(path string, seen Seen, read time.Time) (g Glance, ok bool) {
	t, err := s.glanceAt(path)
	if err != nil || t.look(t.stamps(), false) != seen.look {
		return g, false
	}
	return t.glance(read), true
}

// Recall tells what is at a path that was b when it looked as g says. What looks otherwise, or can't be trusted to, is hashed, without asking
// the index, and the bytes that were read are taken off budget; it is not ok where that isn't enough. The Glance is as the path looks now.
func (s *Store) Recall(ctx context.Context, path string, b Blob, g Glance, budget *atomic.Int64) (Blob, Glance, bool) {
	return s.recall(ctx, path, b, g, budget, true)
}

// Remember has See take b from memory as long as the path looks as g says.
func (s *Store) Remember(path string, b Blob, g Glance) {
	if g.Sure {
		s.recalled.keep(path, lastLook{blob: b, look: g.Look})
	}
}

// recall is Recall of a path that may be, or hold, a link.
func (s *Store) recall(ctx context.Context, path string, b Blob, g Glance, budget *atomic.Int64, links bool) (Blob, Glance, bool) {
	read := time.Now()
	t, err := s.glanceAt(path)
	if err != nil || t.linked && !links {
		return b, g, false
	}
	now := t.glance(read)
	if now.Look == g.Look && g.Sure {
		return b, g, true
	}
	if budget.Add(-t.size()) < 0 || t.hash(ctx, nil) != nil {
		return b, g, false
	}
	return t.blob(), now, true
}

// Holds tells whether blobs lie in the store as they came into it, as Lost does.
func (s *Store) Holds(ctx context.Context, blobs []Blob) bool {
	const some = 256 // looked at by one goroutine
	var lost atomic.Bool
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for part := range slices.Chunk(blobs, some) {
		g.Go(func() error {
			for _, b := range part {
				if lost.Load() {
					break
				}
				if s.isSealed(b) {
					continue
				}
				if _, err := s.find(ctx, b, false); err != nil {
					lost.Store(true)
				}
			}
			return nil
		})
	}
	_ = g.Wait() // nothing fails
	return !lost.Load()
}

// Landed is what was published at a path.
type Landed struct {
	Blob   Blob
	At     string // the path without links
	Glance Glance
	Record Digest // of the look of the record that the path is rein's
}

// Code writes or reads a Landed.
func (l *Landed) Code(c *flat.Coder) {
	l.Blob.Code(c)
	flat.Text(c, &l.At)
	l.Glance.Code(c)
	c.Fixed(l.Record[:])
}

// Code writes or reads a Blob.
func (b *Blob) Code(c *flat.Coder) {
	c.Fixed(b.Digest[:])
	flat.Number(c, &b.Size)
	c.Flag(&b.Dir)
	c.Flag(&b.Exec)
}

// LandedAt is what this process has found, or put, at a path. It is not ok if the path isn't known to hold b.
func (s *Store) LandedAt(path string, b Blob) (l Landed, ok bool) {
	found, seen := s.published.at(path)
	if seen && found.blob == b {
		l = Landed{Blob: b, At: found.at, Glance: Glance{found.look, true}}
	} else {
		p, err := s.destinationAt(path)
		if err != nil || !p.keeps(b) {
			return l, false
		}
		l = Landed{Blob: b, At: p.path}
	}
	l.Record = s.recordLook(l.At)
	return l, !l.Record.IsZero()
}

// StillLanded tells whether a path holds what was published there, and is known as rein's. It brings the Glance up to date.
func (s *Store) StillLanded(ctx context.Context, l *Landed, budget *atomic.Int64) bool {
	if s.recordLook(l.At) != l.Record {
		return false
	}
	b, g, ok := s.recall(ctx, l.At, l.Blob, l.Glance, budget, false)
	l.Glance = g
	return ok && b == l.Blob
}

// RememberLanded has MayPublish and Publish take from memory that a file has landed at a path, as long as it looks as it did.
func (s *Store) RememberLanded(path string, l Landed) {
	if l.Glance.Sure && !l.Blob.Dir {
		s.published.keep(path, lastLook{l.Blob, l.Glance.Look, l.At})
	}
}

// recordLook is how the record of a path looks; zero if there is none.
func (s *Store) recordLook(path string) (d Digest) {
	if t, err := readRoot(s.recordPath(path) + ".json"); err == nil && !t.dir && !t.linked {
		d = t.glance(time.Time{}).Look
	}
	return d
}

// Settle makes everything durable, and closes the index until its next use. state stands for what the index holds then. It is not ok if
// another process has changed the index since this store was opened.
func (s *Store) Settle() (state Digest, ok bool, err error) {
	if err := s.Sync(); err != nil {
		return state, false, err
	}
	return s.settleIndex()
}

func (s *Store) settleIndex() (state Digest, ok bool, err error) {
	found, left, ok, err := s.index.Settle()
	if err == nil && ok && found != left && !s.readOnly && !s.replaced.Swap(false) {
		s.grown(Digest(found), Digest(left))
	}
	return Digest(left), ok, err
}

// Keeps tells whether the index still has all entries that it had in a state, and the same ones.
func (s *Store) Keeps(state Digest) bool {
	now, ok := s.index.State()
	if !ok {
		return false
	}
	g := s.growth()
	return Digest(now) == state || g.state == Digest(now) && slices.Contains(g.before, state)
}

// growth is a state of the index, and earlier ones from which it differs only by what was added.
type growth struct {
	state  Digest
	before []Digest // newest first
}

const (
	growthName = "growth" // on the shelf of what is settled
	mostBefore = 1000
)

func (s *Store) growth() (g growth) {
	text, ok := s.Settled().Read(growthName)
	if !ok {
		return g
	}
	c := &flat.Coder{Reading: true, In: text}
	if g.code(c); c.Bad {
		return growth{}
	}
	return g
}

func (g *growth) code(c *flat.Coder) {
	c.Fixed(g.state[:])
	flat.List(c, &g.before, func(d *Digest) { c.Fixed(d[:]) })
}

// grown keeps that entries were added to the index, and none was replaced or removed.
func (s *Store) grown(from, to Digest) {
	g := s.growth()
	if g.state != from {
		g.before = nil
	}
	g.before = slices.Insert(g.before, 0, from)
	g = growth{to, g.before[:min(len(g.before), mostBefore)]}
	c := &flat.Coder{}
	g.code(c)
	_ = s.Settled().Write(growthName, c.Out) // it may be lost
}

// Settled is the shelf for what is known of runs that had nothing to do.
func (s *Store) Settled() Shelf {
	return Shelf{Dir: filepath.Join(s.dir, settledDir), Mark: "rein settled 1\n", Files: 128, Bytes: 128 << 20}
}
