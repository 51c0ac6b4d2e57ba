package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rein/cache"
)

// Executor executes work orders elsewhere, for example on a cluster. Without an executor, steps run on this machine.
type Executor interface {
	// Execute waits for a job's end and returns the step's answer: nil, a *Verdict, or an error. If an earlier run that was killed has
	// already sent the job, Execute finds it and doesn't send it twice. When ctx ends, the job is cancelled or left running, as the
	// executor was told; a job that is left running keeps its folder.
	Execute(ctx context.Context, j *Job) (Usage, error)
	// MaxJobs is how many jobs may be in progress at a time.
	MaxJobs() int
}

// Job is a work order on its way.
type Job struct {
	Order *Order
	// Dir is the job's folder, reachable from wherever the job runs. It is named after the ActionID and outlives a
	// killed run, so the next one looks there first.
	Dir string
	// Try is the folder in Dir of the current attempt. Each attempt has its own: a job that was given up, because its node seemed lost, may
	// still be running and must not write to its successor's folder.
	Try string
	// Argv executes an order: its path is appended.
	Argv    []string
	Timeout time.Duration // 0: none
	// Emit gets the step's events as they come.
	Emit func(Event)

	restart func() // drops what the step has reported of its result
}

// Usage is what a job took.
type Usage struct {
	PeakRSS int64         `json:"peak_rss,omitempty"` // bytes; 0: not known
	Host    string        `json:"host,omitempty"`     // where it ran
	Ran     time.Duration `json:"ran,omitempty"`      // without the time in a queue; 0: not known
}

// OrderPath is where the job's work order is.
func (j *Job) OrderPath() string { return filepath.Join(j.Folder(), "order.json") }

// Folder is the attempt's.
func (j *Job) Folder() string { return filepath.Join(j.Dir, j.Try) }

// Resume takes up an attempt of an earlier run.
func (j *Job) Resume(try string) {
	j.Try = try
	j.Order.Scratch = filepath.Join(j.Folder(), scratchName)
	for port := range j.Order.Outputs {
		j.Order.Outputs[port] = filepath.Join(j.Folder(), "out."+port)
	}
}

// Begin starts a new attempt: it empties the job's folder and writes the order.
func (j *Job) Begin() error {
	if err := cache.RemoveAll(j.Dir); err != nil {
		return err
	}
	j.Resume("try-" + rand.Text())
	if err := os.MkdirAll(j.Order.Scratch, 0o755); err != nil {
		return err
	}
	return j.Order.write(j.OrderPath())
}

// Answer reads the answer that the executed order has left. ok is false if there is none yet.
func (j *Job) Answer() (answer error, ok bool) { return readResult(j.OrderPath()) }

// Used is the time and memory that the executed order took, once there is an answer.
func (j *Job) Used() Usage {
	r, _ := readOutcome(j.OrderPath())
	return r.Used
}

// Accept writes an answer that came from elsewhere into the job's folder: nil, a *Verdict, or an error.
func (j *Job) Accept(answer error, used Usage) error {
	return writeResult(j.OrderPath(), answer, used)
}

// EventLine passes on a line that the job printed: an event, or else a log line. When an execution begins again, what it reported of its
// result before is dropped.
func (j *Job) EventLine(line string) {
	if line != "" {
		relay(j.Emit, func() {
			if j.restart != nil {
				j.restart()
			}
		})(line)
	}
}

// executorOf names where a node runs; "": here.
func (o *Options) executorOf(n *Node) string {
	if name := cmp.Or(o.Executor, n.Executor); name != "local" {
		return name
	}
	return ""
}

// executor is where a unit runs; nil: here.
func (o *Options) executor(u *unit) (Executor, error) {
	name := o.executorOf(u.nodes[0].Node)
	if name == "" {
		return nil, nil
	}
	x := o.Executors[name]
	if x == nil {
		return nil, fmt.Errorf("executor %q is not configured; there are: %s", name, listOf(append(slices.Sorted(maps.Keys(o.Executors)), "local")))
	}
	return x, nil
}

// checkExecutors refuses names that aren't configured, before anything runs.
func (w *work) checkExecutors(o *Options) error {
	for _, u := range w.units {
		x, err := o.executor(u)
		if err != nil {
			return nodeError(u.nodes[0].Node, err)
		}
		if x != nil && len(o.Child) == 0 {
			return nodeError(u.nodes[0].Node, fmt.Errorf("an executor needs a command that executes work orders"))
		}
	}
	return nil
}

// runElsewhere has an executor run the order.
func (w *worker) runElsewhere(ctx context.Context, x Executor, o *Order, c *collector, dir string) (Usage, error) {
	var timeout time.Duration
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(w.ctx) // the executor limits the job itself, because time in a queue doesn't count
		defer cancel()
	}
	o.Tether = false
	return x.Execute(ctx, &Job{Order: o, Dir: dir, Argv: w.options.Child, Timeout: timeout, Emit: c.event, restart: c.restart})
}
