package remote

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rein/cache"
)

// Rules say what a bucket need not keep. A zero rule removes nothing.
type Rules struct {
	Unused   time.Duration // entries that nobody has fetched or sent for so long (by the day)
	Age      time.Duration // entries made longer ago
	MaxBytes int64         // of all objects: the least recently used entries go first
	// Grace is how old an object must be to go because no entry names it: it may be of an entry on its way.
	Grace time.Duration
}

// Prune is what would go.
type Prune struct {
	Entries []Pruned `json:"entries"`
	Loose   int      `json:"loose"` // objects that no kept entry names
	Bytes   int64    `json:"bytes"` // of all that goes
	Kept    int      `json:"kept"`  // entries
	KeptB   int64    `json:"kept_bytes"`

	names []string // entries first
}

// Pruned is an entry that goes.
type Pruned struct {
	Action cache.Digest `json:"action"`
	Step   string       `json:"step"`
	Used   time.Time    `json:"used"`
	Reason string       `json:"reason"`
}

// stock is what a bucket holds.
type stock struct {
	size    map[string]int64
	written map[string]time.Time
	entries []*held
	lists   map[string]*list
}

// held is an entry of a bucket; entry is nil if it can't be read.
type held struct {
	name   string
	action cache.Digest
	entry  *object
	used   time.Time
	reason string // why it goes; "": it stays
}

// PlanPrune says what would go by the rules; it changes nothing.
func (r *Remote) PlanPrune(ctx context.Context, rules Rules, now time.Time) (*Prune, error) {
	s, err := r.stock(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range s.entries {
		switch {
		case h.entry == nil:
			h.reason = "damaged"
		case rules.Unused > 0 && now.Sub(h.used) > rules.Unused:
			h.reason = "not used since " + h.used.Format(time.DateOnly)
		case rules.Age > 0 && now.Sub(h.entry.Result.Made) > rules.Age:
			h.reason = "made on " + h.entry.Result.Made.Format(time.DateOnly)
		}
	}
	slices.SortFunc(s.entries, func(a, b *held) int { return cmp.Or(a.used.Compare(b.used), strings.Compare(a.name, b.name)) })
	s.shrink(rules.MaxBytes)
	return s.plan(rules.Grace, now), nil
}

// stock lists the bucket and reads its entries and lists.
func (r *Remote) stock(ctx context.Context) (*stock, error) {
	s := &stock{size: map[string]int64{}, written: map[string]time.Time{}, lists: map[string]*list{}}
	for o, err := range r.list(ctx, layout) {
		if err != nil {
			return nil, err
		}
		s.size[o.Name], s.written[o.Name] = o.Size, o.Modified
	}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for name := range s.size {
		switch {
		case strings.HasPrefix(name, layout+"entry/"):
			g.Go(func() error {
				h := &held{name: name, used: s.written[name]}
				var err error
				if h.action, err = cache.ParseDigest(strings.TrimPrefix(name, layout+"entry/")); err == nil {
					b, _, err := r.get(gctx, name, maxEntry)
					if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errTooBig) {
						return err // a bucket that fails is no reason to remove anything
					}
					h.entry = listed(b, h.action)
				}
				mu.Lock()
				defer mu.Unlock()
				s.entries = append(s.entries, h)
				return nil
			})
		case strings.HasPrefix(name, layout+"list/"):
			g.Go(func() error {
				b, _, err := r.get(gctx, name, maxEntry)
				if err != nil {
					return err
				}
				var l list
				if text, ok := unseal(b); ok && json.Unmarshal(text, &l) == nil {
					mu.Lock()
					defer mu.Unlock()
					s.lists[name] = &l
				}
				return nil
			})
		}
	}
	return s, g.Wait()
}

// listed is a bucket's entry without its content; nil if it is damaged. The signature isn't checked.
func listed(b []byte, action cache.Digest) *object {
	text, _, err := unsealEntry(b)
	if err != nil {
		return nil
	}
	o, err := readEntry(text, action)
	if err != nil {
		return nil
	}
	for port := range o.Inline { // that it is there is all that matters
		o.Inline[port] = nil
	}
	return o
}

// objects are the names of all that an entry needs, itself first.
func (s *stock) objects(h *held) []string {
	out := []string{h.name}
	if h.entry == nil {
		return out
	}
	for port, b := range h.entry.Outputs {
		if _, ok := h.entry.Inline[port]; ok {
			continue
		}
		if b.Size <= partSize {
			out = append(out, blobName(b))
			continue
		}
		out = append(out, listName(b))
		if l := s.lists[listName(b)]; l != nil {
			for _, d := range l.Parts {
				out = append(out, partName(d))
			}
		}
	}
	return out
}

// shrink lets the least recently used entries go until the rest is small enough.
func (s *stock) shrink(most int64) {
	if most <= 0 {
		return
	}
	users, total := map[string]int{}, int64(0)
	for _, h := range s.entries {
		if h.reason != "" {
			continue
		}
		for _, name := range s.objects(h) {
			if users[name]++; users[name] == 1 {
				total += s.size[name]
			}
		}
	}
	for _, h := range s.entries {
		if total <= most {
			return
		}
		if h.reason != "" {
			continue
		}
		h.reason = "least recently used"
		for _, name := range s.objects(h) {
			if users[name]--; users[name] == 0 {
				total -= s.size[name]
			}
		}
	}
}

func (s *stock) plan(grace time.Duration, now time.Time) *Prune {
	p := &Prune{Entries: []Pruned{}}
	needed := map[string]bool{}
	for _, h := range s.entries {
		if h.reason == "" {
			p.Kept++
			for _, name := range s.objects(h) {
				needed[name] = true
			}
			continue
		}
		step := ""
		if h.entry != nil {
			step = h.entry.Pipeline + "/" + h.entry.Step
		}
		p.Entries = append(p.Entries, Pruned{h.action, step, h.used, h.reason})
		p.names, p.Bytes = append(p.names, h.name), p.Bytes+s.size[h.name]
	}
	var loose []string
	for name, size := range s.size {
		switch {
		case needed[name]:
			p.KeptB += size
		case strings.HasPrefix(name, layout+"entry/"): // goes already
		case now.Sub(s.written[name]) >= grace:
			loose = append(loose, name)
			p.Bytes += size
		}
	}
	slices.Sort(loose)
	p.Loose, p.names = len(loose), append(p.names, loose...)
	return p
}

// Apply removes what the plan says: entries first, so that none is there without its blobs.
func (r *Remote) Apply(ctx context.Context, p *Prune) error {
	for _, names := range [][]string{p.names[:len(p.Entries)], p.names[len(p.Entries):]} {
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(16)
		for _, name := range names {
			g.Go(func() error {
				err := r.bucket.Delete(gctx, name)
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}
