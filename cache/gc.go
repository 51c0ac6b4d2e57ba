package cache

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func validJSON(b []byte) bool { return json.Valid(b) }

// Keep says what a collection must leave.
type Keep struct {
	Blobs map[Digest]bool // outputs of recent runs, of pinned runs, and of what the current pipeline files need
	// Hot are those of Blobs that are in use: they aren't compressed. The others are, if that saves enough. nil: none is compressed.
	Hot map[Digest]bool
	// MaxBytes is how many bytes of other blobs may stay. Those that are cheap to make again for their size are removed first. 0: none
	// stay.
	MaxBytes int64
	// MaxIdle is how long what Idle names may lie untouched. 0: for ever.
	MaxIdle time.Duration
	// MinAge protects younger content: a run that hasn't ended yet may need it without having recorded it.
	MinAge time.Duration
}

// Eviction is a blob that a collection removes.
type Eviction struct {
	Digest Digest `json:"digest"`
	Bytes  int64  `json:"bytes"`
	Step   string `json:"step,omitempty"` // PIPELINE/STEP that made it, if the index knows
	CostMS int64  `json:"cost_ms"`        // how long the action took that made it and its other outputs
	path   string // where it lies
}

// Collection is what a garbage collection would do, or did.
type Collection struct {
	Evict     []Eviction `json:"evict"`
	Bytes     int64      `json:"bytes"` // that are freed
	CostMS    int64      `json:"cost_ms"`
	Kept      int        `json:"kept"`
	KeptBytes int64      `json:"kept_bytes"`
	Press     []Pressing `json:"press,omitempty"`
	Saved     int64      `json:"saved_bytes,omitempty"` // by compression; an estimate until the collection has measured it
	Idle      []Idle     `json:"idle,omitempty"`
	IdleBytes int64      `json:"idle_bytes,omitempty"`
}

// Idle is a checkpoint, a log, an interrupted transfer, a job, or a file that a killed process was writing, which no process has touched for a
// long time.
type Idle struct {
	Name  string `json:"name"` // in the state folder
	Bytes int64  `json:"bytes"`
}

// PlanGC says what a collection would remove. It writes nothing. Entries stay in the index: they still stop a wave early.
func (s *Store) PlanGC(ctx context.Context, k Keep) (*Collection, error) {
	blobs, err := s.blobs()
	if err != nil {
		return nil, err
	}
	makers, err := s.makers(ctx)
	if err != nil {
		return nil, err
	}
	c := &Collection{Evict: []Eviction{}}
	young := time.Now().Add(-k.MinAge)
	var loose []Eviction
	var looseBytes int64
	for _, b := range blobs {
		info, err := os.Lstat(filepath.Dir(b.path)) // the time of its folder: that changes when a blob arrives
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if k.Blobs[b.digest] || k.MinAge > 0 && info != nil && info.ModTime().After(young) {
			c.Kept++
			c.KeptBytes += b.size
			if k.Hot != nil && !k.Hot[b.digest] && info != nil && !info.ModTime().After(young) {
				if err := c.press(&b); err != nil {
					return nil, err
				}
			}
			continue
		}
		m := makers[b.digest]
		loose = append(loose, Eviction{b.digest, b.size, m.step, m.ms, b.path})
		looseBytes += b.size
	}
	// Cheapest to make again for its size first.
	slices.SortStableFunc(loose, func(a, b Eviction) int {
		return cmp.Compare(float64(a.CostMS)/float64(max(a.Bytes, 1)), float64(b.CostMS)/float64(max(b.Bytes, 1)))
	})
	for _, e := range loose {
		if looseBytes <= k.MaxBytes {
			c.Kept++
			c.KeptBytes += e.Bytes
			continue
		}
		looseBytes -= e.Bytes
		c.Evict = append(c.Evict, e)
		c.Bytes += e.Bytes
		c.CostMS += e.CostMS
	}
	return c, s.idle(c, k.MaxIdle)
}

func (c *Collection) press(b *storedBlob) error {
	saves, err := b.presses()
	if err == nil && saves > 0 {
		c.Press = append(c.Press, Pressing{b.digest, b.size, saves, b.path})
		c.Saved += saves
	}
	return err
}

