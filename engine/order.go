package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"rein/cache"
	"rein/engine/internal/proc"
)

// orderFormat is raised when a work order changes in a way that an older reader would misread.
const orderFormat = 1

// Order is a work order: all that another process of the same program needs to execute a step. It holds sensitive
// config values, so its file is readable by the owner only, and is removed with the step's scratch folder. An executor that
// sends it elsewhere encrypts it.
type Order struct {
	Format     int               `json:"format"`
	Action     cache.Digest      `json:"action"`
	Pipeline   string            `json:"pipeline"` // labels, for messages
	Step       string            `json:"step"`
	Type       string            `json:"type"`
	Version    int               `json:"version"`
	Config     json.RawMessage   `json:"config"`
	Key        string            `json:"key,omitempty"`      // a program whose key of the step differs refuses the order
	Executor   string            `json:"executor,omitempty"` // name of the executor; "": this machine
	Inputs     map[string][]File `json:"inputs"`
	Outputs    map[string]string `json:"outputs"`
	Scratch    string            `json:"scratch"`
	Checkpoint string            `json:"checkpoint"`
	Resources  Resources         `json:"resources"`
	State      string            `json:"state"`               // the state folder: for the row memo
	Sensitive  []string          `json:"sensitive,omitempty"` // Description's
	Salt       []byte            `json:"salt,omitempty"`      // salt of the digests of sensitive values in Key
	Secrets    []string          `json:"secrets,omitempty"`   // texts that are masked in what the step prints
	// Tether ends the process when its standard input ends, so that it can't outlive the process that started it.
	Tether bool `json:"tether,omitempty"`

	left []string // in Scratch; only for a step in this process
}

// orderResult is the outcome of an executed order. It is written to a file beside the order, because an exit status can't hold a verdict's
// text.
type orderResult struct {
	Verdict string `json:"verdict,omitempty"`
	Error   string `json:"error,omitempty"`
	Advice  string `json:"advice,omitempty"` // of either
	Used    Usage  `json:"used"`
}

func resultPath(order string) string { return order + ".result" }

// write puts the order where ExecuteOrder reads it.
func (o *Order) write(path string) error {
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

// order makes the work order of an attempt: inputs at readable paths, outputs at paths to create, and a folder for the checkpoint. dir is
// the attempt's own folder; done releases it.
func (w *worker) order(t *task) (o *Order, dir string, done func(), err error) {
	u, n := t.unit, t.unit.nodes[0]
	dir, left, leave, err := w.attemptFolder(t)
	if err != nil {
		return nil, "", nil, err
	}
	held := leave
	defer func() {
		if err != nil {
			held()
		}
	}()
	t.checkpoint = checkpointKey(u, t.in.lines)
	if len(u.desc.Extents) > 0 { // two keys may share one checkpoint (12 epochs and 15)
		lease, err := w.store.Lease(w.ctx, cache.Sum([]byte("checkpoint "+t.checkpoint.String())), func() {})
		if err != nil {
			return nil, "", nil, err
		}
		held = func() {
			_ = lease.Release()
			leave()
		}
	}
	o = &Order{Format: orderFormat, Action: t.action, Pipeline: n.pipeline.Name, Step: n.Name, Type: u.desc.Type, Version: u.desc.Version,
		Config: u.desc.Config, Inputs: map[string][]File{}, Outputs: map[string]string{}, Scratch: filepath.Join(dir, scratchName),
		Checkpoint: w.store.CheckpointPath(t.checkpoint), Key: t.key, Executor: t.executor, Resources: u.resources, State: w.store.Dir(),
		Tether: true, Sensitive: u.desc.Sensitive, Salt: u.desc.salt, Secrets: u.secrets(), left: left}
	o.Resources.GPUs = t.grant.gpus
	for port, files := range t.in.ports {
		for _, f := range files {
			path := f.path
			if path == "" {
				if path, err = w.store.Path(w.ctx, f.blob); err != nil {
					return nil, "", nil, fmt.Errorf("input %s: %w", port, err)
				}
			}
			o.Inputs[port] = append(o.Inputs[port], File{Path: path, Digest: f.blob.Digest, Name: f.name})
		}
	}
	for _, p := range n.Ports {
		o.Outputs[p.Name] = filepath.Join(dir, "out."+p.Name)
	}
	return o, dir, held, nil
}

// attemptFolder makes the folder of an attempt. The folder of a job elsewhere is not emptied, because a killed run may have left the job there.
func (w *worker) attemptFolder(t *task) (dir string, left []string, done func(), err error) {
	if t.away == nil {
		dir, left, err = w.space.take(t.unit.facts, t.unit.desc.Reuses && !t.unit.desc.Isolated)
		return dir, left, func() { w.space.give(dir) }, err
	}
	dir = w.store.JobPath(t.action)
	return dir, nil, func() {
		if w.ctx.Err() == nil { // else the job may go on
			_ = cache.RemoveAll(dir) // a later attempt begins by emptying it
		}
	}, os.MkdirAll(dir, 0o755)
}

// ExecuteOrder runs the step that a work order describes; it is `rein step run ORDER`. Events go to emit. The answer is also written, last,
// to a file beside the order. An order may be executed again, as when a cluster restarts a job: if there is an answer, it is returned,
// otherwise what the interrupted execution left is removed first.
func ExecuteOrder(ctx context.Context, path string, resolver Resolver, emit func(Event)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("work order: %w", err)
	}
	var o Order
	if err := json.Unmarshal(b, &o); err != nil {
		return fmt.Errorf("work order %s: %w", path, err)
	}
	if o.Format != orderFormat {
		err := fmt.Errorf("work order %s: format %d, this rein reads %d", path, o.Format, orderFormat)
		return errors.Join(err, writeResult(path, err, Usage{}))
	}
	if answer, ok := readResult(path); ok {
		return answer
	}
	if err := o.clear(); err != nil {
		return err
	}
	if o.Tether {
		var stop context.CancelFunc
		ctx, stop = tethered(ctx)
		defer stop()
	}
	began := time.Now()
	emit(Event{Time: began, Action: actionBegin})
	m := newMask(o.Secrets)
	runErr := m.error(o.run(ctx, resolver, func(e Event) { emit(m.event(e)) }))
	if runErr != nil && ctx.Err() != nil {
		return runErr // told to stop: that isn't an answer, and the sender of the order decides what it means
	}
	if err := writeResult(path, runErr, Usage{PeakRSS: proc.OwnPeakRSS(), Host: hostname(), Ran: time.Since(began)}); err != nil {
		return errors.Join(runErr, err)
	}
	return runErr
}

