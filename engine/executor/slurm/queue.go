package slurm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Queue asks Slurm about the jobs of all executors that share it: one squeue in each interval, as long as there is a job to ask about.
type Queue struct {
	mu       sync.Mutex
	interval time.Duration // the shortest of its executors'
	watched  map[string]*watch
	running  bool
	failing  time.Time // time since which squeue fails; zero: it doesn't
	said     bool      // that they do

	listing sync.Mutex
	listed  time.Time // when the last look began
	last    *listing
	looks   atomic.Int64
}

// NewQueue makes a queue; nothing is asked of Slurm yet.
func NewQueue() *Queue { return &Queue{watched: map[string]*watch{}} }

// use has the queue look at least this often.
func (q *Queue) use(interval time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.interval == 0 || interval < q.interval {
		q.interval = interval
	}
}

// watch is one job that somebody waits for.
type watch struct {
	id     string
	news   chan listed                  // gets the latest look that lists it
	say    func(text string, well bool) // called with news about Slurm itself
	ended  chan end
	absent int // number of listings in a row without it
}

func (q *Queue) watch(w *watch) {
	w.news, w.ended = make(chan listed, 1), make(chan end, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.watched[w.id] = w
	if !q.running {
		q.running = true
		go q.poll()
	}
}

// out is how many jobs are waited for.
func (q *Queue) out() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.watched)
}

// pause is how long jobs are collected before they are sent together. While others are running, it is the time that it takes to learn which
// of them have ended.
func (q *Queue) pause() time.Duration {
	if q.out() == 0 {
		return gather
	}
	return max(gather, q.interval)
}

func (q *Queue) unwatch(w *watch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.watched, w.id)
}

// lookTime is how long one squeue may take. squeue itself gives up after some tens of seconds.
const lookTime = time.Minute

// poll runs until nobody waits any more.
func (q *Queue) poll() {
	for {
		time.Sleep(q.interval)
		q.mu.Lock()
		if len(q.watched) == 0 {
			q.running = false
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), lookTime)
		began := time.Now()
		l, err := q.list(ctx, time.Time{})
		cancel()
		if err == nil && l.odd != "" {
			q.report(began, fmt.Errorf("squeue printed %q among its jobs", l.odd))
		} else {
			q.report(began, err)
		}
		if err == nil { // a controller that doesn't answer for a while doesn't mean that a job has ended
			q.tell(l)
		}
	}
}

// list is a listing of the queue, made later than after and at most an interval ago. Callers share it.
func (q *Queue) list(ctx context.Context, after time.Time) (*listing, error) {
	q.listing.Lock()
	defer q.listing.Unlock()
	began := time.Now()
	if q.last != nil && began.Sub(q.listed) < q.interval*9/10 && q.listed.After(after) {
		return q.last, nil
	}
	q.looks.Add(1)
	l, err := list(ctx)
	if err != nil {
		return nil, err
	}
	q.last, q.listed = l, began
	return l, nil
}

// troubleTime is how long squeue may fail before that is reported: controllers are restarted now and then.
const troubleTime = 10 * time.Second

// report reports once that squeue fails, and once that it works again. began is the start of the last squeue.
func (q *Queue) report(began time.Time, err error) {
	text := ""
	q.mu.Lock()
	switch {
	case err == nil:
		if q.said {
			text = "Slurm answers again"
		}
		q.failing, q.said = time.Time{}, false
	case q.failing.IsZero():
		q.failing = began
	}
	if err != nil && !q.said && time.Since(q.failing) >= troubleTime {
		q.said, text = true, fmt.Sprintf("Slurm says nothing of its queue (%v); jobs that are out go on, and it is asked again", err)
	}
	first := slices.Sorted(maps.Keys(q.watched))
	var w *watch
	if len(first) > 0 {
		w = q.watched[first[0]]
	}
	q.mu.Unlock()
	if text != "" && w != nil {
		w.say(text, err == nil)
	}
}

// stateNever is our own state for a job that Slurm has accepted and can never start.
const stateNever = "NEVER"

// stateKilled is our own state for a job that failed by signal 9. Without cgroups, this is all that Slurm says of a job that used too much
// memory.
const stateKilled = "KILLED"

// stateLost is our own state for a job that is gone from the queue.
const stateLost = "LOST"

// maxAbsent is how many listings may lack a job before it counts as lost: squeue drops ended jobs after some minutes, and may not know a
// new one yet.
const maxAbsent = 3

// tell passes a listing's news to those who wait for the jobs.
func (q *Queue) tell(l *listing) {
	byID := map[string]listed{}
	for _, j := range l.jobs {
		byID[j.id] = j
	}
	type seen struct {
		w *watch
		j listed
	}
	var all []seen
	q.mu.Lock()
	for id, w := range q.watched {
		j, there := byID[id]
		switch {
		case there:
			w.absent = 0
		case l.odd != "": // a line that can't be read may be this job
			continue
		default:
			if w.absent++; w.absent < maxAbsent {
				continue
			}
			w.absent, j.state = 0, stateLost
		}
		all = append(all, seen{w, j})
	}
	q.mu.Unlock()
	for _, s := range all {
		e, over := s.j.end()
		if !over {
			select {
			case <-s.w.news: // nobody needs what came before
			default:
			}
			s.w.news <- s.j
			continue
		}
		select {
		case s.w.ended <- e:
		default: // told before
		}
	}
}
