package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"rein/engine/record"
)

// Run executes what is not cached, and keeps a record of it. A failed step is in the record and isn't an error; an error means that the run
// could not start or could not be recorded. When ctx ends, running steps are stopped, finished results are kept, and the record's verdict
// is "stopped".
func Run(ctx context.Context, g *Graph, o Options) (*record.Run, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	recovered := meanwhile(func() (int, error) { return o.Store.Recover(ctx) })
	defer recovered() // it has to end before the store is closed
	p, err := newPlanner(ctx, g, o)
	if err != nil {
		return nil, err
	}
	if err := p.work.checkExecutors(&o); err != nil {
		return nil, &ConfigError{err}
	}
	if err := p.tellRecovered(recovered()); err != nil {
		return nil, err
	}
	if err := p.checkVacant(ctx); err != nil {
		return nil, err
	}
	if err := p.withinBudget(ctx); err != nil {
		return nil, err
	}
	started := time.Now()
	p.remote, p.local = o.Remote, p.forced // --force asks nobody
	r, err := newRunner(ctx, p, started)
	if err != nil {
		return nil, err
	}
	defer r.close()
	r.begun = r.outline(started)
	r.options.Begin(r.begun)
	r.emit(Event{Action: ActionPlan, Total: int64(len(p.work.nodes))})
	r.loop()
	verdict := r.schedule.verdict()
	rec := r.record(verdict)
	if err := r.judge(rec); err != nil {
		return nil, err
	}
	body := meanwhile(rec.Body)
	if rec.Verdict == verdictPass {
		if err = r.publish(); err != nil {
			rec.Verdict, rec.Error = verdictFail, err.Error()
		}
	}
	err = errors.Join(err, r.keep(rec, body))
	r.done(rec)
	return rec, err
}

// tellRecovered reports how much was found for an index that was lost.
func (p *planner) tellRecovered(found int, err error) error {
	if err != nil || found == 0 {
		return err
	}
	text := fmt.Sprintf("the index of results was lost and is made again from the run records: %d results are found again", found)
	for _, dir := range p.store.SetAside() {
		text += fmt.Sprintf("; what could not be read of it is kept as %s until rein cache verify --repair", dir)
	}
	p.options.Emit(Event{Time: time.Now(), Action: ActionNote, Text: text})
	return nil
}

// The verdicts of a run.
const (
	verdictPass    = "pass"
	verdictFail    = "fail"
	verdictStopped = "stopped"
)

// withinBudget refuses a run whose forecast is longer than the budget.
func (p *planner) withinBudget(ctx context.Context) error {
	if p.options.Budget <= 0 {
		return nil
	}
	if err := p.plan(ctx); err != nil {
		return asConfig(ctx, err)
	}
	f := p.forecast()
	if f.total() <= p.options.Budget {
		return nil
	}
	more := ""
	if f.NoHistory > 0 {
		more = fmt.Sprintf(", not counting %d steps that never ran", f.NoHistory)
	}
	return configErrorf("the run is forecast to take %v with %d jobs (%v to %v%s), over the budget of %v; nothing was started",
		f.total().Round(time.Second), f.Jobs, time.Duration(f.TotalLowMS)*time.Millisecond,
		time.Duration(f.TotalHighMS)*time.Millisecond, more, p.options.Budget)
}

// judge asks whether the figures of a run that passed reach what they must.
func (r *runner) judge(rec *record.Run) error {
	if rec.Verdict != verdictPass || r.options.Judge == nil {
		return nil
	}
	missed, err := r.options.Judge(rec)
	if err != nil || len(missed) == 0 {
		return err
	}
	rec.Verdict, rec.Missed = verdictFail, missed
	for _, m := range missed {
		r.emit(Event{Action: ActionMissed, Text: m})
	}
	return nil
}

// runner is a run. It is the loop between the schedule, which says what to do, and the workers, which do it.
type runner struct {
	*worker
	id        string
	machine   machine
	pool      *pool
	schedule  *schedule
	begun     *record.Run // as far as it was known before anything ran
	messages  chan message
	hands     hands
	lookups   int // that are going on
	executing int // tasks that execute, or wait for another process
}

// maxResolves is how many lookups may be in progress at a time, and maxTogether how many units one lookup may have.
const (
	maxResolves = 16
	maxTogether = 128
)

// maxCommits is how many results may be taken into the store at the same time.
const maxCommits = 16

func newRunner(ctx context.Context, p *planner, now time.Time) (*runner, error) {
	id := newRunID(now)
	sp, err := newSpace(p.store)
	if err != nil {
		return nil, err
	}
	m, messages := thisMachine(), make(chan message)
	w := &worker{planner: p, ctx: ctx, space: sp, tokens: &tokens{store: p.store, slots: p.options.Jobs},
		commits: make(chan struct{}, maxCommits), messages: messages, writes: sync.OnceFunc(func() { go p.store.OpenToWrite(ctx) })}
	return &runner{worker: w, id: id, machine: m, pool: newPool(p.options.Jobs, m), schedule: newSchedule(p.work, p.options.KeepGoing),
		messages: messages, hands: make(hands)}, nil
}

