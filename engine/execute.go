package engine

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rein/cache"
)

// execute takes a runnable task to its end, in a worker. If another process is at the same work it gives its grant
// back and the task waits without holding anything.
func (r *runner) execute(t *task) message {
	m := message{unit: t.unit, granted: true, grant: t.grant}
	if t.lease == nil {
		l, err := r.store.TryLease(t.action)
		if err != nil {
			m.result = r.failure(err)
			return m
		}
		if l == nil {
			m.task, m.waits = t, true
			return m
		}
		t.lease = l
	}
	defer t.lease.Release()
	r.options.point("leased")
	if res, done := r.madeMeanwhile(t); done {
		m.result = res
		return m
	}
	m.result, m.granted = r.attempts(t)
	m.result.action = t.action
	return m
}

// wait follows another process that is at the same work, in a worker.
func (r *runner) wait(t *task) message {
	n := t.unit.nodes[0]
	l, err := r.store.Lease(r.ctx, t.action, func() {
		r.emit(Event{Action: ActionWait, Pipeline: n.pipeline.Name, Step: n.Name, Type: n.Type, ActionID: t.action.String(),
			Text: "another rein is making this result"})
	})
	if err != nil {
		res := r.failure(err)
		res.action = t.action
		return message{unit: t.unit, result: res}
	}
	t.lease = l
	if res, done := r.madeMeanwhile(t); done {
		_ = l.Release()
		return message{unit: t.unit, result: res}
	}
	return message{unit: t.unit, task: t}
}

// madeMeanwhile asks the store again once the lease is held: the former holder may have made the result.
func (r *runner) madeMeanwhile(t *task) (result, bool) {
	if t.forced || t.verify != nil {
		return result{}, false
	}
	e, _, err := r.entry(r.ctx, t.action)
	lost := ""
	if err == nil && e != nil && complete(e, t.unit.nodes[0].Ports) {
		lost, err = r.store.Lost(r.ctx, e)
	}
	if err != nil {
		res := r.failure(err)
		res.action = t.action
		return res, true
	}
	if e == nil || lost != "" || !complete(e, t.unit.nodes[0].Ports) {
		return result{}, false
	}
	res := r.hit(t.unit, e)
	res.reasons = []string{"made by another rein meanwhile"}
	return res, true
}

// attempts runs the step, again after a fault as often as its retries allow. A verdict is an answer: no retry.
// granted tells whether the task still has its grant.
func (r *runner) attempts(t *task) (res result, granted bool) {
	n := t.unit.nodes[0]
	log := newStepLog(r.store.LogPath(t.action))
	defer log.close()
	c := newCollector(n, t.action, r.options.Emit, log)
	release, err := r.tokens.take(r.ctx, t.grant, func() {
		c.event(Event{Action: ActionWait, Text: "waits for resources that another rein holds"})
	})
	if err != nil {
		return r.failure(err), true
	}
	granted = true
	over := func() { // the step has run; what is left, taking its outputs in, waits for the disk and needs no slot
		r.commits <- struct{}{} // with a slow disk the slots wait after all
		release()
		granted = false
		r.messages <- message{granted: true, grant: t.grant, more: true}
	}
	defer func() {
		if granted {
			release()
		} else {
			<-r.commits
		}
	}()
	began := time.Now()
	queued := began.Sub(t.queued)
	c.event(Event{Action: ActionStart, Reasons: t.reasons, Executor: r.options.executorOf(n.Node)})
	pause := r.options.RetryDelay
	for try := 0; ; try++ {
		res = r.attempt(t, c, over)
		res.err = c.mask.error(res.err)
		res.queued, res.ran = queued, time.Since(began)
		if t.away != nil && res.status == StatusRan { // the rest it has waited in the executor's queue
			ran := time.Duration(res.kept.RunMS) * time.Millisecond
			res.queued, res.ran = res.queued+max(0, res.ran-ran), ran
		}
		if res.status != StatusFailed {
			return res, granted
		}
		if try >= t.unit.retries || !granted { // an output that can't be kept is no matter of luck
			res.err = withLog(res.err, t.unit.nodes[0].Pos, c.tail(), log.close())
			return res, granted
		}
		c.event(Event{Action: ActionLog, Text: fmt.Sprintf("attempt %d of %d failed: %v; again in %v", try+1, t.unit.retries+1, res.err, pause)})
		select {
		case <-time.After(pause):
			pause = min(2*pause, time.Minute)
		case <-r.ctx.Done():
			return r.failure(r.ctx.Err()), true
		}
		c.restart()
	}
}

// withLog adds the last log lines to an error, where the step is written and where its whole log is.
func withLog(err error, pos string, tail []string, path string) error {
	var where []string
	if pos != "" {
		where = append(where, "step at "+pos)
	}
	if path != "" {
		where = append(where, "the whole log: "+path)
	}
	if len(where) == 0 {
		return err
	}
	if tail = unsaid(err.Error(), tail); len(tail) > 0 {
		return fmt.Errorf("%w\n  %s\n(%s)", err, strings.Join(tail, "\n  "), strings.Join(where, "; "))
	}
	return fmt.Errorf("%w\n(%s)", err, strings.Join(where, "; "))
}

// unsaid are the log lines that tell more than an error does: an exec step's error shows them already, and a process of our
// own that fails prints its error last.
func unsaid(err string, tail []string) []string {
	n := len(tail)
	if n > 0 && strings.Contains(err, tail[n-1]) {
		return nil
	}
	for n > 0 && strings.Contains(err, strings.TrimPrefix(tail[n-1], "error: ")) {
		n--
	}
	return tail[:n]
}

