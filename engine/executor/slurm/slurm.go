// Package slurm sends work orders to a Slurm cluster. The nodes share a file system with the state folder, or a Courier
// carries files.
//
// A job is `rein step run ORDER` in a batch script. One squeue an interval asks about all jobs; what a job prints is
// read from its output file. Jobs are named after their ActionIDs, and the name is written down in the job's folder
// before the job is sent, so that a run that was killed at any moment finds its jobs again and sends none twice.
package slurm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"rein/engine"
)

// Config is an executor "slurm" block.
type Config struct {
	Partition string
	Account   string
	QOS       string
	GRES      string        // of every job; where it is empty a step's gpu = N becomes gpu:N
	Time      time.Duration // limit of a job without a timeout of its own; 0: the partition's
	Setup     []string      // lines of shell before the step: module load ...
	Args      []string      // further sbatch arguments
	MaxJobs   int           // jobs out at a time; 0: 100
	Interval  time.Duration // between two looks at the queue; 0: 2 seconds
	Argv      []string      // executes an order on the nodes; nil: what executes one here
	// Requeues is how often a job is sent again that was preempted or lost its node; 0: 3, less: never. MoreMemory and MoreTime are
	// factors for sending it again after it ran out of memory or time; at most 1: it has failed.
	Requeues             int
	MoreMemory, MoreTime float64
	// Courier carries orders and results where the nodes don't share the state folder's file system; nil: they do.
	Courier Courier
	// Leave decides, once, when the run is interrupted: whether the jobs that are out go on, for the next run to find, or
	// are cancelled. nil: cancelled.
	Leave func(ctx context.Context, jobs int) bool
}

// Courier carries orders to where no file of this machine is seen, and brings back what they leave.
type Courier interface {
	// Send makes a job's order executable anywhere, and returns the command that does it.
	Send(ctx context.Context, j *engine.Job) (argv []string, err error)
	// Bring fetches what a job has left so far: printed lines to the end of the file log; once it has ended, its outputs and
	// then its answer. over says that the job has ended, so that there is nothing to wait for.
	Bring(ctx context.Context, j *engine.Job, log string, over bool) error
}

// Executor is an engine.Executor. Make it with New.
type Executor struct {
	config Config
	queue  *queue
	submit *submitter
	cancel *canceller

	asked sync.Once
	leave bool
}

// New makes an executor; nothing is asked of Slurm yet.
func New(c Config) *Executor {
	if c.MaxJobs <= 0 {
		c.MaxJobs = 100
	}
	if c.Interval <= 0 {
		c.Interval = 2 * time.Second
	}
	switch {
	case c.Requeues == 0:
		c.Requeues = 3
	case c.Requeues < 0:
		c.Requeues = 0
	}
	x := &Executor{config: c, queue: &queue{interval: c.Interval, watched: map[string]*watch{}}}
	x.submit = &submitter{config: c, pause: x.queue.pause}
	x.cancel = &canceller{}
	return x
}

// Looks is how often Slurm was asked about jobs.
func (x *Executor) Looks() int { return int(x.queue.looks.Load()) }

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
	for requeues := 0; ; requeues++ {
		if !found {
			if err := a.send(ctx); err != nil {
				return engine.Usage{}, err
			}
		}
		found = false
		if answer, ok := j.Answer(); ok { // given while no run was there to take it
			return engine.Usage{}, errors.Join(a.relay(), answer)
		}
		end, err := a.follow(ctx)
		if err != nil {
			return engine.Usage{}, err
		}
		if answer, ok := j.Answer(); ok {
			return engine.Usage{Host: end.node}, answer
		}
		if end.state == stateNever {
			return engine.Usage{}, errors.Join(end.failure(a), a.cancel.add(a.id))
		}
		if requeues >= x.config.Requeues || !a.again(end) {
			return engine.Usage{}, end.failure(a)
		}
		j.Emit(engine.Event{Action: engine.ActionLog, Text: fmt.Sprintf("Slurm job %s %s: sent again", a.id, end.words())})
	}
}

// attempt is one job of a step, and those sent after it.
type attempt struct {
	*Executor
	job    *engine.Job
	id     string // Slurm's, "12" or "12_3"
	memory int64
	time   time.Duration
	read   int64    // bytes of the output file that were passed on
	argv   []string // a courier's command
}

