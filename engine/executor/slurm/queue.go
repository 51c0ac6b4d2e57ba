package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rein/engine/internal/proc"
)

// command runs one of Slurm's programs and returns what it printed.
func command(ctx context.Context, stdin, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	proc.Group(cmd) // Ctrl-C in a terminal is for us: half a submission would be nobody's
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("%s is not on PATH: is this a machine that can submit to Slurm?", name)
		}
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// queue asks Slurm about all jobs with one squeue an interval, while there is any job to ask about.
type queue struct {
	interval time.Duration
	mu       sync.Mutex
	watched  map[string]*watch
	running  bool

	listing sync.Mutex
	listed  time.Time // when the last look began
	jobs    []listed
	looks   atomic.Int64
}

// watch is one job that somebody waits for.
type watch struct {
	id     string
	ended  chan end
	absent int // polls in a row that didn't list it
}

func (q *queue) watch(id string) *watch {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := &watch{id: id, ended: make(chan end, 1)}
	q.watched[id] = w
	if !q.running {
		q.running = true
		go q.poll()
	}
	return w
}

// out is how many jobs are waited for.
func (q *queue) out() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.watched)
}

// pause is how long jobs are collected that go out together: while others are out, as long as it takes to learn which
// of them have made room.
func (q *queue) pause() time.Duration {
	if q.out() == 0 {
		return gather
	}
	return max(gather, q.interval)
}

func (q *queue) unwatch(w *watch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.watched, w.id)
}

// poll runs until nobody waits any more.
func (q *queue) poll() {
	for {
		time.Sleep(q.interval)
		q.mu.Lock()
		if len(q.watched) == 0 {
			q.running = false
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		jobs, err := q.list(ctx)
		cancel()
		if err == nil { // a controller that doesn't answer for a while ends no job
			q.tell(jobs)
		}
	}
}

// list is what the queue holds, not older than an interval: whoever asks, Slurm is asked once.
func (q *queue) list(ctx context.Context) ([]listed, error) {
	q.listing.Lock()
	defer q.listing.Unlock()
	if began := time.Now(); began.Sub(q.listed) >= q.interval*9/10 {
		q.looks.Add(1)
		jobs, err := list(ctx)
		if err != nil {
			return nil, err
		}
		q.jobs, q.listed = jobs, began
	}
	return q.jobs, nil
}

// stateNever is our own word for a job that Slurm has taken and can't ever start.
const stateNever = "NEVER"

// stateKilled is our own word for a job that failed by signal 9: where memory is watched without cgroups, that is all that Slurm
// says of one that took too much.
const stateKilled = "KILLED"

// maxAbsent is how many polls a job may be missing from the queue before it counts as lost: squeue forgets ended jobs
// after some minutes, and may not know a new one yet.
const maxAbsent = 3

func (q *queue) tell(jobs []listed) {
	byID := map[string]listed{}
	for _, j := range jobs {
		byID[j.id] = j
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, w := range q.watched {
		j, there := byID[id]
		switch {
		case !there:
			if w.absent++; w.absent < maxAbsent {
				continue
			}
			j.state = "LOST"
		case never(j):
			j.state, j.node = stateNever, j.reason
		case !over(j.state):
			w.absent = 0
			continue
		case j.state == "FAILED" && j.code == killed:
			j.state = stateKilled
		}
		select {
		case w.ended <- end{j.state, j.node}:
		default: // told before
		}
	}
}

// listed is one line of squeue.
type listed struct{ id, name, state, reason, node, code string }

// killed is the wait status of a process that signal 9 has ended.
const killed = "9"

// columns are what squeue is asked for, with the width of each: a reason may hold spaces.
var columns = []struct {
	name  string
	width int
}{{"JobArrayID", 64}, {"Name", 128}, {"State", 32}, {"Reason", 64}, {"NodeList", 64}, {"exit_code", 16}}

// list asks for all jobs of ours, ended ones included as long as Slurm remembers them. An array shows each task.
func list(ctx context.Context) ([]listed, error) {
	format := make([]string, len(columns))
	for i, c := range columns {
		format[i] = fmt.Sprintf("%s:%d", c.name, c.width)
	}
	out, err := command(ctx, "", "squeue", "--me", "--noheader", "--array", "--states=all", "--Format="+strings.Join(format, ","))
	if err != nil {
		return nil, err
	}
	return parseQueue(out), nil
}

func parseQueue(out string) []listed {
	var jobs []listed
	for line := range strings.Lines(out) {
		var fs [6]string
		for i, c := range columns {
			n := min(c.width, len(line))
			fs[i], line = strings.TrimSpace(line[:n]), line[n:]
		}
		if fs[0] != "" {
			jobs = append(jobs, listed{fs[0], fs[1], fs[2], fs[3], fs[4], fs[5]})
		}
	}
	return jobs
}

// never tells the reasons of a pending job that mean that it can't ever start.
func never(j listed) bool {
	switch j.reason {
	case "PartitionConfig", "BadConstraints", "PartitionNodeLimit", "PartitionTimeLimit", "InvalidAccount", "InvalidQOS", "DependencyNeverSatisfied":
		return j.state == "PENDING"
	}
	return false
}

// over tells whether a state is a job's last.
func over(state string) bool {
	switch state {
	case "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT":
		return true
	}
	return false
}
