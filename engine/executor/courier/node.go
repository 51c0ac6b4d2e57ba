package courier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"rein/cache"
	"rein/cache/remote"
	"rein/engine"
)

// Execute executes a parcel: what `rein step run --from URL NAME` does on a node. The store is the node's own; what it holds
// isn't fetched again.
func Execute(ctx context.Context, r *remote.Remote, store *cache.Store, try string, resolver engine.Resolver) error {
	text, ok, err := r.Read(ctx, parcelOf(try))
	if err == nil && !ok {
		err = fmt.Errorf("there is no work order %q in the shared cache", try)
	}
	if err != nil {
		return err
	}
	var p parcel
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("work order %s: %w", try, err)
	}
	n := &node{remote: r, store: store, try: try, order: &p.Order, print: &printer{remote: r, try: try}}
	return n.execute(ctx, p.Inputs, resolver)
}

// node is one parcel in execution.
type node struct {
	remote *remote.Remote
	store  *cache.Store
	try    string
	order  *engine.Order
	print  *printer
	saved  cache.Digest // of the checkpoint that was sent last
}

func (n *node) execute(ctx context.Context, inputs map[string][]cache.Blob, resolver engine.Resolver) error {
	dir, err := n.store.Scratch()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	letter := checkpointOf(n.order)
	n.order.State = n.store.Dir()
	n.order.Checkpoint = filepath.Join(n.store.Dir(), "checkpoints", filepath.Base(n.order.Checkpoint))
	n.order.Scratch = filepath.Join(dir, "scratch")
	if err := os.Mkdir(n.order.Scratch, 0o755); err != nil {
		return err
	}
	for port := range n.order.Outputs {
		n.order.Outputs[port] = filepath.Join(dir, "out."+port)
	}
	if err := n.fetch(ctx, inputs); err != nil {
		return n.reply(ctx, err)
	}
	if err := n.restore(ctx, letter); err != nil {
		n.print.event(engine.Event{Action: engine.ActionLog, Text: "the last checkpoint is not used: " + err.Error()})
	}
	path := filepath.Join(dir, "order.json")
	text, err := json.Marshal(n.order)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	stop := n.report(ctx, letter)
	err = engine.ExecuteOrder(ctx, path, resolver, n.print.event)
	stop()
	if ctx.Err() != nil { // told to stop: no answer, but what is done is kept for the next attempt
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 4*every)
		defer cancel()
		return errors.Join(err, n.save(late, letter), n.print.post(late))
	}
	return n.reply(ctx, err)
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
func (n *node) report(ctx context.Context, checkpoint string) (stop func()) {
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
					_ = n.save(ctx, checkpoint)
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

// save sends the step's checkpoint, if it has one that is new. One that changes meanwhile won't have its digest, and is then
// no checkpoint for whoever fetches it.
func (n *node) save(ctx context.Context, letter string) error {
	entries, err := os.ReadDir(n.order.Checkpoint)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	} else if err != nil {
		return err
	}
	b, err := cache.HashPath(ctx, n.order.Checkpoint)
	if err != nil || b.Digest == n.saved {
		return err
	}
	if err := n.remote.SendPath(ctx, b, n.order.Checkpoint); err != nil {
		return err
	}
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	n.saved = b.Digest
	return n.remote.Post(ctx, letter, text)
}

// restore brings the checkpoint of an earlier attempt, unless this node has one of its own.
func (n *node) restore(ctx context.Context, letter string) error {
	if entries, err := os.ReadDir(n.order.Checkpoint); err == nil && len(entries) > 0 {
		return nil
	}
	text, ok, err := n.remote.Read(ctx, letter)
	if err != nil || !ok {
		return err
	}
	var b cache.Blob
	if err := json.Unmarshal(text, &b); err != nil {
		return err
	}
	if err := n.remote.FetchBlob(ctx, b); err != nil {
		return err
	}
	from, err := n.store.Path(ctx, b)
	if err != nil {
		return err
	}
	return os.CopyFS(n.order.Checkpoint, os.DirFS(from)) // copied: the step will write in it
}

// reply sends the outputs, what was printed, and then the answer.
func (n *node) reply(ctx context.Context, stepErr error) error {
	var a answer
	var v *engine.Verdict
	switch {
	case errors.As(stepErr, &v):
		a.Verdict = v.Text
	case stepErr != nil:
		a.Error = stepErr.Error()
	}
	if a.Error == "" {
		if err := n.send(ctx, &a); err != nil {
			return err
		}
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := n.print.post(ctx); err != nil {
		return err
	}
	if err := n.remote.Post(ctx, answerOf(n.try), text); err != nil {
		return err
	}
	if a.Error == "" {
		_ = os.RemoveAll(n.order.Checkpoint)
	}
	return stepErr
}

// send sends the outputs that there are; the engine knows which ones have to be.
func (n *node) send(ctx context.Context, a *answer) error {
	a.Outputs = map[string]cache.Blob{}
	for _, port := range ports(n.order.Outputs) {
		path := n.order.Outputs[port]
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			continue
		}
		b, err := n.store.Adopt(ctx, path)
		if err != nil {
			return err
		}
		if err := n.remote.SendBlob(ctx, b); err != nil {
			return err
		}
		a.Outputs[port] = b
	}
	return nil
}
