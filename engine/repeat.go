package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rein/cache"
	"rein/cache/flat"
	"rein/engine/record"
)

// Repeated is a run that had nothing to do.
type Repeated struct {
	Head *record.Run // the record without its pipelines
	Note []byte      // Options.Note of it
	body []byte
	rec  *record.Run // nil: nobody has asked
}

// Record is the whole record.
func (r *Repeated) Record() (*record.Run, error) {
	if r.rec == nil {
		r.rec = &record.Run{}
		if err := json.Unmarshal(slices.Concat([]byte(`{"pipelines":`), r.body), r.rec); err != nil {
			return nil, err
		}
	}
	rec := *r.Head
	rec.Pipelines = r.rec.Pipelines
	return &rec, nil
}

// mostRecalled is how many bytes of files are hashed whose times say nothing. To ask the index what more of them are is quicker.
const mostRecalled = 16 << 20

// Repeat is Run of the graph that Options.Known stands for, if there is nothing to do. It needs no graph, opens no index, and gives the same
// record, events and published outputs. It is nil where Run has to look: because something has changed, or nothing is known.
func Repeat(ctx context.Context, o Options) (*Repeated, error) {
	started := time.Now()
	listens := o.Emit != nil
	o, err := o.withDefaults()
	if err != nil || !o.settles() {
		return nil, err
	}
	s, x, body := o.recall(ctx)
	if x == nil || ctx.Err() != nil {
		return nil, nil
	}
	r := &Repeated{Note: x.note, body: body, Head: &record.Run{Format: record.FormatVersion, ID: newRunID(started), Started: started.UTC(),
		Verdict: verdictPass, Command: o.Command, Git: o.Git(), Host: thisHost(), Versions: o.Versions}}
	if listens {
		if err := r.tell(o, x); err != nil {
			return nil, nil
		}
	}
	r.Head.Ended = time.Now().UTC()
	head, err := r.Head.Head()
	if err != nil {
		return nil, err
	}
	if err := o.Store.WriteRun(r.Head.ID, head, body); err != nil {
		return nil, err
	}
	if s != nil {
		_ = s.keep(o) // it may be lost
	}
	cached, none := x.counts[1], 0
	emit(o, Event{Action: ActionDone, Cached: &cached, Ran: &none, Failed: &none, Skipped: &none, Verdict: verdictPass, Run: r.Head.ID,
		ElapsedMS: ms(r.Head.Ended.Sub(started))})
	return r, nil
}

// PlanAgain is Plan, with Options.CheckOutputs, of the graph that Options.Known stands for, if there is nothing to do. It is nil where Plan has
// to look.
func PlanAgain(ctx context.Context, o Options) (*Forecast, error) {
	o, err := o.withDefaults()
	if err != nil || !o.settles() {
		return nil, err
	}
	_, x, body := o.recall(ctx)
	if x == nil || ctx.Err() != nil {
		return nil, nil
	}
	var pipelines []struct {
		Name  string
		Steps []struct {
			Name, Type, Status string
			ActionID           string `json:"action_id"`
		}
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&pipelines); err != nil { // a brace follows
		return nil, nil
	}
	f := &Forecast{Jobs: o.Jobs, Cached: x.counts[2]}
	at := 0
	for _, p := range pipelines {
		of := PipelineForecast{Name: p.Name}
		for _, s := range p.Steps {
			step := StepForecast{Name: s.Name, Type: s.Type, Status: PlanCached, ActionID: s.ActionID}
			if Status(s.Status) == StatusNotNeeded {
				f.Skipped++
				step.Status, step.Why = PlanSkipped, because(record.NotNeeded)
				step.Reasons = record.Words(step.Why)
			} else {
				_, shared := slices.BinarySearch(x.shared, at)
				step.First = !shared
			}
			of.Steps = append(of.Steps, step)
			at++
		}
		f.Pipelines = append(f.Pipelines, of)
	}
	return f, nil
}

func emit(o Options, e Event) {
	e.Time = time.Now()
	o.Emit(e)
}

// tell sends the events of the steps.
func (r *Repeated) tell(o Options, x *outcome) error {
	rec, err := r.Record()
	if err != nil {
		return err
	}
	emit(o, Event{Action: ActionPlan, Total: int64(x.counts[0])})
	for _, p := range rec.Pipelines {
		for _, s := range p.Steps {
			emit(o, Event{Action: ActionEnd, Pipeline: p.Name, Step: s.Name, Type: s.Type, Status: Status(s.Status), Reasons: s.Reasons,
				Why: s.Why, ActionID: s.ActionID})
		}
	}
	return nil
}