// hands are goroutines for short work: one that is idle has a stack that has grown already.
type hands chan func()

func (h hands) do(f func()) {
	select {
	case h <- f:
	default:
		go func() {
			for ok := true; ok; f, ok = <-h {
				f()
			}
		}()
	}
}

func (r *runner) close() {
	close(r.hands)
	r.tokens.releaseSpare()
	r.space.close()
}

// loop runs until every unit has ended.
func (r *runner) loop() {
	r.tell()
	stop := r.ctx.Done()
	for r.schedule.left > 0 {
		if r.ctx.Err() != nil && !r.schedule.stopped {
			r.schedule.stop()
		}
		r.look()
		r.start()
		r.tell()
		if r.schedule.left == 0 {
			break
		}
		if r.schedule.runnable.Len() == 0 {
			r.tokens.releaseSpare()
		}
		var m message
		select {
		case m = <-r.messages:
		default:
			if r.executing > 0 { // it may take long until a message comes
				r.space.tell()
			}
			select {
			case m = <-r.messages:
			case <-stop:
				stop = nil
				continue
			}
		}
		r.handle(m)
		r.tell()
	}
	r.schedule.finish()
	r.tell()
}

// look has ready units looked up.
func (r *runner) look() {
	for r.lookups < maxResolves {
		together := min(max(r.schedule.ready.Len()/maxResolves, 4), maxTogether)
		if r.remote != nil {
			together = 1 // each may fetch
		}
		var jobs []*lookupJob
		for len(jobs) < together {
			j, ok := r.schedule.nextLookup()
			if !ok {
				break
			}
			jobs = append(jobs, j)
		}
		if len(jobs) == 0 {
			return
		}
		r.lookups++
		r.hands.do(func() {
			runtime.Gosched() // loop and lookups would hand the processor to each other for 10 ms, and steps would wait
			r.messages <- r.lookUp(jobs)
		})
	}
}

// start executes the tasks that there is room for. A task that lacks memory or a GPU is passed over. A task that lacks slots holds up the
// rest, or it would starve behind small tasks.
func (r *runner) start() {
	for _, t := range r.schedule.startable(r.grant) {
		r.executing++
		r.hands.do(func() { r.messages <- r.execute(t) })
	}
}

// grant takes what a task needs of this machine or of its executor, if that is free now.
func (r *runner) grant(t *task) (fit, error) {
	x, err := r.options.executor(t.unit)
	if err != nil {
		return later, err
	}
	ok := false
	if t.away = x; x != nil {
		t.grant, ok = r.pool.takeAway(x)
	} else {
		if err := check(t.unit.resources, r.machine); err != nil {
			return later, err
		}
		t.grant, ok = r.pool.take(r.pool.needs(t.unit))
	}
	switch {
	case ok:
		return fits, nil
	case x == nil && r.pool.freeSlots < r.pool.slotsOf(r.pool.needs(t.unit)):
		return nothing, nil
	}
	return later, nil
}

// handle takes a worker's message.
func (r *runner) handle(m message) {
	switch m := m.(type) {
	case lookups:
		r.lookups--
		for _, l := range m {
			r.found(l)
		}
	case lookedUp:
		r.found(m)
	case freed:
		r.pool.give(m.grant)
	case waits:
		r.pool.give(m.task.grant)
		go func() { r.messages <- r.wait(m.task) }()
	case executed:
		r.executing--
		if m.granted {
			r.pool.give(m.task.grant)
		}
		if m.result.status == "" {
			r.schedule.offer(m.task)
		} else {
			r.space.uses(m.result.outputs)
			r.schedule.end(m.task.unit, m.result)
		}
	}
}

// found takes a unit that was looked up.
func (r *runner) found(m lookedUp) {
	r.space.uses(m.result.outputs)
	switch {
	case m.hollow:
		r.schedule.open(m.unit, m.result)
	case m.task == nil:
		r.schedule.end(m.unit, m.result)
	case len(m.lacking) > 0:
		r.schedule.lacks(m.task, m.lacking)
	default:
		r.schedule.offer(m.task)
	}
}

// tell reports which nodes have ended, and releases the leases of tasks that won't run.
func (r *runner) tell() {
	ends, dropped := r.schedule.tell()
	for _, t := range dropped {
		if t.lease != nil {
			_ = t.lease.Release()
		}
	}
	for _, e := range ends {
		r.emit(e.event())
	}
}