// end is how Slurm says that a job ended; of one that can't start, node is the reason.
type end struct{ state, node string }

// again decides whether a job that left no answer is sent again, and with what.
func (a *attempt) again(e end) bool {
	switch e.state {
	case "PREEMPTED", "NODE_FAIL", "BOOT_FAIL", "REVOKED", "REQUEUED", "LOST":
		return true // the step's checkpoint folder is still there
	case "OUT_OF_MEMORY", stateKilled:
		if a.config.MoreMemory > 1 && a.memory > 0 {
			a.memory = int64(float64(a.memory) * a.config.MoreMemory)
			return true
		}
	case "TIMEOUT", "DEADLINE":
		if a.config.MoreTime > 1 && a.time > 0 {
			a.time = time.Duration(float64(a.time) * a.config.MoreTime)
			return true
		}
	}
	return false
}

// words says what an end means.
func (e end) words() string {
	switch e.state {
	case "PREEMPTED":
		return "was preempted"
	case "NODE_FAIL", "BOOT_FAIL":
		return "lost its node " + e.node
	case "OUT_OF_MEMORY":
		return "ran out of memory"
	case stateKilled:
		return "was killed on its node (signal 9), as one that takes too much memory is"
	case "TIMEOUT", "DEADLINE":
		return "ran out of time"
	case "CANCELLED":
		return "was cancelled"
	case stateNever:
		return "can't ever start (" + e.node + ")"
	case "LOST":
		return "is gone from the queue without an answer"
	}
	return "ended as " + e.state + " without an answer"
}

func (e end) failure(a *attempt) error {
	hint := ""
	switch e.state {
	case stateNever:
		hint = "; the cluster has no such resources, or the partition, account or qos is wrong"
	case "OUT_OF_MEMORY", stateKilled:
		hint = "; give the step more with resources { memory = ... }, or set more_memory"
	case "TIMEOUT", "DEADLINE":
		hint = fmt.Sprintf("; its limit was %v: set timeout on the step, or more_time", a.time)
	}
	if a.config.Courier != nil && e.state != stateNever {
		hint += fmt.Sprintf("; what it printed itself is on its node (%s), in rein-JOBID.out of the folder for temporary files", e.node)
	}
	return fmt.Errorf("job %s of Slurm %s%s", a.id, e.words(), hint)
}

// follow waits for the job's end, passing on what it prints.
func (a *attempt) follow(ctx context.Context) (end, error) {
	w := a.queue.watch(a.id)
	defer a.queue.unwatch(w)
	tick := time.NewTicker(a.config.Interval)
	defer tick.Stop()
	for {
		select {
		case e := <-w.ended:
			if e.state != stateNever {
				if err := a.awaitAnswer(ctx); err != nil {
					return end{}, err
				}
			}
			return e, a.relay()
		case <-tick.C:
			_ = a.bring(ctx, false) // news can wait; the end can't
			if err := a.relay(); err != nil {
				return end{}, err
			}
			if _, ok := a.job.Answer(); ok { // it has said all; Slurm will notice
				return end{state: "COMPLETED"}, a.relay()
			}
		case <-ctx.Done():
			return end{}, errors.Join(ctx.Err(), a.interrupted())
		}
	}
}

// awaitAnswer gives a network file system a moment to show what the node wrote; a courier is asked for it.
func (a *attempt) awaitAnswer(ctx context.Context) error {
	if a.config.Courier != nil {
		return a.bring(ctx, true)
	}
	for range 20 {
		if _, ok := a.job.Answer(); ok {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

// bring has a courier bring home what the job has left.
func (a *attempt) bring(ctx context.Context, over bool) error {
	if a.config.Courier == nil {
		return nil
	}
	return a.config.Courier.Bring(ctx, a.job, outputPath(a.job.Folder()), over)
}

// interrupted cancels the job, unless jobs are to be left alone.
func (a *attempt) interrupted() error {
	a.asked.Do(func() {
		if a.config.Leave != nil {
			a.leave = a.config.Leave(context.Background(), a.queue.out())
		}
	})
	if a.leave || a.id == "" {
		return nil
	}
	err := a.cancel.add(a.id)
	if err == nil { // the next run is not to find the job while it ends
		err = os.Remove(intentPath(a.job.Dir))
	}
	return err
}
