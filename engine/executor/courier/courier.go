// Package courier carries work orders to machines that see no file of this one, and results back, through the shared cache.
//
// A parcel holds the order and the digests of its inputs; inputs and outputs go as the shared cache's blobs, proven by their
// digests. Parcels, answers and printed lines go as letters under the attempt's name, a random one. The letter that says where a
// step's checkpoint is goes under the checkpoint's name, which all attempts share. All letters are encrypted.
package courier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rein/cache"
	"rein/cache/remote"
	"rein/engine"
)

// parcel is an order without a path of the machine that sent it.
type parcel struct {
	Order  engine.Order            `json:"order"`
	Inputs map[string][]cache.Blob `json:"inputs"` // by port, in the order of the order's
	// CheckpointKey encrypts the letter that says where the step's checkpoint is. All attempts of the step have the same one.
	CheckpointKey string `json:"checkpoint_key"`
}

// answer is how an order ended.
type answer struct {
	Verdict string                `json:"verdict,omitempty"`
	Error   string                `json:"error,omitempty"`
	Outputs map[string]cache.Blob `json:"outputs,omitempty"` // by port
	Used    engine.Usage          `json:"used"`
}

func parcelOf(try string) string       { return try + "/order" }
func answerOf(try string) string       { return try + "/answer" }
func linesOf(try string, n int) string { return try + "/lines-" + strconv.Itoa(n) }

// checkpointOf is where the last checkpoint of a step is, whichever attempt made it.
func checkpointOf(order *engine.Order) string { return "checkpoint/" + filepath.Base(order.Checkpoint) }

// Courier is the side that sends orders. Its methods are safe for concurrent use.
type Courier struct {
	Remote *remote.Remote
	Store  *cache.Store
	Argv   []string // command that executes a parcel, whose name is appended

	mu     sync.Mutex
	looked map[string]time.Time
}

