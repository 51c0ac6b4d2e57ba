package engine

import (
	"container/heap"
	"errors"
	"fmt"
	"time"

	"rein/cache"
)

// A hollow unit is cached, but its outputs are gone: evicted by gc, or lost. Its users begin as if it were there, since
// what the outputs were is known, and mostly all of them are cached too. Only when one has to run is the hollow unit
// run again; until then it has no end.

// hollows are a run's hollow units.
type hollows struct {
	waiting map[*unit][]*unit // hollow unit -> units that need its outputs; nil: nobody does so far
	missing map[*unit]int     // unit -> how many hollow ones it waits for
	made    map[*unit]bool    // hollow units that were made again
	retried map[*unit]bool    // units that looked again because what they lacked had just been made
}

// openHollow lets the users of a hollow unit begin without ending it.
func (r *runner) openHollow(u *unit, res result) {
	r.left--
	r.hollow.waiting[u] = nil
	r.set(u, res)
	r.unblock(u)
}

// isHollow tells whether u is cached without its outputs and nobody makes them yet.
func (r *runner) isHollow(u *unit) bool {
	users, ok := r.hollow.waiting[u]
	return ok && users == nil
}

// lacking are the units whose outputs a task needs and the store doesn't have. It runs in a worker.
func (r *runner) lacking(t *task) ([]*unit, error) {
	var out []*unit
	for _, f := range r.work.feeders(t.unit) {
		for _, b := range r.get(f).outputs {
			_, err := r.store.Path(r.ctx, b)
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

// revive has the units that a task lacks run again, and the task's unit begin anew when they are there.
func (r *runner) revive(t *task, lacking []*unit) {
	seen := map[*unit]bool{}
	for _, f := range lacking {
		users, ok := r.hollow.waiting[f]
		if !ok && r.hollow.made[f] && !r.hollow.retried[t.unit] { // it came while the task looked
			continue
		}
		if !ok { // it was whole when the run came past: damaged since
			n := f.nodes[0]
			r.settle(t.unit, result{status: StatusFailed, action: t.action,
				err: fmt.Errorf("the result of step %q was lost or damaged during the run; run again, and it is made anew", n.Name)})
			return
		}
		if seen[f] {
			continue
		}
		seen[f] = true
		if r.hollow.waiting[f] = append(users, t.unit); users == nil {
			r.left++
			r.startAgain(f)
		}
	}
	if len(seen) == 0 {
		r.hollow.retried[t.unit] = true
		r.begin(t.unit)
		return
	}
	r.hollow.missing[t.unit] = len(seen)
}

// startAgain has a worker make a task of a hollow unit.
func (r *runner) startAgain(u *unit) {
	user := r.hollow.waiting[u][0]
	r.resolves++
	r.working++
	go func() { r.messages <- r.again(u, user) }()
}

// begin lets a unit look at its inputs, which are all there. A hollow one that is being made doesn't ask for its result.
func (r *runner) begin(u *unit) {
	if _, hollow := r.hollow.waiting[u]; hollow {
		r.startAgain(u)
	} else {
		heap.Push(&r.ready, u)
	}
}

// again makes a task of a hollow unit. It runs in a worker.
func (r *runner) again(u, user *unit) message {
	m := message{unit: u, resolved: true}
	in, ok, err := r.inputs(r.ctx, u, func(d *unit) map[string]cache.Blob { return r.get(d).outputs })
	if err == nil && !ok {
		err = fmt.Errorf("engine: the inputs of a cached step are not known")
	}
	if err != nil {
		m.result = r.failure(err)
		return m
	}
	t := &task{unit: u, in: in, queued: time.Now(), again: true}
	t.key, t.action = keyOf(u.facts, in.lines)
	t.reasons = []string{"its output is gone from the store, and step " + user.nodes[0].Name + " needs it"}
	return r.offer(t)
}

// revived tells those who waited for a hollow unit that it has ended.
func (r *runner) revived(u *unit) {
	for _, user := range r.hollow.waiting[u] {
		if r.hollow.missing[user]--; r.hollow.missing[user] == 0 {
			delete(r.hollow.missing, user)
			if r.needed(user) {
				r.begin(user)
			} else {
				r.settle(user, result{status: StatusSkipped})
			}
		}
	}
	delete(r.hollow.waiting, u)
	r.hollow.made[u] = true
}

// endHollow ends the units whose outputs nobody needed.
func (r *runner) endHollow() {
	for _, u := range r.work.units {
		if r.isHollow(u) {
			r.endNodes(u)
		}
	}
	for _, n := range r.work.nodes {
		if r.nodes[n.id].status == "" { // never a pass for what didn't happen
			r.endNode(n, nodeResult{status: StatusFailed, err: errors.New("engine: the run ended without it: a fault of rein's")}, &result{})
		}
	}
}

// set keeps a unit's result, get reads it: workers do that while the coordinator goes on.
func (r *runner) set(u *unit, res result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[u.id] = res
	r.space.uses(res.outputs)
}

func (r *runner) get(u *unit) result {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.results[u.id]
}
