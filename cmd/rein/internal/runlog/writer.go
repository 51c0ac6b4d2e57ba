package runlog

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rein/cache"
	"rein/engine"
	"rein/engine/record"
)

const (
	// kept is of how many runs the events stay.
	kept = 50
	// progressEvery is how often a step's progress is written.
	progressEvery = 250 * time.Millisecond
	// maxLog is how many bytes of log lines are written, so that a step that prints without end doesn't fill the disk.
	maxLog = 32 << 20
	// maxPending is how many bytes wait for the next line.
	maxPending = 64 << 10
)

// Writer writes a run's events to a file, so that other processes can follow the run. No run depends on it: events that can't be written
// are left out.
type Writer struct {
	store *cache.Store

	mu       sync.Mutex
	file     *os.File
	lease    *cache.Lease
	early    []engine.Event // before the run has a name
	progress map[[2]string]time.Time
	logged   int
	pending  []byte // lines that are written together with the next one
}

// NewWriter makes a writer for one run.
func NewWriter(store *cache.Store) *Writer {
	return &Writer{store: store, progress: map[[2]string]time.Time{}}
}

// alive is the lease that a run holds as long as its process lives.
func alive(run string) cache.Digest { return cache.Sum([]byte("events of run " + run)) }

// Begin opens the file. Its first line is the record as known at the beginning.
func (w *Writer) Begin(r *record.Run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	head, err := r.Encode()
	path := w.store.RunEvents(r.ID)
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o777) != nil {
		return
	}
	w.prune()
	if w.lease, err = w.store.TryLease(alive(r.ID)); err != nil || w.lease == nil {
		return
	}
	f, err := cache.OpenPlain(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return
	}
	w.file = f
	w.write(head, true)
	for _, e := range w.early {
		w.event(e)
	}
	w.early = nil
}

// prune removes the events of the oldest runs that have ended.
func (w *Writer) prune() {
	ids, err := w.store.RunsWithEvents()
	if err != nil {
		return
	}
	for _, id := range ids[:max(0, len(ids)-kept+1)] {
		if goes, err := w.store.Leased(alive(id)); err == nil && !goes {
			_ = os.Remove(w.store.RunEvents(id))
		}
	}
}

// Event implements view.View.
func (w *Writer) Event(e engine.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		if w.lease == nil && len(w.early) < 100 {
			w.early = append(w.early, e)
		}
		return
	}
	w.event(e)
}

func (w *Writer) event(e engine.Event) {
	switch e.Action {
	case engine.ActionProgress:
		k := [2]string{e.Pipeline, e.Step}
		if e.Time.Sub(w.progress[k]) < progressEvery && (e.Total == 0 || e.Done < e.Total) {
			return
		}
		w.progress[k] = e.Time
	case engine.ActionLog:
		if w.logged > maxLog {
			return
		}
		if w.logged += len(e.Text); w.logged > maxLog {
			e.Text = "(further log lines of this run are not kept)"
		}
	}
	if line, err := json.Marshal(e); err == nil {
		w.write(line, !hit(e))
	}
}

// hit tells whether an event reports a cached step. A run may begin with thousands of them, which needn't be written one by one.
func hit(e engine.Event) bool {
	return e.Action == engine.ActionEnd && (e.Status == engine.StatusCached || e.Status == engine.StatusUnchanged || e.Status == engine.StatusNotNeeded)
}

// write adds a line. Lines are written in one call, so that a reader sees a line whole or without its end.
func (w *Writer) write(line []byte, now bool) {
	w.pending = append(append(w.pending, line...), '\n')
	if now || len(w.pending) > maxPending {
		w.flush()
	}
}

func (w *Writer) flush() {
	lines := w.pending
	w.pending = w.pending[:0]
	if _, err := w.file.Write(lines); err != nil {
		w.close()
	}
}

func (w *Writer) close() {
	if w.file != nil {
		if len(w.pending) > 0 {
			_, _ = w.file.Write(w.pending)
			w.pending = nil
		}
		_ = w.file.Close()
		w.file = nil
	}
	if w.lease != nil {
		_ = w.lease.Release()
	}
}

// Close ends the writing. A follower then learns that nothing more comes.
func (w *Writer) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.close()
}
