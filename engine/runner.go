package engine

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"

	"rein/cache"
)

// runner is the coordinator of a run. One goroutine (loop) owns all of it; workers resolve and execute units and
// report back through messages. A unit goes: missing dependencies -> ready -> resolving (inputs hashed, key made,
// store asked) -> settled if cached, else runnable -> executing -> settled.
type runner struct {
	*planner
	ctx     context.Context
	id      string
	space   *space
	machine machine
	pool    *pool
	tokens  *tokens

	nodes   []nodeResult // by nodeOf.id
	mu      sync.RWMutex
	results []result // by unit.id; workers read it with get
	missing []int    // by unit.id: dependencies that aren't settled
	left    int      // units that aren't settled

	ready    unitHeap
	runnable taskHeap
	flights  map[cache.Digest]*flight
	hollow   hollows
	ending   []ended
	messages chan message
	commits  chan struct{} // bounds how many take their outputs in at a time
	working  int           // goroutines that will send a message
	resolves int           // those of them that resolve
	halted   string        // why nothing more is started; "": go on
}

// flight is a piece of work in progress under its key; followers have the same key by another way.
type flight struct {
	leader    *unit
	followers []*task
}

// task is a unit whose key is known and whose result isn't there.
type task struct {
	unit    *unit
	in      inputs
	key     string
	action  cache.Digest
	reasons []string
	verify  *cache.Entry // the result to compare with, under --verify
	forced  bool
	again   bool     // of a hollow unit
	away    Executor // where it runs; nil: here
	lease   *cache.Lease
	grant   grant
	queued  time.Time
}

// message is a worker's report: the task is runnable, or the unit is settled.
type message struct {
	unit     *unit
	resolved bool  // the end of a resolve
	task     *task // runnable, or waits for another process; nil: settled with result
	waits    bool
	lacking  []*unit // hollow units that the task needs first
	hollow   bool    // the result is that of a hollow unit
	granted  bool    // the grant comes back with it
	grant    grant
	more     bool // the worker has more to say; this is only about its grant
	result   result
}

func newRunner(ctx context.Context, p *planner, now time.Time) (*runner, error) {
	id := newRunID(now)
	sp, err := newSpace(p.store)
	if err != nil {
		return nil, err
	}
	m := thisMachine()
	r := &runner{planner: p, ctx: ctx, id: id, space: sp, machine: m, pool: newPool(p.options.Jobs, m),
		tokens: &tokens{store: p.store, slots: p.options.Jobs},
		nodes:  make([]nodeResult, len(p.work.nodes)), results: make([]result, len(p.work.units)),
		missing: make([]int, len(p.work.units)), left: len(p.work.units),
		flights: map[cache.Digest]*flight{}, messages: make(chan message), commits: make(chan struct{}, maxCommits),
		hollow: hollows{map[*unit][]*unit{}, map[*unit]int{}, map[*unit]bool{}, map[*unit]bool{}}}
	return r, nil
}

func (r *runner) close() {
	r.tokens.settle()
	r.space.close()
}

func (r *runner) emit(e Event) {
	e.Time = time.Now()
	r.options.Emit(e)
}

// maxResolves bounds how many units are being looked up at a time.
const maxResolves = 16

// maxCommits bounds how many results are being taken into the store at a time.
const maxCommits = 16

// loop runs until every unit is settled.
func (r *runner) loop() {
	r.leaveOut()
	for _, u := range r.work.units {
		r.missing[u.id] = len(u.deps)
	}
	for _, u := range r.work.units {
		if len(u.deps) == 0 {
			heap.Push(&r.ready, u)
		}
	}
	stop := r.ctx.Done()
	for r.left > 0 {
		r.startResolves()
		r.startTasks()
		if r.left == 0 {
			break
		}
		if r.runnable.Len() == 0 {
			r.tokens.settle()
		}
		if r.working > r.resolves { // something executes, which may take long
			r.space.tell()
		}
		select {
		case m := <-r.messages:
			r.handle(m)
		case <-stop:
			stop = nil
			r.dropWaiting()
		}
	}
	r.endHollow()
}

// leaveOut settles the nodes that aren't needed.
func (r *runner) leaveOut() {
	for _, p := range r.work.graph.Pipelines {
		for _, n := range r.work.order[p] {
			if n.unit == nil {
				r.endNode(n, nodeResult{status: StatusNotNeeded}, &result{})
			}
		}
	}
}

func (r *runner) startResolves() {
	for r.resolves < maxResolves && r.ready.Len() > 0 {
		u := heap.Pop(&r.ready).(*unit)
		if r.ctx.Err() != nil {
			r.settle(u, stoppedEarly())
			continue
		}
		r.resolves++
		r.working++
		go func() { r.messages <- r.resolve(u) }()
	}
}

func stoppedEarly() result {
	return result{status: StatusStopped, reasons: []string{"interrupted before it started"}}
}

func (r *runner) handle(m message) {
	if m.granted {
		r.pool.give(m.grant)
	}
	if m.more {
		return
	}
	r.working--
	if m.resolved {
		r.resolves--
	}
	switch {
	case m.hollow:
		r.openHollow(m.unit, m.result)
		return
	case m.task == nil:
		r.settle(m.unit, m.result)
		return
	case len(m.lacking) > 0:
		r.revive(m.task, m.lacking)
		return
	}
	t := m.task
	if m.waits {
		r.working++
		go func() { r.messages <- r.wait(t) }()
		return
	}
	if t.lease == nil { // not one that comes back from waiting for another process
		if f := r.flights[t.action]; f != nil {
			f.followers = append(f.followers, t)
			return
		}
		r.flights[t.action] = &flight{leader: t.unit}
	}
	heap.Push(&r.runnable, t)
}

