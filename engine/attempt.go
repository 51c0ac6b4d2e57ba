package engine

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rein/engine/record"
)

// attempts runs the step, and after a fault runs it again as often as its retries allow. A verdict is an answer, so it isn't retried.
// granted tells whether the task still has its grant.
func (w *worker) attempts(t *task) (res result, granted bool) {
	n := t.unit.nodes[0]
	log := newStepLog(w.store.LogPath(t.action))
	defer log.close()
	c := newCollector(n, t.action, w.options.Emit, log)
	release, err := w.tokens.take(w.ctx, t.grant, func() {
		c.event(Event{Action: ActionWait, Text: "waits for resources that another rein holds"})
	})
	if err != nil {
		return w.failure(err), true
	}
	granted = true
	over := func() { // the step has run; taking in its outputs waits for the disk and needs no job slot
		w.commits <- struct{}{} // with a slow disk, slots have to wait all the same
		release()
		granted = false
		w.messages <- freed{t.grant}
	}
	defer func() {
		if granted {
			release()
		} else {
			<-w.commits
		}
	}()
	began := time.Now()
	queued := began.Sub(t.queued)
	c.event(Event{Action: ActionStart, Reasons: record.Words(t.reasons), Why: t.reasons, Executor: t.executor})
	pause := w.options.RetryDelay
	for try := 0; ; try++ {
		res = w.attempt(t, c, over)
		res.err = c.mask.error(res.err)
		res.queued, res.ran = queued, time.Since(began)
		if t.away != nil && res.status == StatusRan { // the rest of the time it has waited in the executor's queue
			ran := time.Duration(res.kept.RunMS) * time.Millisecond
			res.queued, res.ran = res.queued+max(0, res.ran-ran), ran
		}
		if res.status != StatusFailed {
			return res, granted
		}
		if try >= t.unit.retries || !granted { // an output that can't be stored won't be stored at the next try either
			res.err = withLog(res.err, t.unit.nodes[0].Pos, c.tail(), log.close())
			return res, granted
		}
		c.event(Event{Action: ActionLog, Text: fmt.Sprintf("attempt %d of %d failed: %v; again in %v", try+1, t.unit.retries+1, res.err, pause)})
		select {
		case <-time.After(pause):
			pause = min(2*pause, time.Minute)
		case <-w.ctx.Done():
			return w.failure(w.ctx.Err()), true
		}
		c.restart()
	}
}

// attempt executes the step once and commits what it made.
func (w *worker) attempt(t *task, c *collector, over func()) result {
	u := t.unit
	o, dir, done, err := w.order(t)
	if err != nil {
		return w.failure(err)
	}
	defer done()
	ctx, cancel := w.limit(u)
	defer cancel()
	w.options.point("run")
	start := time.Now()
	used, err := w.run(ctx, t, o, c, dir)
	took := cmp.Or(used.Ran, time.Since(start))
	if err == nil {
		err = ctx.Err() // an op that was told to stop may return nil without having made anything
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !isVerdict(err) {
			err = cause
		}
		return w.failure(err)
	}
	kept := c.taken()
	kept.RunMS, kept.PeakRSS, kept.Made, kept.Host = max(ms(took), 1), used.PeakRSS, start.UTC().Truncate(time.Millisecond), used.Host
	if kept.Host == "" {
		kept.Host = hostname()
	}
	over()
	return w.commit(t, o, kept)
}

// limit is the run's context with the step's timeout, the longest of its nodes'.
func (w *worker) limit(u *unit) (context.Context, context.CancelFunc) {
	var longest time.Duration
	for _, n := range u.nodes {
		if n.Timeout <= 0 {
			return context.WithCancel(w.ctx)
		}
		longest = max(longest, n.Timeout)
	}
	return context.WithTimeoutCause(w.ctx, longest, fmt.Errorf("took longer than its timeout of %v", longest))
}

// run executes the order: in this process, in a child process if the step type asks for that, or elsewhere.
func (w *worker) run(ctx context.Context, t *task, o *Order, c *collector, dir string) (used Usage, err error) {
	if t.away != nil {
		return w.runElsewhere(ctx, t.away, o, c, dir)
	}
	if !t.unit.desc.Isolated || len(w.options.Child) == 0 {
		return used, t.unit.op.Run(ctx, &Call{Inputs: o.Inputs, Outputs: o.Outputs, Scratch: o.Scratch, Left: o.left, Checkpoint: o.Checkpoint,
			Emit: c.event, Memo: w.store, Resources: o.Resources})
	}
	path := filepath.Join(dir, "order.json")
	if err := o.write(path); err != nil {
		return used, err
	}
	used.PeakRSS, err = runChild(ctx, w.options.Child, path, childEnv(o.Resources), w.options.Grace, c.event)
	return used, err
}

// childEnv is the environment in which the child sees exactly the GPUs that it was granted.
func childEnv(res Resources) []string {
	return append(os.Environ(), "CUDA_VISIBLE_DEVICES="+strings.Join(res.GPUs, ","))
}
