// Package slurm sends work orders to a Slurm cluster. The nodes share a file system with the state folder, or a Courier
// carries files.
//
// A job is `rein step run ORDER` in a batch script. One squeue an interval asks about all jobs; what a job prints is
// read from its output file. Jobs are named after their ActionIDs, and the name is written down in the job's folder
// before the job is sent, so that a run that was killed at any moment finds its jobs again and sends none twice.
package slurm

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"rein/engine"
)

// Config is an executor "slurm" block.
type Config struct {
	Partition string
	Account   string
	QOS       string
	GRES      string        // of every job; if empty, a step's gpu = N becomes gpu:N
	Time      time.Duration // limit of a job without a timeout of its own; 0: the partition's
	Setup     []string      // lines of shell before the step: module load ...
	Args      []string      // further sbatch arguments
	MaxJobs   int           // jobs out at a time; 0: 100
	Interval  time.Duration // between two looks at the queue; 0: 2 seconds
	Queue     *Queue        // shared with other executors; nil: its own
	Argv      []string      // executes an order on the nodes; nil: what executes one here
	// Requeues is how often a job is sent again after it was preempted or lost its node. 0: 3; negative: never. After it ran out of memory
	// or time, it is sent again with MoreMemory or MoreTime times as much; a factor of at most 1 means that it isn't.
	Requeues             int
	MoreMemory, MoreTime float64
	// Courier carries orders and results if the nodes don't share the state folder's file system. nil: they do.
	Courier Courier
	// Leave is asked once when the run is interrupted: shall the running jobs go on, for the next run to find? Otherwise, or if Leave is
	// nil, they are cancelled.
	Leave func(ctx context.Context, jobs int) bool
}

// Courier carries orders to machines that see no file of this one, and brings back their results.
type Courier interface {
	// Send makes a job's order executable anywhere, and returns the command that does it.
	Send(ctx context.Context, j *engine.Job) (argv []string, err error)
	// Bring fetches what a job has left so far: printed lines, which go to the end of the file log, and once it has ended its outputs and
	// then its answer. over says that the job has ended, so that nothing is left to wait for.
	Bring(ctx context.Context, j *engine.Job, log string, over bool) error
	// Forget removes an attempt that was given up, so that a job which starts late finds no order.
	Forget(j *engine.Job)
}

// Executor is an engine.Executor. Make it with New.
type Executor struct {
	config Config
	queue  *Queue
	submit *submitter
	cancel *canceller

	out   atomic.Int64 // jobs that are followed
	asked sync.Once
	leave bool
}

// New makes an executor. It doesn't ask Slurm anything yet.
func New(c Config) *Executor {
	if c.MaxJobs <= 0 {
		c.MaxJobs = 100
	}
	if c.Interval <= 0 {
		c.Interval = 2 * time.Second
	}
	if c.Queue == nil {
		c.Queue = NewQueue()
	}
	switch {
	case c.Requeues == 0:
		c.Requeues = 3
	case c.Requeues < 0:
		c.Requeues = 0
	}
	c.Queue.use(c.Interval)
	x := &Executor{config: c, queue: c.Queue, cancel: &canceller{}}
	x.submit = newSubmitter(c)
	return x
}

// MaxJobs implements engine.Executor.
func (x *Executor) MaxJobs() int { return x.config.MaxJobs }

// Execute implements engine.Executor.
func (x *Executor) Execute(ctx context.Context, j *engine.Job) (engine.Usage, error) {
	a := &attempt{Executor: x, job: j, memory: j.Order.Resources.Memory, time: j.Timeout}
	if a.time == 0 {
		a.time = x.config.Time
	}
	found, err := a.find(ctx)
	if err != nil {
		return engine.Usage{}, err
	}
	for sent := 0; ; {
		if !found {
			if err := a.send(ctx); err != nil {
				return engine.Usage{}, err
			}
			sent++
		}
		e, err := a.follow(ctx)
		if err != nil {
			return engine.Usage{}, err
		}
		if answer, ok := j.Answer(); ok && !e.cut() {
			return a.used(e), answer
		}
		if e.state == stateLost || e.state == stateNever {
			if err := x.cancel.add(a.id); err != nil && e.state == stateLost { // it may still be running, so no other is sent
				a.say(fmt.Sprintf("Slurm job %s is gone from the queue and can't be cancelled (%v); it is waited for", a.id, err))
				found = true
				continue
			}
		}
		again := a.again(e)
		if !found && (!again || sent > x.config.Requeues) {
			return engine.Usage{}, e.failure(a)
		}
		found = false // this job of an earlier run has left no answer, and nothing else of it counts
		a.log(fmt.Sprintf("Slurm job %s %s: sent again", a.id, e.words()))
	}
}

// used is what the job took.
func (a *attempt) used(e end) engine.Usage {
	u := a.job.Used()
	if e.node != "" {
		u.Host = e.node
	}
	return u
}
