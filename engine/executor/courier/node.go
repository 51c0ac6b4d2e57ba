package courier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"rein/cache"
	"rein/cache/remote"
	"rein/engine"
)

// Execute executes a parcel; it is `rein step run --from URL NAME` on a node. The node has a store of its own, and what that holds isn't
// fetched again. A parcel that already has its answer isn't executed again.
func Execute(ctx context.Context, r *remote.Remote, store *cache.Store, name string, resolver engine.Resolver) error {
	a, err := parseAddress(name)
	if err != nil {
		return err
	}
	try := a.try
	text, ok, err := r.Read(ctx, parcelOf(try))
	if err == nil && !ok {
		err = fmt.Errorf("there is no work order %q in the shared cache", try)
	}
	if err != nil {
		return err
	}
	if _, answered, err := r.Read(ctx, answerOf(try)); answered || err != nil {
		return err // it was executed already, and was started again
	}
	if text, err = a.decrypt(parcelOf(try), text); err != nil {
		return err
	}
	var p parcel
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("work order %s: %w", try, err)
	}
	if err := p.check(); err != nil {
		return fmt.Errorf("work order %s: %w", try, err)
	}
	n := &node{remote: r, store: store, address: a, order: &p.Order, letter: checkpointOf(&p.Order)}
	if n.mark, err = parseAddress("checkpoint." + p.CheckpointKey); err != nil {
		return fmt.Errorf("work order %s: it has no key for checkpoints", try)
	}
	if n.print, err = newPrinter(ctx, r, a); err != nil {
		return err
	}
	stepErr, err := n.execute(ctx, p.Inputs, resolver)
	if ctx.Err() != nil { // told to stop: there is no answer, but the work done is kept for the next attempt
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 4*every)
		defer cancel()
		return errors.Join(stepErr, err, n.save(late), n.print.post(late))
	}
	if err != nil { // a fault of the node: the step wasn't executed
		host, _ := os.Hostname()
		stepErr = fmt.Errorf("on %s, with REIN_NODE_STATE=%s: %w", host, store.Dir(), err)
	}
	return n.reply(ctx, stepErr)
}

