package engine

import (
	"container/heap"
	"errors"
	"fmt"
)

// A hollow unit is cached, but its outputs are gone: evicted by gc, or lost. The digests of the outputs are known, so its users are looked
// up as if the outputs were there, and usually all of them are cached too. Only if one of them has to run is the hollow unit run again;
// until then it hasn't ended. A cached unit whose outputs turn out to be damaged becomes hollow.

// hollows are a run's hollow units.
type hollows struct {
	waiting map[*unit][]*unit // hollow unit -> units that need its outputs; nil: none so far
	missing map[*unit]int     // unit -> how many hollow ones it waits for
	made    map[*unit]bool    // hollow units that were made again
	retried map[*unit]bool    // units that were looked up again after missing outputs had been made
}

func newHollows() hollows {
	return hollows{map[*unit][]*unit{}, map[*unit]int{}, map[*unit]bool{}, map[*unit]bool{}}
}

// opened tells whether u is hollow: its users have begun, and it hasn't ended.
func (h *hollows) opened(u *unit) bool {
	_, ok := h.waiting[u]
	return ok
}

// neededBy is the first unit that needs the outputs of a hollow unit; nil if none does, or u isn't hollow.
func (h *hollows) neededBy(u *unit) *unit {
	if users := h.waiting[u]; len(users) > 0 {
		return users[0]
	}
	return nil
}

// open lets the users of a hollow unit begin without ending it.
func (s *schedule) open(u *unit, res result) {
	s.left--
	s.hollow.waiting[u] = nil
	s.results[u.id] = res
	s.unblock(u)
	s.follow()
}

// lacks makes sure that units are run again whose outputs a task needs and the store doesn't have. The task's unit begins again when the
// outputs are there.
func (s *schedule) lacks(t *task, lacking []*unit) {
	defer s.follow()
	seen := map[*unit]bool{}
	for _, f := range lacking {
		switch made := s.hollow.made[f]; {
		case s.hollow.opened(f):
		case made && !s.hollow.retried[t.unit]: // it came while the task looked
			continue
		case !made && s.results[f.id].status == StatusCached:
			s.hollow.waiting[f] = nil // its outputs turned out to be damaged when they were needed, so it will end a second time
		default:
			err := fmt.Errorf("the result of step %q was lost or damaged during the run; run again, and it is made again", f.nodes[0].Name)
			s.ending = append(s.ending, ended{t.unit, result{status: StatusFailed, action: t.action, err: err}})
			return
		}
		if seen[f] {
			continue
		}
		seen[f] = true
		first := s.hollow.neededBy(f) == nil
		s.hollow.waiting[f] = append(s.hollow.waiting[f], t.unit)
		if first {
			s.left++
			heap.Push(&s.ready, lookupJob{unit: f, user: t.unit})
		}
	}
	if len(seen) == 0 {
		s.hollow.retried[t.unit] = true
		heap.Push(&s.ready, lookupJob{unit: t.unit, user: s.hollow.neededBy(t.unit)})
		return
	}
	s.hollow.missing[t.unit] = len(seen)
}

// revived lets the units begin that waited only for a hollow unit.
func (s *schedule) revived(u *unit) {
	for _, user := range s.hollow.waiting[u] {
		if s.hollow.missing[user]--; s.hollow.missing[user] == 0 {
			delete(s.hollow.missing, user)
			s.begin(user)
		}
	}
	delete(s.hollow.waiting, u)
	s.hollow.made[u] = true
}

// finish ends the hollow units whose outputs nobody needed.
func (s *schedule) finish() {
	for _, u := range s.work.units {
		if s.hollow.opened(u) && s.hollow.neededBy(u) == nil {
			s.endNodes(u)
		}
	}
	for _, n := range s.work.nodes {
		if s.nodes[n.id].status == "" { // a run passes only if everything has happened
			s.endNode(n, nodeResult{status: StatusFailed, err: errors.New("engine: the run ended without it: a fault of rein's")}, &result{})
		}
	}
}