// recall finds the outcome that still holds, and the end of the record. The sighting is nil unless it has to be kept again. If none holds, the
// store remembers what the sighting says, for the run that has to look.
func (o *Options) recall(ctx context.Context) (s *sighting, x *outcome, body []byte) {
	s = &sighting{}
	text, ok := o.Store.Settled().Read(s.name(o.Known))
	if !ok {
		return nil, nil, nil
	}
	c := &flat.Coder{Reading: true, In: text}
	if s.code(c); c.Bad {
		return nil, nil, nil
	}
	if slices.ContainsFunc(s.reals, func(r real) bool { return realPath(r.path) != r.to }) {
		return nil, nil, nil
	}
	var budget atomic.Int64
	budget.Store(mostRecalled)
	moved, ok := o.look(ctx, s, &budget)
	if ok {
		x, body = o.recallOutcome(ctx, s)
	}
	if x == nil {
		s.remember(o.Store)
	}
	if x == nil || !moved {
		s = nil
	}
	return s, x, body
}

// recallOutcome finds what a run with this sighting finds.
func (o *Options) recallOutcome(ctx context.Context, s *sighting) (x *outcome, body []byte) {
	text, ok := o.Store.Settled().Read(s.outcomeName(o.Known))
	if !ok {
		return nil, nil
	}
	x = &outcome{}
	c := &flat.Coder{Reading: true, In: text}
	if x.code(c); c.Bad {
		return nil, nil
	}
	if !o.Store.Keeps(x.index) {
		return nil, nil
	}
	same := slices.EqualFunc(s.places, x.places, func(a, b place) bool { return a.path == b.path && a.Blob == b.Blob && a.At == b.At })
	if !same || !o.still(ctx, x.facts) || !o.Store.Holds(ctx, x.blobs) {
		return nil, nil
	}
	return x, []byte(c.In)
}

// remember tells a store what was seen.
func (s *sighting) remember(store *cache.Store) {
	for _, x := range s.sources {
		for _, f := range x.found {
			store.Remember(f.path, f.blob, f.glance)
		}
	}
	for _, p := range s.places {
		store.RememberLanded(p.path, p.Landed)
	}
}

// look brings a sighting up to date; moved says that there was something to change. It is not ok if that takes too long, or something isn't
// there any more.
func (o *Options) look(ctx context.Context, s *sighting, budget *atomic.Int64) (moved, ok bool) {
	const some = 64 // looked at by one goroutine
	var changed, failed atomic.Bool
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for part := range slices.Chunk(s.sources, some) {
		g.Go(func() error {
			for i := range part {
				now, ok := o.lookAt(ctx, &part[i], budget)
				if now {
					changed.Store(true)
				}
				if !ok {
					failed.Store(true)
				}
			}
			return nil
		})
	}
	for part := range slices.Chunk(s.places, some) {
		g.Go(func() error {
			for i := range part {
				p := &part[i]
				was := p.Glance
				if at := filepath.Join(s.realOf(filepath.Dir(p.path)), filepath.Base(p.path)); at != p.At || !o.Store.StillLanded(ctx, &p.Landed, budget) {
					failed.Store(true)
					p.Glance.Sure = false
				} else if p.Glance != was {
					changed.Store(true)
				}
			}
			return nil
		})
	}
	_ = g.Wait() // nothing fails
	return changed.Load(), !failed.Load()
}

// realOf is where a folder leads.
func (s *sighting) realOf(dir string) string {
	for _, r := range s.reals {
		if r.path == dir {
			return r.to
		}
	}
	return ""
}

// lookAt brings a source up to date.
func (o *Options) lookAt(ctx context.Context, x *source, budget *atomic.Int64) (moved, ok bool) {
	switch {
	case x.path.Kind == PathGlob:
		found, err := find(&x.path, o.Store.Dir())
		if err != nil || !slices.EqualFunc(found, x.found, func(a located, b sighted) bool { return a.path == b.path && a.name == b.name }) {
			return false, false
		}
	case len(x.found) == 0:
		_, err := os.Stat(Spelled(x.path.Abs))
		return false, errors.Is(err, fs.ErrNotExist)
	case Spelled(x.path.Abs) != x.found[0].path:
		return false, false
	}
	for i := range x.found {
		f := &x.found[i]
		b, g, ok := o.Store.Recall(ctx, f.path, f.blob, f.glance, budget)
		if !ok || b.Dir != f.blob.Dir {
			return moved, false
		}
		moved = moved || g != f.glance
		f.blob, f.glance = b, g
	}
	return moved, true
}
