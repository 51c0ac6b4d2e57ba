package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rein/engine"
	"rein/engine/enginetest"
)

// node is an executor that executes orders in this process, as a node whose program may be another.
type node struct {
	resolver engine.Resolver
	starts   int               // executions of an order; 0: one
	between  func(*engine.Job) // done before each execution but the first
	queue    time.Duration     // before it starts
	sent     func(*engine.Job)
}

func (*node) MaxJobs() int { return 1 }

func (x *node) Execute(ctx context.Context, j *engine.Job) (engine.Usage, error) {
	if err := j.Begin(); err != nil {
		return engine.Usage{}, err
	}
	if x.sent != nil {
		x.sent(j)
	}
	time.Sleep(x.queue)
	for i := range max(x.starts, 1) {
		if i > 0 {
			x.between(j)
		}
		_ = engine.ExecuteOrder(ctx, j.OrderPath(), x.resolver, func(e engine.Event) { // its answer says how it went
			line, _ := json.Marshal(e)
			j.EventLine(string(line))
		})
	}
	answer, ok := j.Answer()
	if !ok {
		return engine.Usage{}, errors.New("no answer")
	}
	return j.Used(), answer
}

// always resolves to one op.
func always(o engine.Op) engine.Resolver {
	return func(string, int, json.RawMessage) (engine.Op, error) { return o, nil }
}

// away runs a step on a node.
func away(t *testing.T, x *node, n *engine.Node) (status, text string) {
	t.Helper()
	o := options(enginetest.Store(t))
	o.Child, o.Executors, o.Executor = []string{"rein"}, map[string]engine.Executor{"far": x}, "far"
	rec := mustRun(t, graph(n), o)
	s := enginetest.Find(rec, n.Name)
	return s.Status, s.Error
}

// A program that would key a step otherwise doesn't execute it: what it made would be taken for another's.
func TestOtherProgramIsRefused(t *testing.T) {
	library := func(version string) *op {
		return &op{Adjust: func(d *engine.Description) { d.Fingerprints = map[string]string{"gomlx": version} }}
	}
	theirs := library("v2")
	status, text := away(t, &node{resolver: always(theirs)}, step("a", library("v1")))
	if status != "failed" || theirs.Runs() != 0 || !strings.Contains(text, `gomlx "v1" -> "v2"`) || !strings.Contains(text, "of one version") {
		t.Errorf("%s, %d runs: %s", status, theirs.Runs(), text)
	}
	same := library("v1")
	if status, text = away(t, &node{resolver: always(same)}, step("a", library("v1"))); status != "ran" || same.Runs() != 1 {
		t.Errorf("%s, %d runs: %s", status, same.Runs(), text)
	}
}

// An order of another format is refused with an answer, so that its sender can say why.
func TestOrderOfAnotherFormat(t *testing.T) {
	o := &op{}
	x := &node{resolver: always(o), sent: func(j *engine.Job) {
		order := *j.Order
		order.Format = 99
		b, err := json.Marshal(order)
		if err := errors.Join(err, os.WriteFile(j.OrderPath(), b, 0o600)); err != nil {
			t.Error(err)
		}
	}}
	status, text := away(t, x, step("a", o))
	if status != "failed" || o.Runs() != 0 || !strings.Contains(text, "format 99") {
		t.Errorf("%s: %s", status, text)
	}
}

// An order that is executed again, as a cluster does that starts a job again, finds its answer.
func TestExecutedOrderFindsItsAnswer(t *testing.T) {
	o := &op{}
	status, text := away(t, &node{resolver: always(o), starts: 3, between: func(*engine.Job) {}}, step("a", o))
	if status != "ran" || o.Runs() != 1 {
		t.Errorf("%s, %d runs: %s", status, o.Runs(), text)
	}
}

