package courier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rein/cache"
	"rein/cache/remote"
	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/executor/courier"
)

// cluster is an executor whose jobs know nothing but a bucket and a name, as on a node without a shared file system.
type cluster struct {
	t       *testing.T
	courier *courier.Courier
	bucket  string
	nodes   string // folder of the nodes' stores
	jobs    atomic.Int64
	preempt atomic.Int64     // so many jobs are told to stop
	names   []string         // names of the jobs' nodes; the rest have one each
	starts  int              // how often each job is started; 0: once
	spoil   func(dir string) // done to a node's store before a job
	damage  func()           // done to the bucket when a job has ended
	mu      sync.Mutex
	parcels []string // what was sent
}

func (*cluster) MaxJobs() int { return 4 }

func (x *cluster) Execute(ctx context.Context, j *engine.Job) (engine.Usage, error) {
	for {
		if err := j.Begin(); err != nil {
			return engine.Usage{}, err
		}
		argv, err := x.courier.Send(ctx, j)
		if err != nil {
			return engine.Usage{}, err
		}
		x.remember(argv[1])
		x.node(ctx, argv[1])
		if x.damage != nil {
			x.damage()
		}
		log := filepath.Join(j.Folder(), "log")
		if err := x.courier.Bring(ctx, j, log, true); err != nil {
			return engine.Usage{}, err
		}
		text, err := os.ReadFile(log)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return engine.Usage{}, err
		}
		for line := range strings.Lines(string(text)) {
			j.EventLine(strings.TrimSuffix(line, "\n"))
		}
		if answer, ok := j.Answer(); ok {
			return engine.Usage{}, answer
		}
	}
}

// remember keeps what a parcel says.
func (x *cluster) remember(try string) {
	try, _, _ = strings.Cut(try, ".")
	text, ok, err := x.courier.Remote.Read(x.t.Context(), try+"/order")
	if err != nil || !ok {
		x.t.Errorf("no parcel %s: %v", try, err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.parcels = append(x.parcels, string(text))
}

// node executes a parcel with a store of its own, each on another node.
func (x *cluster) node(ctx context.Context, try string) {
	n := int(x.jobs.Add(1))
	name := fmt.Sprint(n)
	if n <= len(x.names) {
		name = x.names[n-1]
	}
	store := enginetest.Open(x.t, filepath.Join(x.nodes, name))
	if x.spoil != nil {
		x.spoil(store.Dir())
	}
	r := newRemote(x.t, store, x.bucket)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if x.preempt.Add(-1) >= 0 {
		ctx = context.WithValue(ctx, preempted{}, cancel)
	}
	for range max(x.starts, 1) {
		_ = courier.Execute(ctx, r, store, try, resolve) // what it says is in its answer
	}
}

func newRemote(t *testing.T, store *cache.Store, dir string) *remote.Remote {
	t.Helper()
	r, err := remote.New(store, remote.Folder(dir), remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newCluster(t *testing.T) (*cluster, *cache.Store) {
	store := enginetest.Store(t)
	x := &cluster{t: t, bucket: filepath.Join(t.TempDir(), "bucket"), nodes: t.TempDir()}
	x.courier = &courier.Courier{Remote: newRemote(t, store, x.bucket), Store: store, Argv: []string{"rein"}}
	return x, store
}

// run runs steps on the cluster.
func (x *cluster) run(store *cache.Store, events *enginetest.Events, nodes ...*engine.Node) func(step string) (status, text string) {
	x.t.Helper()
	r, err := engine.Run(x.t.Context(), enginetest.Graph(nodes...), engine.Options{Store: store, Child: []string{"rein"},
		Executors: map[string]engine.Executor{"far": x}, Executor: "far", Emit: events.Emit})
	if err != nil {
		x.t.Fatal(err)
	}
	return func(step string) (string, string) {
		s := enginetest.Find(r, step)
		return s.Status, s.Error
	}
}

var executions atomic.Int64

// preempted is the key of what ends a job that is told to stop. An op calls it when it has left its checkpoint.
type preempted struct{}

func untilPreempted(ctx context.Context) error {
	if stop, ok := ctx.Value(preempted{}).(context.CancelFunc); ok {
		stop()
	}
	<-ctx.Done()
	return ctx.Err()
}

// far is an op whose config names what it does.
func far(does string) *enginetest.Op {
	o := &enginetest.Op{Type: "far", Config: map[string]any{"does": does}}
	o.Do = func(ctx context.Context, c *engine.Call) error {
		executions.Add(1)
		c.Emit(engine.Event{Action: engine.ActionLog, Text: "far away, I " + does})
		switch does {
		case "refuse":
			return &engine.Verdict{Text: "no"}
		case "fail":
			return errors.New("it broke")
		case "list":
			names, err := filepath.Glob(filepath.Join(c.Inputs["in"][0].Path, "*", "*"))
			return errors.Join(err, enginetest.WriteAll(c, fmt.Sprint(len(names))))
		case "in three parts":
			done := filepath.Join(c.Checkpoint, "done")
			b, _ := os.ReadFile(done)
			if len(b) == 2 {
				return enginetest.WriteAll(c, "went on after "+string(b))
			}
			if err := errors.Join(os.MkdirAll(c.Checkpoint, 0o755), os.WriteFile(done, append(b, '*'), 0o644)); err != nil {
				return err
			}
			return untilPreempted(ctx)
		case "slowly":
			mark := filepath.Join(c.Checkpoint, "half")
			if _, err := os.Stat(mark); err == nil {
				return enginetest.WriteAll(c, "went on")
			}
			if err := errors.Join(os.MkdirAll(c.Checkpoint, 0o755), os.WriteFile(mark, nil, 0o644)); err != nil {
				return err
			}
			return untilPreempted(ctx)
		}
		return o.Copy(c)
	}
	return o
}

func resolve(_ string, _ int, config json.RawMessage) (engine.Op, error) {
	var c map[string]string
	err := json.Unmarshal(config, &c)
	return far(c["does"]), err
}
