package engine

import (
	"container/heap"
	"fmt"

	"rein/cache"
	"rein/engine/record"
)

// schedule is the state of a run and its rules: what may be looked up, what may start, and what the end of one unit means for the
// others. It waits for nothing, reads nothing and writes nothing. Events come in through its methods; nextLookup, startable and tell
// say what is to be done. One goroutine owns it.
//
// A unit goes: waits for its dependencies -> ready -> looked up -> ended if its result is there, else runnable -> running -> ended.
// A hollow one (revive.go) is looked up, opened, and ends when its outputs are made again, or with the run.
type schedule struct {
	work      *work
	keepGoing bool // after a failed step

	results []result     // by unit.id
	nodes   []nodeResult // by nodeOf.id
	missing []int        // by unit.id: dependencies that haven't ended
	left    int          // units that haven't ended

	ready    lookupHeap
	runnable taskHeap
	flights  map[cache.Digest]*flight
	hollow   hollows
	halted   string // why nothing more is started; "": go on
	stopped  bool   // the run was interrupted

	ending  []ended   // units that have ended, with consequences still to be worked out
	untold  []nodeEnd // ends of nodes that haven't been reported
	dropped []*task   // tasks that won't run, whose leases are to be released
}

// flight is work in progress on a key; followers are tasks of other units with the same key.
type flight struct {
	leader    *unit
	followers []*task
}

// ended is a unit with its result.
type ended struct {
	unit   *unit
	result result
}

// lookupJob is a unit whose inputs are known. It holds copies of what the lookup needs, which therefore doesn't read the schedule.
type lookupJob struct {
	unit *unit
	user *unit      // the unit for which a hollow unit is made again
	deps []upstream // of unit.deps, in their order
	at   map[*unit]int
}

// upstream is how a dependency ended.
type upstream struct {
	status  Status
	outputs map[string]cache.Blob
}

func newSchedule(w *work, keepGoing bool) *schedule {
	s := &schedule{work: w, keepGoing: keepGoing, nodes: make([]nodeResult, len(w.nodes)), results: make([]result, len(w.units)),
		missing: make([]int, len(w.units)), left: len(w.units), flights: map[cache.Digest]*flight{}, hollow: newHollows()}
	for _, p := range w.graph.Pipelines {
		for _, n := range w.order[p] {
			if n.unit == nil {
				s.endNode(n, nodeResult{status: StatusNotNeeded}, &result{})
			}
		}
	}
	for _, u := range w.units {
		if s.missing[u.id] = len(u.deps); len(u.deps) == 0 {
			heap.Push(&s.ready, lookupJob{unit: u})
		}
	}
	return s
}

// nextLookup is the ready unit of the lowest rank.
func (s *schedule) nextLookup() (*lookupJob, bool) {
	if s.ready.Len() == 0 {
		return nil, false
	}
	j := heap.Pop(&s.ready).(lookupJob)
	j.deps = make([]upstream, len(j.unit.deps))
	for i, d := range j.unit.deps {
		j.deps[i] = upstream{s.results[d.id].status, s.results[d.id].outputs}
	}
	return &j, true
}

// outputs are those of a dependency; nil if they aren't known.
func (j *lookupJob) outputs(d *unit) map[string]cache.Blob {
	const few = 8 // up to this length a linear search is faster than an index
	if len(j.deps) > few && j.at == nil {
		j.at = make(map[*unit]int, len(j.deps))
		for i, x := range j.unit.deps {
			j.at[x] = i
		}
	}
	if i, ok := j.at[d]; ok {
		return j.deps[i].outputs
	}
	for i, x := range j.unit.deps[:min(len(j.deps), few)] {
		if x == d {
			return j.deps[i].outputs
		}
	}
	return nil
}

// renewed tells whether a dependency ran.
func (j *lookupJob) renewed() bool {
	for _, d := range j.deps {
		if d.status == StatusRan || d.status == StatusUnchanged {
			return true
		}
	}
	return false
}

// fit is the answer to whether a task can start.
type fit int

const (
	fits    fit = iota
	later       // it lacks something that a smaller task may not need
	nothing     // no further task is tried, or large tasks would starve behind small ones
)

// maxPassed is how many tasks that don't fit are passed over in the search for one that does.
const maxPassed = 64

// startable removes and returns the tasks that can start, in order of rank. ask tells whether a task can start, and takes what it needs.
func (s *schedule) startable(ask func(*task) (fit, error)) (start []*task) {
	var passed []*task
	for s.runnable.Len() > 0 && len(passed) < maxPassed {
		t := heap.Pop(&s.runnable).(*task)
		if s.halted != "" {
			s.drop(t, result{status: StatusSkipped, reasons: []Reason{{Code: record.NotStarted, Detail: s.halted}}})
			s.follow()
			continue
		}
		answer, err := ask(t)
		switch {
		case err != nil:
			s.drop(t, result{status: StatusFailed, err: err})
			s.follow()
			continue
		case answer == fits:
			start = append(start, t)
			continue
		}
		passed = append(passed, t)
		if answer == nothing {
			break
		}
	}
	for _, t := range passed {
		heap.Push(&s.runnable, t)
	}
	return start
}

