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
	"rein/engine/record"
)

// attempts runs the step, again after a fault as often as its retries allow. A verdict is an answer: no retry.
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
	over := func() { // the step has run; what is left, taking its outputs in, waits for the disk and needs no slot
		w.commits <- struct{}{} // with a slow disk the slots wait after all
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
	c.event(Event{Action: ActionStart, Reasons: record.Words(t.reasons), Why: t.reasons, Executor: w.options.executorOf(n.Node)})
	pause := w.options.RetryDelay
	for try := 0; ; try++ {
		res = w.attempt(t, c, over)
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
		case <-w.ctx.Done():
			return w.failure(w.ctx.Err()), true
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
func (w *worker) attempt(t *task, c *collector, over func()) result {
	u := t.unit
	dir, done, err := w.place(t)
	if err != nil {
		return w.failure(err)
	}
	defer func() { done() }()
	o, err := w.order(t, dir)
	if err != nil {
		return w.failure(err)
	}
	free, err := w.checkpoint(t, o)
	if err != nil {
		return w.failure(err)
	}
	defer free()
	ctx, cancel := w.limit(u)
	defer cancel()
	w.options.point("run")
	start := time.Now()
	used, err := w.run(ctx, t, o, c, dir)
	took := cmp.Or(used.Ran, time.Since(start))
	if err == nil {
		err = ctx.Err() // an op that returns nil because it was told to stop has made nothing
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
		kept.Host, _ = os.Hostname()
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

// order lays the step's work out: inputs at readable paths, outputs at paths to create.
func (w *worker) order(t *task, dir string) (*Order, error) {
	u, n := t.unit, t.unit.nodes[0]
	o := &Order{Format: orderFormat, Action: t.action, Pipeline: n.pipeline.Name, Step: n.Name, Type: u.desc.Type, Version: u.desc.Version,
		Config: u.desc.Config, Inputs: map[string][]File{}, Outputs: map[string]string{}, Scratch: filepath.Join(dir, scratchName),
		Key: t.key, Executor: w.options.executorOf(n.Node), Resources: u.resources, State: w.store.Dir(), Tether: true,
		Sensitive: u.desc.Sensitive, Salt: u.desc.salt, Secrets: u.secrets()}
	o.Resources.GPUs = t.grant.gpus
	for port, files := range t.in.ports {
		for _, f := range files {
			path := f.path
			if path == "" {
				var err error
				if path, err = w.store.Path(w.ctx, f.blob); err != nil {
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
func (w *worker) place(t *task) (dir string, done func(), err error) {
	if t.away == nil {
		dir, err = w.space.take(t.unit.facts)
		return dir, func() { w.space.give(dir) }, err
	}
	dir = w.jobDir(t)
	return dir, func() {
		if w.ctx.Err() == nil { // else the job may go on
			_ = cache.RemoveAll(dir) // a later attempt begins by emptying it
		}
	}, os.MkdirAll(dir, 0o755)
}

// run executes the order: here, in a process of its own if the step type asks for that, or elsewhere.
func (w *worker) run(ctx context.Context, t *task, o *Order, c *collector, dir string) (used Usage, err error) {
	if t.away != nil {
		return w.runElsewhere(ctx, t.away, o, c, dir)
	}
	if !t.unit.desc.Isolated || len(w.options.Child) == 0 {
		return used, t.unit.op.Run(ctx, &Call{Inputs: o.Inputs, Outputs: o.Outputs, Scratch: o.Scratch, Checkpoint: o.Checkpoint,
			Emit: c.event, Memo: w.store, Resources: o.Resources})
	}
	path := filepath.Join(dir, "order.json")
	if err := o.write(path); err != nil {
		return used, err
	}
	used.PeakRSS, err = runChild(ctx, w.options.Child, path, childEnv(o.Resources), w.options.Grace, c.event)
	return used, err
}

// childEnv shows the child exactly the GPUs that it was granted.
func childEnv(res Resources) []string {
	return append(os.Environ(), "CUDA_VISIBLE_DEVICES="+strings.Join(res.GPUs, ","))
}

// checkpoint names the step's checkpoint folder. Where two keys share one (12 epochs and 15), it is leased.
func (w *worker) checkpoint(t *task, o *Order) (free func(), err error) {
	key := checkpointKey(t.unit.desc, t.in.lines)
	t.checkpoint, o.Checkpoint = key, w.store.CheckpointPath(key)
	if len(t.unit.desc.Extents) == 0 {
		return func() {}, nil
	}
	lease, err := w.store.Lease(w.ctx, cache.Sum([]byte("checkpoint "+key.String())), func() {})
	if err != nil {
		return nil, err
	}
	return func() { lease.Release() }, nil
}