// attempt executes the step once and commits what it made.
func (r *runner) attempt(t *task, c *collector, over func()) result {
	u := t.unit
	dir, done, err := r.place(t)
	if err != nil {
		return r.failure(err)
	}
	defer func() { done() }()
	o, err := r.order(t, dir)
	if err != nil {
		return r.failure(err)
	}
	free, err := r.checkpoint(t, o)
	if err != nil {
		return r.failure(err)
	}
	defer free()
	ctx, cancel := r.limit(u)
	defer cancel()
	r.options.point("run")
	start := time.Now()
	used, err := r.run(ctx, t, o, c, dir)
	took := cmp.Or(used.Ran, time.Since(start))
	if err == nil {
		err = ctx.Err() // an op that returns nil because it was told to stop has made nothing
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !isVerdict(err) {
			err = cause
		}
		return r.failure(err)
	}
	kept := c.taken()
	kept.RunMS, kept.PeakRSS, kept.Made, kept.Host = max(ms(took), 1), used.PeakRSS, start.UTC().Truncate(time.Millisecond), used.Host
	if kept.Host == "" {
		kept.Host, _ = os.Hostname()
	}
	over()
	return r.commit(t, o, kept)
}

// limit is the run's context with the step's timeout, the longest of its nodes'.
func (r *runner) limit(u *unit) (context.Context, context.CancelFunc) {
	var longest time.Duration
	for _, n := range u.nodes {
		if n.Timeout <= 0 {
			return context.WithCancel(r.ctx)
		}
		longest = max(longest, n.Timeout)
	}
	return context.WithTimeoutCause(r.ctx, longest, fmt.Errorf("took longer than its timeout of %v", longest))
}

// order lays the step's work out: inputs at readable paths, outputs at paths to create.
func (r *runner) order(t *task, dir string) (*Order, error) {
	u, n := t.unit, t.unit.nodes[0]
	o := &Order{Format: orderFormat, Action: t.action, Pipeline: n.pipeline.Name, Step: n.Name, Type: u.desc.Type, Version: u.desc.Version,
		Config: u.desc.Config, Inputs: map[string][]File{}, Outputs: map[string]string{}, Scratch: filepath.Join(dir, scratchName),
		Key: t.key, Executor: r.options.executorOf(n.Node), Resources: u.resources, State: r.store.Dir(), Tether: true,
		Sensitive: u.desc.Sensitive, Salt: u.desc.salt, Secrets: u.secrets()}
	o.Resources.GPUs = t.grant.gpus
	for port, files := range t.in.ports {
		for _, f := range files {
			path := f.path
			if path == "" {
				var err error
				if path, err = r.store.Path(r.ctx, f.blob); err != nil {
					return nil, fmt.Errorf("input %s: %w", port, err)
				}
			}
			o.Inputs[port] = append(o.Inputs[port], File{Path: path, Digest: f.blob.Digest, Name: f.name})
		}
	}
	for _, p := range n.Ports {
		o.Outputs[p.Name] = filepath.Join(dir, "out."+p.Name)
	}
	return o, nil
}

// place makes the folder of an attempt. That of a job elsewhere is not emptied: a killed run may have left the job there.
func (r *runner) place(t *task) (dir string, done func(), err error) {
	if t.away == nil {
		dir, err = r.space.take(t.unit.facts)
		return dir, func() { r.space.give(dir) }, err
	}
	dir = r.jobDir(t)
	return dir, func() {
		if r.ctx.Err() == nil { // else the job may go on
			_ = removeAll(dir) // a later attempt begins by emptying it
		}
	}, os.MkdirAll(dir, 0o755)
}

// run executes the order: here, in a process of its own if the step type asks for that, or elsewhere.
func (r *runner) run(ctx context.Context, t *task, o *Order, c *collector, dir string) (used Usage, err error) {
	if t.away != nil {
		return r.runElsewhere(ctx, t.away, o, c, dir)
	}
	if !t.unit.desc.Isolated || len(r.options.Child) == 0 {
		return used, t.unit.op.Run(ctx, &Call{Inputs: o.Inputs, Outputs: o.Outputs, Scratch: o.Scratch, Checkpoint: o.Checkpoint,
			Emit: c.event, Memo: r.store, Resources: o.Resources})
	}
	path := filepath.Join(dir, "order.json")
	if err := o.write(path); err != nil {
		return used, err
	}
	used.PeakRSS, err = runChild(ctx, r.options.Child, path, childEnv(o.Resources), r.options.Grace, c.event)
	return used, err
}

// childEnv shows the child exactly the GPUs that it was granted.
func childEnv(res Resources) []string {
	return append(os.Environ(), "CUDA_VISIBLE_DEVICES="+strings.Join(res.GPUs, ","))
}

// checkpoint names the step's checkpoint folder. Where two keys share one (12 epochs and 15), it is leased.
func (r *runner) checkpoint(t *task, o *Order) (free func(), err error) {
	key := checkpointKey(t.unit.desc, t.in.lines)
	o.Checkpoint = r.store.CheckpointPath(key)
	if len(t.unit.desc.Extents) == 0 {
		return func() {}, nil
	}
	lease, err := r.store.Lease(r.ctx, cache.Sum([]byte("checkpoint "+key.String())), func() {})
	if err != nil {
		return nil, err
	}
	return func() { lease.Release() }, nil
}