// check refuses an order that names a path of this machine, or one that leads out of the folders that it gets here.
func (p *parcel) check() error {
	o := &p.Order
	for port := range o.Outputs {
		if !filepath.IsLocal("out."+port) || strings.ContainsAny(port, `/\`) {
			return fmt.Errorf("output %q can't be a file's name", port)
		}
	}
	for port, files := range o.Inputs {
		for _, f := range files {
			if f.Path != "" || f.Name != "" && !filepath.IsLocal(filepath.FromSlash(f.Name)) {
				return fmt.Errorf("input %s: %q is outside of the step's folder", port, f.Path+f.Name)
			}
		}
	}
	if c := filepath.Base(o.Checkpoint); c != o.Checkpoint || !filepath.IsLocal(c) || c == "." {
		return fmt.Errorf("checkpoint %q can't be a folder's name", o.Checkpoint)
	}
	return nil
}

// node is one parcel in execution.
type node struct {
	remote *remote.Remote
	store  *cache.Store
	address
	order   *engine.Order
	letter  string  // that tells of the checkpoint
	mark    address // that encrypts it
	print   *printer
	saved   cache.Digest // digest of the last checkpoint that was sent
	outputs map[string]cache.Blob
	used    engine.Usage
}

// execute runs the step and takes its outputs into the store.
func (n *node) execute(ctx context.Context, inputs map[string][]cache.Blob, resolver engine.Resolver) (stepErr, err error) {
	dir, err := n.store.Scratch()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	n.order.State = n.store.Dir()
	n.order.Checkpoint = filepath.Join(n.store.Dir(), "checkpoints", filepath.Base(n.order.Checkpoint))
	n.order.Scratch = filepath.Join(dir, "scratch")
	if err := os.Mkdir(n.order.Scratch, 0o755); err != nil {
		return nil, err
	}
	for port := range n.order.Outputs {
		n.order.Outputs[port] = filepath.Join(dir, "out."+port)
	}
	if err := n.fetch(ctx, inputs); err != nil {
		return nil, err
	}
	if err := n.restore(ctx); err != nil {
		n.print.event(engine.Event{Action: engine.ActionLog, Text: "the last checkpoint is not used: " + err.Error()})
	}
	job := &engine.Job{Dir: dir, Order: n.order}
	text, err := json.Marshal(n.order)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(job.OrderPath(), text, 0o600); err != nil {
		return nil, err
	}
	stop := n.report(ctx)
	stepErr = engine.ExecuteOrder(ctx, job.OrderPath(), resolver, n.print.event)
	stop()
	if ctx.Err() != nil {
		return stepErr, nil
	}
	n.used = job.Used()
	return stepErr, n.adopt(ctx)
}

// adopt takes the existing outputs into the store. The engine checks that none is missing.
func (n *node) adopt(ctx context.Context) error {
	n.outputs = map[string]cache.Blob{}
	for _, port := range ports(n.order.Outputs) {
		path := n.order.Outputs[port]
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			continue
		}
		b, err := n.store.Adopt(ctx, path)
		if err != nil {
			return err
		}
		n.outputs[port] = b
	}
	return nil
}

// fetch brings the inputs.
func (n *node) fetch(ctx context.Context, inputs map[string][]cache.Blob) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, port := range ports(inputs) {
		files := n.order.Inputs[port]
		if len(files) != len(inputs[port]) {
			return fmt.Errorf("work order %s: input %s: %d files, %d digests", n.try, port, len(files), len(inputs[port]))
		}
		for i, b := range inputs[port] {
			g.Go(func() error {
				if err := n.remote.FetchBlob(gctx, b); err != nil {
					return fmt.Errorf("input %s: %w", port, err)
				}
				var err error
				files[i].Path, err = n.store.Path(gctx, b)
				return err
			})
		}
	}
	return g.Wait()
}

// report posts printed lines and checkpoints while the step runs, until stop is called.
func (n *node) report(ctx context.Context) (stop func()) {
	const checkpoints = 12 // every so many times
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 1; ; i++ {
			select {
			case <-tick.C:
				_ = n.print.post(ctx) // kept for the next time
				if i%checkpoints == 0 {
					_ = n.save(ctx)
				}
			case <-end:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

// checkpoint is the letter that says where the last checkpoint is.
type checkpoint struct {
	Blob cache.Blob `json:"blob"`
	Made time.Time  `json:"made"`
}

// save sends the step's checkpoint if there is a new one. If it changes while it is sent, its digest won't match, and the node that fetches
// it will refuse it.
func (n *node) save(ctx context.Context) error {
	made, err := written(n.order.Checkpoint)
	if err != nil || made.IsZero() {
		return err
	}
	b, err := cache.HashPath(ctx, n.order.Checkpoint)
	if err != nil || b.Digest == n.saved {
		return err
	}
	if err := n.remote.SendPath(ctx, b, n.order.Checkpoint); err != nil {
		return err
	}
	text, err := json.Marshal(checkpoint{b, made})
	if err != nil {
		return err
	}
	n.saved = b.Digest
	return n.remote.Post(ctx, n.letter, n.mark.encrypt(n.letter, text))
}

// restore fetches the checkpoint of an earlier attempt, unless this node has a later one of its own.
func (n *node) restore(ctx context.Context) error {
	text, ok, err := n.remote.Read(ctx, n.letter)
	if err != nil || !ok {
		return err
	}
	if text, err = n.mark.decrypt(n.letter, text); err != nil {
		return err
	}
	var c checkpoint
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	if here, err := written(n.order.Checkpoint); err != nil || !here.Before(c.Made) {
		return err
	}
	if err := n.remote.FetchBlob(ctx, c.Blob); err != nil {
		return err
	}
	from, err := n.store.Path(ctx, c.Blob)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(n.order.Checkpoint); err != nil {
		return err
	}
	return os.CopyFS(n.order.Checkpoint, os.DirFS(from)) // a copy, because the step will write to it
}

// written is the time of the last write to a file of a folder; zero if there is none.
func written(dir string) (last time.Time, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) { // it goes meanwhile
		err = nil
	}
	return last, err
}

// reply sends the outputs, what was printed, and then the answer.
func (n *node) reply(ctx context.Context, stepErr error) error {
	a := answer{Used: n.used}
	var v *engine.Verdict
	switch {
	case errors.As(stepErr, &v):
		a.Verdict = v.Text
	case stepErr != nil:
		a.Error = stepErr.Error()
	}
	if a.Error == "" {
		for _, port := range ports(n.outputs) {
			if err := n.remote.SendBlob(ctx, n.outputs[port]); err != nil {
				return err
			}
		}
		a.Outputs = n.outputs
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := n.print.post(ctx); err != nil {
		return err
	}
	if err := n.remote.Post(ctx, answerOf(n.try), n.encrypt(answerOf(n.try), text)); err != nil {
		return err
	}
	if a.Error == "" {
		_ = os.RemoveAll(n.order.Checkpoint)
	}
	return stepErr
}