// dropWaiting settles everything that was only waiting when the run was interrupted. What executes ends by itself.
func (r *runner) dropWaiting() {
	for r.ready.Len() > 0 {
		r.settle(heap.Pop(&r.ready).(*unit), stoppedEarly())
	}
	for r.runnable.Len() > 0 {
		r.dropTask(heap.Pop(&r.runnable).(*task), stoppedEarly())
	}
}

func (r *runner) dropTask(t *task, res result) {
	if t.lease != nil {
		t.lease.Release()
	}
	res.action = t.action
	r.settle(t.unit, res)
}

// maxPassed is how many tasks that don't fit are passed over in search of one that does.
const maxPassed = 64

// startTasks starts what fits, in order of rank. A task that lacks memory or a GPU is passed over; one that lacks
// slots holds up the rest, or it would starve behind small ones.
func (r *runner) startTasks() {
	var passed []*task
	for r.runnable.Len() > 0 && len(passed) < maxPassed {
		t := heap.Pop(&r.runnable).(*task)
		if r.halted != "" {
			r.dropTask(t, result{status: StatusSkipped, reasons: []string{"not started: " + r.halted}})
			continue
		}
		g, ok, err := r.grantFor(t)
		if err != nil {
			r.dropTask(t, result{status: StatusFailed, err: err})
			continue
		}
		if !ok {
			passed = append(passed, t)
			if t.away == nil && r.pool.freeSlots < r.pool.slotsOf(r.pool.needs(t.unit)) {
				break
			}
			continue
		}
		t.grant = g
		r.working++
		go func() { r.messages <- r.execute(t) }()
	}
	for _, t := range passed {
		heap.Push(&r.runnable, t)
	}
}

// grantFor takes what a task needs of this machine, or of its executor, if it is to be had now.
func (r *runner) grantFor(t *task) (grant, bool, error) {
	x, err := r.options.executor(t.unit)
	if err != nil {
		return grant{}, false, err
	}
	if t.away = x; x != nil {
		g, ok := r.pool.takeAway(x)
		return g, ok, nil
	}
	if err := check(t.unit.resources, r.machine); err != nil {
		return grant{}, false, err
	}
	g, ok := r.pool.take(r.pool.needs(t.unit))
	return g, ok, nil
}

// resolve finds out a unit's key and whether its result is there. It runs in a worker.
func (r *runner) resolve(u *unit) message {
	m := message{unit: u, resolved: true}
	in, ok, err := r.inputs(r.ctx, u, func(d *unit) map[string]cache.Blob { return r.get(d).outputs })
	if err == nil && !ok {
		err = fmt.Errorf("engine: inputs of a ready step are not known") // settle lets no such unit through
	}
	if err != nil {
		m.result = r.failure(err)
		return m
	}
	t := &task{unit: u, in: in, forced: r.forced[u], queued: time.Now()}
	t.key, t.action = keyOf(u.facts, in.lines)
	a, err := r.ask(r.ctx, u, t.action)
	if err != nil {
		m.result = r.failure(err)
		return m
	}
	switch {
	case t.forced:
		t.reasons = []string{"forced"}
	case a.entry == nil:
		t.reasons = r.reasons(r.ctx, u, t.key, a.reason)
	case r.options.Verify && !u.desc.Nondeterministic:
		t.verify, t.reasons = a.entry, []string{"verify"}
	default:
		m.result, m.hollow = r.hit(u, a.entry), a.hollow
		if a.remote {
			m.result.reasons = []string{fromRemote}
		}
		return m
	}
	return r.offer(t)
}

// offer reports a task that has to run, unless that is forbidden, with what it lacks.
func (r *runner) offer(t *task) message {
	m := message{unit: t.unit, resolved: true}
	var err error
	if r.options.Frozen {
		err = fmt.Errorf("is not cached, and --frozen forbids running it: %s", listOf(t.reasons))
	} else {
		m.lacking, err = r.lacking(t)
	}
	if err != nil {
		m.result = r.failure(err)
		m.result.action = t.action
		return m
	}
	m.task = t
	return m
}

// hit is the result of a unit that the store has.
func (r *runner) hit(u *unit, e *cache.Entry) result {
	res := result{status: StatusCached, action: e.Action, key: e.Key, outputs: e.Outputs, kept: e.Result}
	if res.outputs == nil {
		res.outputs = map[string]cache.Blob{}
	}
	for _, d := range u.deps {
		switch r.get(d).status {
		case StatusRan, StatusUnchanged:
			res.status = StatusUnchanged
		}
	}
	return res
}

// failure tells a fault, a verdict and an interruption apart.
func (r *runner) failure(err error) result {
	switch {
	case r.ctx.Err() != nil:
		return result{status: StatusStopped, reasons: []string{"interrupted"}}
	case isVerdict(err):
		return result{status: StatusVerdict, err: err}
	}
	return result{status: StatusFailed, err: err}
}
