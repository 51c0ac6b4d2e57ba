package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rein/cache"
	"rein/engine/record"
)

// worker does what takes time: it looks units up, executes tasks and waits for other processes. It gets everything it needs as values, and
// never reads the schedule. Its methods run in goroutines of their own and send messages.
type worker struct {
	*planner
	ctx      context.Context
	space    *space
	tokens   *tokens
	commits  chan struct{} // bounds how many tasks store their outputs at the same time
	messages chan<- message
	writes   func() // has the index opened for writing
}

// task is a unit whose key is known and whose result isn't there.
type task struct {
	unit       *unit
	in         inputs
	key        string
	action     cache.Digest
	reasons    []Reason
	verify     *cache.Entry // the result to compare with, under --verify
	forced     bool
	again      bool     // of a hollow unit
	renewed    bool     // a dependency ran
	executor   string   // name of the executor; "": this machine
	away       Executor // it; nil: here
	lease      *cache.Lease
	grant      grant
	queued     time.Time
	checkpoint cache.Digest // the key of its checkpoint, once an attempt has one
}

// message is what a worker reports: lookups, lookedUp, freed, executed or waits.
type message any

type (
	// lookups ends the lookup of several units. A unit that isn't listed has had a message of its own, lookedUp.
	lookups []lookedUp
	// lookedUp is a unit that was looked up. Without a task it has a result. With a task it has to be executed, as soon as the inputs it
	// lacks are there.
	lookedUp struct {
		unit    *unit
		result  result
		hollow  bool // the result's outputs aren't there
		task    *task
		lacking []*unit
	}
	// freed returns a task's grant while the task goes on.
	freed struct{ grant grant }
	// waits returns a task's grant because another process does the same work.
	waits struct{ task *task }
	// executed ends a task or, if it has no result, the wait for another process: the task has to be executed after all.
	executed struct {
		task    *task
		result  result
		granted bool // the grant comes back with it
	}
)

// lookUp finds the units' keys, and whether their results are in the store. A unit that has to run is reported at once.
func (w *worker) lookUp(jobs []*lookupJob) message {
	var out lookups
	w.sources.prefetch(w.ctx, jobs)
	tasks := make([]*task, 0, len(jobs))
	actions, keys := make([]cache.Digest, 0, len(jobs)), make([]string, 0, len(jobs))
	of := make([]*lookupJob, 0, len(jobs))
	for _, j := range jobs {
		t, err := w.keyed(j)
		if err != nil {
			out = append(out, lookedUp{unit: j.unit, result: w.failure(err)})
			continue
		}
		tasks, actions, keys, of = append(tasks, t), append(actions, t.action), append(keys, t.key), append(of, j)
	}
	found, err := w.entries(w.ctx, actions, keys)
	for i, t := range tasks {
		m := lookedUp{unit: t.unit}
		if err != nil {
			m.result = w.failure(err)
		} else if m = w.weigh(of[i], t, found[i]); m.task != nil {
			w.messages <- m
			continue
		}
		out = append(out, m)
	}
	return out
}

// keyed makes a task of a unit: its key, whether it has to run or not.
func (w *worker) keyed(j *lookupJob) (*task, error) {
	in, ok, err := w.inputs(w.ctx, j.unit, false, j.outputs)
	if err == nil && !ok {
		err = errors.New("engine: inputs of a ready step are not known") // the schedule lets no such unit through
	}
	if err != nil {
		return nil, err
	}
	t := &task{unit: j.unit, in: in, forced: w.forced[j.unit], again: j.user != nil, renewed: j.renewed(), executor: w.options.executorOf(j.unit.nodes[0].Node), queued: time.Now()}
	t.key, t.action = keyOf(j.unit.facts, in.lines)
	return t, nil
}

// weigh decides whether a task has to run.
func (w *worker) weigh(j *lookupJob, t *task, found entry) lookedUp {
	m := lookedUp{unit: j.unit}
	if t.again {
		t.reasons = []Reason{{Code: record.NeededAgain, Of: j.user.nodes[0].Name}}
		return w.offer(j, t)
	}
	a, err := w.ask(w.ctx, j.unit, t.action, found)
	if err != nil {
		m.result = w.failure(err)
		return m
	}
	switch {
	case t.forced:
		t.reasons = because(record.Forced)
	case a.entry == nil:
		t.reasons = w.reasons(w.ctx, j.unit, t.key, a.reason)
	case w.options.Verify && !j.unit.desc.Nondeterministic:
		t.verify, t.reasons = a.entry, because(record.Verify)
	default:
		m.result, m.hollow = t.hit(a.entry), a.hollow
		if a.remote {
			m.result.reasons = because(record.SharedCache)
		}
		return m
	}
	return w.offer(j, t)
}

// offer reports a task that has to run, with the inputs it lacks, unless running is forbidden.
func (w *worker) offer(j *lookupJob, t *task) lookedUp {
	m := lookedUp{unit: t.unit}
	var err error
	if w.options.Frozen {
		err = fmt.Errorf("is not cached, and --frozen forbids running it: %s", listOf(record.Words(t.reasons)))
	} else {
		if t.in, _, err = w.inputs(w.ctx, j.unit, true, j.outputs); err == nil {
			m.lacking, err = w.lacking(j)
		}
	}
	if err != nil {
		m.result = w.failure(err)
		m.result.action = t.action
		return m
	}
	m.task = t
	return m
}

// lacking are the units whose outputs a unit needs and the store doesn't have.
func (w *worker) lacking(j *lookupJob) ([]*unit, error) {
	var out []*unit
	for _, f := range w.work.feeders(j.unit) {
		for _, b := range j.outputs(f) {
			_, err := w.store.Path(w.ctx, b)
			var miss *cache.Miss
			if errors.As(err, &miss) {
				out = append(out, f)
				break
			} else if err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// execute takes a task to its end. If another process does the same work, the task waits and holds nothing.
func (w *worker) execute(t *task) message {
	m := executed{task: t, granted: true}
	if t.lease == nil {
		l, err := w.store.TryLease(t.action)
		if err != nil {
			m.result = w.failure(err)
			return m
		}
		if l == nil {
			return waits{t}
		}
		t.lease = l
	}
	defer t.lease.Release()
	w.options.point("leased")
	if res, done := w.madeMeanwhile(t); done {
		m.result = res
		return m
	}
	w.writes() // while the step runs
	m.result, m.granted = w.attempts(t)
	m.result.action = t.action
	return m
}

// wait waits for another process that does the same work.
func (w *worker) wait(t *task) message {
	n := t.unit.nodes[0]
	l, err := w.store.Lease(w.ctx, t.action, func() {
		w.emit(Event{Action: ActionWait, Pipeline: n.pipeline.Name, Step: n.Name, Type: n.Type, ActionID: t.action.String(),
			Text: "another rein is making this result"})
	})
	if err != nil {
		res := w.failure(err)
		res.action = t.action
		return executed{task: t, result: res}
	}
	if res, done := w.madeMeanwhile(t); done {
		_ = l.Release()
		return executed{task: t, result: res}
	}
	t.lease = l
	return executed{task: t}
}

// failure tells a fault, a verdict and an interruption apart.
func (w *worker) failure(err error) result {
	switch {
	case w.ctx.Err() != nil:
		return result{status: StatusStopped, reasons: because(record.Interrupted)}
	case isVerdict(err):
		return result{status: StatusVerdict, err: err}
	}
	return result{status: StatusFailed, err: err}
}