// Send makes a job executable on machines that see no file of this one, by putting what it needs into the shared cache. It returns the
// command that executes it there.
func (c *Courier) Send(ctx context.Context, j *engine.Job) ([]string, error) {
	p := parcel{Order: *j.Order, Inputs: map[string][]cache.Blob{}}
	p.Order.Inputs, p.Order.Outputs, p.Order.Scratch, p.Order.State = map[string][]engine.File{}, map[string]string{}, "", ""
	p.Order.Checkpoint = filepath.Base(j.Order.Checkpoint)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for port, files := range j.Order.Inputs {
		blobs := make([]cache.Blob, len(files))
		p.Inputs[port] = blobs
		for i, f := range files {
			p.Order.Inputs[port] = append(p.Order.Inputs[port], engine.File{Digest: f.Digest, Name: f.Name})
			g.Go(func() error {
				b, err := c.Store.HashPath(gctx, f.Path)
				if err != nil {
					return err
				}
				if b.Digest != f.Digest {
					return fmt.Errorf("input %s: %s changed while the step waited to be sent: run again", port, f.Path)
				}
				blobs[i] = b
				return c.Remote.SendPath(gctx, b, f.Path)
			})
		}
	}
	for port := range j.Order.Outputs {
		p.Order.Outputs[port] = ""
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var err error
	if p.CheckpointKey, err = c.checkpointKey(checkpointOf(j.Order)); err != nil {
		return nil, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	a, name, err := addressOf(j)
	if err != nil {
		return nil, err
	}
	return append(slices.Clone(c.Argv), name), c.Remote.Post(ctx, parcelOf(j.Try), a.encrypt(parcelOf(j.Try), text))
}

// every is the interval at which the shared cache is asked for news of a running job.
const every = 5 * time.Second

// Bring fetches what a job has left: printed lines go to the end of the file log, outputs to their paths, and the answer, last, into the
// job's folder. While a job is running, it asks every few seconds; when the job is over, it asks in any case.
func (c *Courier) Bring(ctx context.Context, j *engine.Job, log string, over bool) error {
	c.mu.Lock()
	due := over || time.Since(c.looked[j.Try]) >= every
	if due {
		if c.looked == nil {
			c.looked = map[string]time.Time{}
		}
		c.looked[j.Try] = time.Now()
	}
	c.mu.Unlock()
	if _, ok := j.Answer(); ok || !due {
		return nil
	}
	key, _, err := addressOf(j)
	if err != nil {
		return err
	}
	text, ended, err := c.Remote.Read(ctx, answerOf(j.Try))
	if err != nil {
		return err
	}
	lines, err := c.lines(ctx, j, key, log)
	if err != nil || !ended {
		return err
	}
	if text, err = key.decrypt(answerOf(j.Try), text); err != nil {
		return err
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return fmt.Errorf("the job's answer: %w", err)
	}
	if err := c.outputs(ctx, j, a.Outputs); err != nil {
		return err
	}
	if err := j.Accept(a.err(), a.Used); err != nil {
		return err
	}
	c.forget(j, lines, checkpointOf(j.Order))
	return nil
}

// Forget removes the letters of an attempt that was given up, so that a node which starts it late finds no order. Its checkpoint stays.
func (c *Courier) Forget(j *engine.Job) { c.forget(j, 0) }

// lines fetches what was printed since the last call, and returns how many letters there were in all.
func (c *Courier) lines(ctx context.Context, j *engine.Job, key address, log string) (int, error) {
	mark := log + ".letters" // how many have been read, including those that an earlier, killed run has read
	b, err := os.ReadFile(mark)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	n, _ := strconv.Atoi(string(b))
	for {
		text, ok, err := c.Remote.Read(ctx, linesOf(j.Try, n))
		if err != nil || !ok {
			return n, err
		}
		if text, err = key.decrypt(linesOf(j.Try, n), text); err != nil {
			return n, err
		}
		n++
		if err := errors.Join(appendTo(log, text), os.WriteFile(mark, []byte(strconv.Itoa(n)), 0o600)); err != nil {
			return n, err
		}
	}
}

func appendTo(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// outputs puts the job's outputs at the paths where the engine expects them.
func (c *Courier) outputs(ctx context.Context, j *engine.Job, outputs map[string]cache.Blob) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for port, b := range outputs {
		to, ok := j.Order.Outputs[port]
		if !ok {
			return fmt.Errorf("the job's answer names an output %q that the step doesn't have", port)
		}
		g.Go(func() error {
			if err := c.Remote.FetchBlob(gctx, b); err != nil {
				return fmt.Errorf("output %s: %w", port, err)
			}
			return c.Store.Restore(gctx, b, to)
		})
	}
	return g.Wait()
}

// forget removes an attempt's letters and the ones named by others.
func (c *Courier) forget(j *engine.Job, lines int, others ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), every)
	defer cancel()
	names := append(others, parcelOf(j.Try), answerOf(j.Try))
	for n := range lines {
		names = append(names, linesOf(j.Try, n))
	}
	for _, n := range names {
		c.Remote.Burn(ctx, n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.looked, j.Try)
}

func (a *answer) err() error {
	switch {
	case a.Verdict != "":
		return &engine.Verdict{Text: a.Verdict}
	case a.Error != "":
		return errors.New(a.Error)
	}
	return nil
}

// ports are the ports of an order, in order.
func ports[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// printer collects printed lines and posts them from time to time.
type printer struct {
	remote *remote.Remote
	address

	mu  sync.Mutex
	buf bytes.Buffer
	n   int // letters that were posted
}

// newPrinter continues after the letters that an interrupted execution of the same attempt has posted.
func newPrinter(ctx context.Context, r *remote.Remote, a address) (*printer, error) {
	p := &printer{remote: r, address: a}
	for {
		_, ok, err := r.Read(ctx, linesOf(a.try, p.n))
		if err != nil || !ok {
			return p, err
		}
		p.n++
	}
}

// event is the engine's emit. It writes each event as a line of JSON, as a job on a shared file system does.
func (p *printer) event(e engine.Event) {
	b, err := json.Marshal(e)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf.Write(append(b, '\n'))
}

// post sends the collected lines. Lines that can't be sent are kept for the next time.
func (p *printer) post(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buf.Len() == 0 {
		return nil
	}
	if err := p.remote.Post(ctx, linesOf(p.try, p.n), p.encrypt(linesOf(p.try, p.n), p.buf.Bytes())); err != nil {
		return err
	}
	p.n++
	p.buf.Reset()
	return nil
}