// offer takes a task whose result isn't in the store. It becomes runnable, or follows another task of the same key.
func (s *schedule) offer(t *task) {
	if t.lease == nil { // a task with a lease has waited for another process
		if f := s.flights[t.action]; f != nil {
			f.followers = append(f.followers, t)
			return
		}
		s.flights[t.action] = &flight{leader: t.unit}
	}
	if s.stopped {
		s.drop(t, stoppedEarly())
		s.follow()
		return
	}
	heap.Push(&s.runnable, t)
}

// end takes the result of a unit.
func (s *schedule) end(u *unit, res result) {
	s.ending = append(s.ending, ended{u, res})
	s.follow()
}

// stop ends everything that only waits. Running tasks end by themselves.
func (s *schedule) stop() {
	s.stopped = true
	for s.ready.Len() > 0 {
		s.ending = append(s.ending, ended{heap.Pop(&s.ready).(lookupJob).unit, stoppedEarly()})
	}
	for s.runnable.Len() > 0 {
		s.drop(heap.Pop(&s.runnable).(*task), stoppedEarly())
	}
	s.follow()
}

func stoppedEarly() result {
	return result{status: StatusStopped, reasons: because(record.TooLate)}
}

// drop ends a task that won't run.
func (s *schedule) drop(t *task, res result) {
	s.dropped = append(s.dropped, t)
	res.action = t.action
	s.ending = append(s.ending, ended{t.unit, res})
}

// follow works out the consequences of units that end, which may end other units. It is a loop over a queue, because a chain of 100,000
// skipped steps must not be a chain of calls.
func (s *schedule) follow() {
	for i := 0; i < len(s.ending); i++ {
		e := s.ending[i]
		s.left--
		s.results[e.unit.id] = e.result
		s.endNodes(e.unit)
		for _, t := range s.endFlight(e.unit, e.result) {
			s.ending = append(s.ending, ended{t.unit, followed(e.unit, e.result)})
		}
		if s.hollow.opened(e.unit) {
			s.revived(e.unit)
		} else {
			s.unblock(e.unit)
		}
	}
	s.ending = s.ending[:0]
}

// unblock lets the users of a unit begin that wait for nothing else.
func (s *schedule) unblock(u *unit) {
	for _, user := range u.users {
		if s.missing[user.id]--; s.missing[user.id] == 0 {
			s.begin(user)
		}
	}
}

// begin takes a unit whose dependencies have ended. It makes the unit ready, or ends it if they keep it from running.
func (s *schedule) begin(u *unit) {
	switch {
	case !s.useful(u):
		s.ending = append(s.ending, ended{u, result{status: StatusSkipped}})
	case s.stopped:
		s.ending = append(s.ending, ended{u, stoppedEarly()})
	default:
		heap.Push(&s.ready, lookupJob{unit: u, user: s.hollow.neededBy(u)})
	}
}

// useful tells whether any node of u can still use the result.
func (s *schedule) useful(u *unit) bool {
	for _, n := range u.nodes {
		if s.blocked(n) == "" {
			return true
		}
	}
	return false
}

// endFlight returns the tasks that followed the unit's flight.
func (s *schedule) endFlight(u *unit, res result) []*task {
	f := s.flights[res.action]
	if f == nil || f.leader != u {
		return nil
	}
	delete(s.flights, res.action)
	return f.followers
}

// followed is the result of a task that followed another unit's work on the same key.
func followed(leader *unit, res result) result {
	n := leader.nodes[0]
	if res.good() {
		res.status = StatusCached
	}
	res.reasons = []Reason{{Code: record.SameWork, Of: n.pipeline.Name + "/" + n.Name}}
	res.ran, res.queued = 0, 0
	return res
}

// halt starts nothing more after a failed node.
func (s *schedule) halt(n *nodeOf) {
	if s.halted == "" && !s.keepGoing {
		s.halted = fmt.Sprintf("%s/%s failed (--keep-going goes on with what doesn't depend on it)", n.pipeline.Name, n.Name)
	}
}

// tell gives the ends of nodes that nobody was told of, and the tasks that were dropped.
func (s *schedule) tell() (ends []nodeEnd, dropped []*task) {
	ends, dropped = s.untold, s.dropped
	s.untold, s.dropped = nil, nil
	return ends, dropped
}

// lookupHeap orders units by rank: depth first.
type lookupHeap []lookupJob

func (h lookupHeap) Len() int           { return len(h) }
func (h lookupHeap) Less(i, j int) bool { return h[i].unit.rank < h[j].unit.rank }
func (h lookupHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *lookupHeap) Push(x any)        { *h = append(*h, x.(lookupJob)) }
func (h *lookupHeap) Pop() any {
	j := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return j
}

// taskHeap orders tasks by the rank of their unit. Those that run alone come last: each holds slots free until the last other step has ended.
type taskHeap []*task

func (h taskHeap) Len() int { return len(h) }
func (h taskHeap) Less(i, j int) bool {
	a, b := h[i].unit, h[j].unit
	if a.desc.Exclusive != b.desc.Exclusive {
		return b.desc.Exclusive
	}
	return a.rank < b.rank
}
func (h taskHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *taskHeap) Push(x any)   { *h = append(*h, x.(*task)) }
func (h *taskHeap) Pop() any {
	t := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return t
}