// One that was cut off finds the place as it was before: no outputs, an empty scratch folder.
func TestCutOffExecutionLeavesNothing(t *testing.T) {
	o := &op{Do: func(_ context.Context, c *engine.Call) error {
		left, err := os.ReadDir(c.Scratch)
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("%s is left", left[0].Name())
		}
		if err == nil {
			err = os.Mkdir(c.Outputs["out"], 0o755) // fails where something is
		}
		return errors.Join(err, os.WriteFile(filepath.Join(c.Scratch, "half"), nil, 0o644), os.WriteFile(filepath.Join(c.Outputs["out"], "x"), nil, 0o644))
	}}
	x := &node{resolver: always(o), starts: 2, between: func(j *engine.Job) { _ = os.Remove(j.OrderPath() + ".result") }}
	status, text := away(t, x, step("a", o))
	if status != "ran" || o.Runs() != 2 {
		t.Errorf("%s, %d runs: %s", status, o.Runs(), text)
	}
}

// Time in an executor's queue is no time that the step took: forecasts and the cheaper strategy go by that.
func TestQueueTimeIsNotRunTime(t *testing.T) {
	const queue = 300 * time.Millisecond
	o := &op{}
	opts := options(enginetest.Store(t))
	opts.Child, opts.Executors, opts.Executor = []string{"rein"}, map[string]engine.Executor{"far": &node{resolver: always(o), queue: queue}}, "far"
	s := enginetest.Find(mustRun(t, graph(step("a", o)), opts), "a")
	if s.QueuedMS < queue.Milliseconds() || s.Result.RunMS >= queue.Milliseconds() || s.RunMS >= queue.Milliseconds() || s.Result.PeakRSS == 0 {
		t.Errorf("queued %d ms, ran %d ms, the result %d ms, peak %d", s.QueuedMS, s.RunMS, s.Result.RunMS, s.Result.PeakRSS)
	}
}

// What a step said before it began again is not said twice.
func TestRestartForgetsWhatWasSaid(t *testing.T) {
	talk := func() *op {
		return &op{Do: func(_ context.Context, c *engine.Call) error {
			for i := range 3 {
				c.Emit(engine.Event{Action: engine.ActionSeries, Metric: "loss", At: float64(i), Value: 1})
			}
			return enginetest.WriteAll(c, "x")
		}}
	}
	o := options(enginetest.Store(t))
	x := &node{resolver: always(talk()), starts: 2, between: func(j *engine.Job) { _ = os.Remove(j.OrderPath() + ".result") }}
	o.Child, o.Executors, o.Executor = []string{"rein"}, map[string]engine.Executor{"far": x}, "far"
	s := enginetest.Find(mustRun(t, graph(step("a", talk())), o), "a")
	if n := len(s.Result.Series["loss"]); n != 3 {
		t.Errorf("%d points, want 3", n)
	}
}

// A step that measures time is keyed by where it runs: by the hardware here, by the executor's name elsewhere.
func TestMeasuredTimesAreKeyedByExecutor(t *testing.T) {
	measure := func(cpu string) *op {
		return &op{Adjust: func(d *engine.Description) { d.Exclusive, d.Fingerprints = true, map[string]string{"cpu": cpu} }}
	}
	here, there := measure("login node"), measure("compute node")
	o := options(enginetest.Store(t))
	o.Child, o.Executors = []string{"rein"}, map[string]engine.Executor{"far": &node{resolver: always(there)}}
	n := step("speed", here)
	for _, c := range []struct{ executor, want string }{{"far", "ran"}, {"", "ran"}, {"far", "cached"}, {"", "cached"}} {
		o.Executor = c.executor
		wantStatuses(t, mustRun(t, graph(n), o), "speed:"+c.want)
	}
	if here.Runs() != 1 || there.Runs() != 1 {
		t.Errorf("%d runs here, %d there", here.Runs(), there.Runs())
	}
}

// A question needs no executor.
func TestQuestionsNeedNoExecutor(t *testing.T) {
	o := options(enginetest.Store(t))
	n := step("a", &op{})
	n.Executor = "far"
	f, err := engine.Plan(t.Context(), graph(n), o)
	if err != nil || f.Run != 1 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := engine.Why(t.Context(), graph(n), o, "", "a"); err != nil {
		t.Error(err)
	}
}