func (o *Order) run(ctx context.Context, resolver Resolver, emit func(Event)) error {
	op, err := resolver(o.Type, o.Version, o.Config)
	if err == nil {
		err = o.sameKey(ctx, op)
	}
	if err != nil {
		return err
	}
	memo := &lazyMemo{dir: o.State}
	err = op.Run(ctx, &Call{Inputs: o.Inputs, Outputs: o.Outputs, Scratch: o.Scratch, Checkpoint: o.Checkpoint,
		Emit: emit, Memo: memo, Resources: o.Resources})
	return errors.Join(err, memo.close())
}

// clear removes what an interrupted execution has left.
func (o *Order) clear() error {
	var errs []error
	for _, path := range o.Outputs {
		errs = append(errs, cache.RemoveAll(path))
	}
	entries, err := os.ReadDir(o.Scratch)
	if !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	for _, e := range entries {
		errs = append(errs, cache.RemoveAll(filepath.Join(o.Scratch, e.Name())))
	}
	return errors.Join(errs...)
}

// sameKey refuses an order that was written by another version of the program, for which the step has another key.
func (o *Order) sameKey(ctx context.Context, op Op) error {
	if o.Key == "" {
		return nil
	}
	d, err := op.Describe(ctx)
	if err != nil {
		return err
	}
	d.on(o.Executor)
	d.Sensitive, d.salt = o.Sensitive, o.Salt
	facts, err := keyFacts(d)
	if err != nil {
		return err
	}
	here, _ := keyOf(facts, nil)
	if strings.HasPrefix(o.Key, here) {
		return nil
	}
	var known []string // its inputs aren't known here
	for f := range ParseKey(o.Key) {
		if f.Kind != "input" {
			known = append(known, f.String())
		}
	}
	theirs, _ := keyOf(known, nil)
	var changes []string
	for _, c := range diffKeys(theirs, here) {
		changes = append(changes, c.String())
	}
	return fmt.Errorf("the rein on %s makes other results than the one that sent the step (%s): both have to be of one version",
		hostname(), strings.Join(changes, "; "))
}

func writeResult(order string, runErr error, used Usage) error {
	r := orderResult{Used: used, Advice: AdviceOf(runErr)}
	var v *Verdict
	switch {
	case errors.As(runErr, &v):
		r.Verdict = v.Text
	case runErr != nil:
		r.Error = runErr.Error()
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	tmp := resultPath(order) + ".tmp"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("work order: %w", err)
	}
	return os.Rename(tmp, resultPath(order))
}

// readResult reads how an executed order ended: nil, a *Verdict, or an error. ok is false if there is no answer, which means that the
// process died.
func readResult(order string) (answer error, ok bool) {
	r, ok := readOutcome(order)
	switch {
	case !ok:
		return nil, false
	case r.Verdict != "" && r.Advice != "":
		return Advise(&Verdict{r.Verdict}, r.Advice), true
	case r.Verdict != "":
		return &Verdict{r.Verdict}, true
	case r.Error != "" && r.Advice != "":
		return &advised{errors.New(r.Error), r.Error, r.Advice}, true // its text has the advice
	case r.Error != "":
		return errors.New(r.Error), true
	}
	return nil, true
}

func readOutcome(order string) (r orderResult, ok bool) {
	b, err := os.ReadFile(resultPath(order))
	return r, err == nil && json.Unmarshal(b, &r) == nil
}

// lazyMemo opens the store of a state folder when the step first uses the row memo, which most steps never do.
type lazyMemo struct {
	dir   string
	once  sync.Once
	store *cache.Store
	err   error
}

func (m *lazyMemo) open() (*cache.Store, error) {
	m.once.Do(func() {
		if m.store, m.err = cache.Open(m.dir, cache.Options{}); m.err != nil {
			m.err = fmt.Errorf("row memo: %w", m.err)
		}
	})
	return m.store, m.err
}

// GetMany implements Memo.
func (m *lazyMemo) GetMany(ctx context.Context, keys []cache.Digest) ([][]byte, error) {
	s, err := m.open()
	if err != nil {
		return nil, err
	}
	return s.GetMany(ctx, keys)
}

// PutMany implements Memo.
func (m *lazyMemo) PutMany(ctx context.Context, keys []cache.Digest, values [][]byte) error {
	s, err := m.open()
	if err != nil {
		return err
	}
	return s.PutMany(ctx, keys, values)
}

func (m *lazyMemo) close() error {
	if m.store == nil {
		return nil
	}
	return m.store.Close()
}