// idle finds what has been untouched for longer than most.
func (s *Store) idle(c *Collection, most time.Duration) error {
	if most <= 0 {
		return nil
	}
	records := []string{runsDir, publishedDir} // of which only drafts are idle
	for _, kind := range append([]string{checkpointDir, logsDir, partialDir, jobsDir}, records...) {
		if s.linked(kind) { // what lies elsewhere may be somebody's
			continue
		}
		entries, err := os.ReadDir(filepath.Join(s.dir, kind))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if slices.Contains(records, kind) && !strings.HasPrefix(e.Name(), tmpFile) {
				continue
			}
			path := filepath.Join(s.dir, kind, e.Name())
			last, err := touched(path)
			if err != nil {
				return err
			}
			if time.Since(last) <= most {
				continue
			}
			bytes, err := diskUse(path)
			if err != nil {
				return err
			}
			c.Idle = append(c.Idle, Idle{kind + "/" + e.Name(), bytes})
			c.IdleBytes += bytes
		}
	}
	return nil
}

// linked tells whether a folder of the state folder is a link to another place.
func (s *Store) linked(name string) bool {
	_, err := os.Readlink(filepath.Join(s.dir, name))
	return err == nil
}

// touched is the time of the last write to anything in a tree, or now if the tree disappears meanwhile.
func touched(path string) (last time.Time, err error) {
	err = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return time.Now(), nil
	}
	return last, err
}

type maker struct {
	step string
	ms   int64
}

// makers finds for each known output the step that made it.
func (s *Store) makers(ctx context.Context) (map[Digest]maker, error) {
	entries, err := s.Recent(ctx, "", 1<<30)
	if err != nil {
		return nil, err
	}
	out := map[Digest]maker{}
	for _, e := range entries {
		for _, b := range e.Outputs {
			if _, ok := out[b.Digest]; !ok {
				out[b.Digest] = maker{e.Pipeline + "/" + e.Step, e.Result.RunMS}
			}
		}
	}
	return out, nil
}

// Collect removes what PlanGC said.
func (s *Store) Collect(ctx context.Context, c *Collection) error {
	if s.readOnly {
		return errReadOnly
	}
	for _, e := range c.Evict {
		if err := cmp.Or(ctx.Err(), s.drop(e.path)); err != nil {
			return err
		}
	}
	for _, i := range c.Idle {
		if err := RemoveAll(filepath.Join(s.dir, filepath.FromSlash(i.Name))); err != nil {
			return err
		}
	}
	c.Saved = 0
	for i, p := range c.Press {
		saved, err := s.press(ctx, p)
		if err != nil && unlessFull(err) == nil {
			c.Press = c.Press[:i] // compressing needs room itself
			break
		}
		if err != nil {
			return err
		}
		c.Press[i].Saves = saved
		c.Saved += saved
	}
	return nil
}

// Stats is the size of a store.
type Stats struct {
	Dir             string `json:"dir"`
	Entries         int    `json:"entries"`
	Blobs           int    `json:"blobs"`
	BlobBytes       int64  `json:"blob_bytes"`
	Runs            int    `json:"runs"`
	IndexBytes      int64  `json:"index_bytes"`
	CheckpointBytes int64  `json:"checkpoint_bytes"`
	ScratchBytes    int64  `json:"scratch_bytes"`
	LogBytes        int64  `json:"log_bytes"`
}

// Stats counts what is in the store. It writes nothing.
func (s *Store) Stats(ctx context.Context) (*Stats, error) {
	st := &Stats{Dir: s.dir}
	entries, err := s.Recent(ctx, "", 1<<30)
	if err != nil {
		return nil, err
	}
	blobs, err := s.blobs()
	if err != nil {
		return nil, err
	}
	runs, err := s.Runs()
	if err != nil {
		return nil, err
	}
	st.Entries, st.Blobs, st.Runs = len(entries), len(blobs), len(runs)
	for _, b := range blobs {
		st.BlobBytes += b.size
	}
	for dir, to := range map[string]*int64{indexDir: &st.IndexBytes, checkpointDir: &st.CheckpointBytes, scratchDir: &st.ScratchBytes, logsDir: &st.LogBytes} {
		if *to, err = diskUse(filepath.Join(s.dir, dir)); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// diskUse is the size of a tree on disk, in bytes. Files that disappear meanwhile don't count.
func diskUse(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		sum += allocated(info)
		return nil
	})
	return sum, err
}
