package engine

import (
	"container/heap"
	"errors"
	"fmt"
)

func isVerdict(err error) bool {
	var v *Verdict
	return errors.As(err, &v)
}

// settle ends a unit, its nodes, and whatever can't begin because of that. It works through a queue of its own: a
// chain of 100,000 skipped steps must not be a chain of calls.
func (r *runner) settle(u *unit, res result) {
	r.ending = append(r.ending, ended{u, res})
	if len(r.ending) > 1 {
		return // a settle further up works the queue off
	}
	for i := 0; i < len(r.ending); i++ {
		e := r.ending[i]
		r.left--
		r.set(e.unit, e.result)
		r.endNodes(e.unit)
		for _, t := range r.endFlight(e.unit, e.result) {
			r.settle(t.unit, r.followed(t, e.unit, e.result))
		}
		if _, opened := r.hollow.waiting[e.unit]; opened {
			r.revived(e.unit)
		} else {
			r.unblock(e.unit)
		}
	}
	r.ending = r.ending[:0]
}

// ended is a unit that is about to settle.
type ended struct {
	unit   *unit
	result result
}

// unblock lets the users of a unit begin, or skips those that can't.
func (r *runner) unblock(u *unit) {
	for _, user := range u.users {
		if r.missing[user.id]--; r.missing[user.id] > 0 {
			continue
		}
		if r.needed(user) {
			heap.Push(&r.ready, user)
		} else {
			r.settle(user, result{status: StatusSkipped})
		}
	}
}

// needed tells whether any node of u can still use its result.
func (r *runner) needed(u *unit) bool {
	for _, n := range u.nodes {
		if r.blocked(n) == "" {
			return true
		}
	}
	return false
}

// endFlight returns the tasks that followed the unit's flight.
func (r *runner) endFlight(u *unit, res result) []*task {
	f := r.flights[res.action]
	if f == nil || f.leader != u {
		return nil
	}
	delete(r.flights, res.action)
	return f.followers
}

// SameWork begins the reason of a step that ended as another one did, whose work was its own: "same work as hybrid/model".
const SameWork = "same work as "

// followed is the result of a task whose key another unit has worked on.
func (r *runner) followed(t *task, leader *unit, res result) result {
	n := leader.nodes[0]
	if res.good() {
		res.status = StatusCached
	}
	res.reasons = []string{SameWork + n.pipeline.Name + "/" + n.Name}
	res.ran, res.queued = 0, 0
	return res
}

// blocked names the step that keeps n from running, "" if none does.
func (r *runner) blocked(n *nodeOf) string {
	for _, d := range neighbours(n.Node) {
		dn := r.work.nodes[d]
		switch res := &r.nodes[dn.id]; res.status {
		case StatusFailed, StatusVerdict, StatusStopped:
			return dn.Name
		case StatusSkipped:
			if res.cause != "" {
				return res.cause
			}
			return dn.Name
		}
	}
	return ""
}

// endNodes gives each node of a settled unit its own end.
func (r *runner) endNodes(u *unit) {
	res := &r.results[u.id]
	for i, n := range u.nodes {
		nr := nodeResult{status: res.status, reasons: res.reasons, err: res.err}
		if cause := r.blocked(n); cause != "" {
			nr = nodeResult{status: StatusSkipped, cause: cause, reasons: []string{r.blockReason(n, cause)}}
		} else if i > 0 {
			nr = r.shared(u.nodes[0], nr)
		}
		if res.good() && nr.cause == "" {
			if err := checkNode(n, res); err != nil {
				nr.status, nr.err = StatusVerdict, err
			}
		}
		if nr.status == StatusFailed && r.halted == "" && !r.options.KeepGoing {
			r.halted = fmt.Sprintf("%s/%s failed (--keep-going goes on with what doesn't depend on it)", n.pipeline.Name, n.Name)
		}
		r.endNode(n, nr, res)
	}
}

func (r *runner) blockReason(n *nodeOf, cause string) string {
	for _, d := range r.work.order[n.pipeline] {
		if d.Name != cause {
			continue
		}
		switch r.nodes[d.id].status {
		case StatusVerdict:
			return cause + " said no"
		case StatusStopped:
			return cause + " was stopped"
		case StatusFailed:
			return cause + " failed"
		}
	}
	return cause + " was not run"
}

// shared is the end of a node whose work was done for another pipeline's.
func (r *runner) shared(first *nodeOf, nr nodeResult) nodeResult {
	where := first.pipeline.Name + "/" + first.Name
	switch nr.status {
	case StatusRan:
		nr.status, nr.reasons = StatusCached, []string{"ran once with " + where}
	case StatusFailed, StatusVerdict:
		nr.reasons = []string{SameWork + where}
	}
	return nr
}

// checkNode evaluates a node's assert blocks.
func checkNode(n *nodeOf, res *result) error {
	for _, c := range n.Checks {
		if err := c.Test(res.kept.Metrics); err != nil {
			if isVerdict(err) {
				return err
			}
			return &Verdict{Text: err.Error()}
		}
	}
	return nil
}

// endNode keeps how a node ended and says so.
func (r *runner) endNode(n *nodeOf, nr nodeResult, res *result) {
	r.nodes[n.id] = nr
	e := Event{Action: ActionEnd, Pipeline: n.pipeline.Name, Step: n.Name, Type: n.Type, Status: nr.status, Reasons: nr.reasons}
	if !res.action.IsZero() && nr.status != StatusSkipped {
		e.ActionID = res.action.String()
	}
	if nr.err != nil {
		e.Text = nr.err.Error()
	}
	if nr.status == StatusRan || nr.status == StatusFailed || nr.status == StatusVerdict {
		e.ElapsedMS = ms(res.ran)
	}
	r.emit(e)
}

// unitHeap orders units by rank: depth first.
type unitHeap []*unit

func (h unitHeap) Len() int           { return len(h) }
func (h unitHeap) Less(i, j int) bool { return h[i].rank < h[j].rank }
func (h unitHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *unitHeap) Push(x any)        { *h = append(*h, x.(*unit)) }
func (h *unitHeap) Pop() any {
	u := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return u
}

// taskHeap orders tasks by the rank of their unit.
type taskHeap []*task

func (h taskHeap) Len() int           { return len(h) }
func (h taskHeap) Less(i, j int) bool { return h[i].unit.rank < h[j].unit.rank }
func (h taskHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *taskHeap) Push(x any)        { *h = append(*h, x.(*task)) }
func (h *taskHeap) Pop() any {
	t := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return t
}
