package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rein/engine"
	"rein/engine/enginetest"
)

// A step in a process of its own has metrics, notes, logs, the row memo, and any end that a step here can have.
func TestChildProcess(t *testing.T) {
	s := enginetest.Store(t)
	var events enginetest.Events
	o := options(s)
	o.Child, o.KeepGoing, o.Emit = child(), true, events.Emit
	r := mustRun(t, graph(
		step("talk", childOp(map[string]any{"do": "talk"})),
		step("crash", childOp(map[string]any{"do": "crash"})),
		step("verdict", childOp(map[string]any{"do": "verdict"})),
		step("fail", childOp(map[string]any{"do": "fail"})),
	), o)
	wantStatuses(t, r, "crash:failed fail:failed talk:ran verdict:verdict")
	talk := enginetest.Find(r, "talk").Result
	if talk.Metrics["m"] != 4 || len(talk.Notes) != 1 || talk.PeakRSS == 0 {
		t.Errorf("%+v", talk)
	}
	logs := events.Of(engine.ActionLog, "talk")
	if len(logs) != 1 || logs[0].Text != "a library prints to stdout" {
		t.Errorf("%+v", logs)
	}
	for step, want := range map[string]string{"crash": "bad pointer", "verdict": "the answer is no", "fail": "cannot"} {
		if e := enginetest.Find(r, step).Error; !strings.Contains(e, want) {
			t.Errorf("%s: %s", step, e)
		}
	}
	if e := enginetest.Find(r, "crash").Error; !strings.Contains(e, "segmentation") && !strings.Contains(e, "died") {
		t.Error(e)
	}
}

// A step that was killed from outside says what that usually means.
func TestKilledChild(t *testing.T) {
	pipe := enginetest.NamedPipe(t)
	o := options(enginetest.Store(t))
	o.Child = child()
	go func() {
		pid, dead := pidFrom(t, pipe)
		if pid > 0 {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
			dead()
		}
	}()
	r := mustRun(t, graph(step("a", pidOp(pipe))), o)
	wantStatuses(t, r, "a:failed")
	if e := enginetest.Find(r, "a").Error; !strings.Contains(e, "killed") || !strings.Contains(e, "memory") {
		t.Error(e)
	}
}

// A step that doesn't listen is killed once the grace is over.
func TestDeafChildIsKilled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := options(enginetest.Store(t))
	o.Child, o.Grace = child(), 100*time.Millisecond
	o.Emit = func(e engine.Event) {
		if e.Action == engine.ActionLog && e.Text == "deaf" {
			cancel()
		}
	}
	r, err := engine.Run(ctx, graph(step("deaf", childOp(map[string]any{"do": "deaf"}))), o)
	if err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, r, "deaf:stopped")
}

// The step's process doesn't outlive a run that was killed.
func TestChildDiesWithItsRun(t *testing.T) {
	dir := t.TempDir()
	pipe := enginetest.NamedPipe(t)
	c := started("pid", filepath.Join(dir, "state"), pipe)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_, dead := pidFrom(t, pipe)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	dead()
}

func TestTimeoutAndRetries(t *testing.T) {
	tries := 0
	flaky := &op{Do: func(_ context.Context, c *engine.Call) error {
		c.Emit(engine.Event{Action: engine.ActionNote, Text: "tried"})
		if tries++; tries < 3 {
			return os.ErrDeadlineExceeded
		}
		return enginetest.WriteAll(c, "x")
	}}
	slow := &op{Config: map[string]any{"slow": true}, Do: func(ctx context.Context, _ *engine.Call) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	a, b := step("flaky", flaky), step("slow", slow)
	a.Retries, b.Timeout = 2, 20*time.Millisecond
	o := options(enginetest.Store(t))
	o.KeepGoing = true
	r := mustRun(t, graph(a, b), o)
	wantStatuses(t, r, "flaky:ran slow:failed")
	if e := enginetest.Find(r, "slow").Error; !strings.Contains(e, "timeout of 20ms") {
		t.Error(e)
	}
	if n := enginetest.Find(r, "flaky").Result.Notes; len(n) != 1 {
		t.Errorf("notes of failed attempts were kept: %v", n)
	}
}

func TestGPUsAreHandedOutByID(t *testing.T) {
	t.Setenv("CUDA_VISIBLE_DEVICES", "GPU-a,3")
	o := options(enginetest.Store(t))
	o.Child, o.KeepGoing = child(), true
	none := step("none", childOp(map[string]any{"do": "env", "n": 0}))
	two := step("two", childOp(map[string]any{"do": "env", "n": 2}))
	two.Resources.GPU = 2
	many := step("many", childOp(map[string]any{"do": "env", "n": 3}))
	many.Resources.GPU = 3
	r := mustRun(t, graph(none, two, many), o)
	wantStatuses(t, r, "many:failed none:ran two:ran")
	for step, want := range map[string]string{"none": "|[]", "two": "GPU-a,3|[GPU-a 3]"} {
		path, err := o.Store.Path(t.Context(), enginetest.Find(r, step).Outputs["out"])
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != want {
			t.Errorf("%s: %s", step, b)
		}
	}
	if e := enginetest.Find(r, "many").Error; !strings.Contains(e, "needs 3 GPUs, this machine shows 2") {
		t.Error(e)
	}
}

// A step that uses a GPU gets one where there is one, though its resources ask for none.
func TestStepTakesAGPUWhereThereIsOne(t *testing.T) {
	for given, want := range map[string]string{"GPU-a": "GPU-a|[GPU-a]", "": "|[]"} {
		t.Setenv("CUDA_VISIBLE_DEVICES", given)
		o := options(enginetest.Store(t))
		o.Child = child()
		uses := childOp(map[string]any{"do": "env", "n": 1})
		uses.Adjust = func(d *engine.Description) { d.Isolated, d.UsesGPU = true, true }
		r := mustRun(t, graph(step("one", uses)), o)
		path, err := o.Store.Path(t.Context(), enginetest.Find(r, "one").Outputs["out"])
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != want {
			t.Errorf("given %q: %s, want %s", given, b, want)
		}
	}
}

// Each further attempt waits twice as long, and says so.
func TestRetriesWaitLonger(t *testing.T) {
	n := step("never", &op{Do: func(context.Context, *engine.Call) error { return os.ErrDeadlineExceeded }})
	n.Retries = 3
	var events enginetest.Events
	o := options(enginetest.Store(t))
	o.RetryDelay, o.Emit = time.Millisecond, events.Emit
	wantStatuses(t, mustRun(t, graph(n), o), "never:failed")
	var said []string
	for _, e := range events.Of(engine.ActionLog, "never") {
		_, pause, _ := strings.Cut(e.Text, "again in ")
		said = append(said, pause)
	}
	if got := strings.Join(said, " "); got != "1ms 2ms 4ms" {
		t.Errorf("the pauses are %q", got)
	}
}

// A step that leaves an output out isn't run again: the next attempt would leave it out too.
func TestMissingOutputIsNotRetried(t *testing.T) {
	empty := &op{Do: func(context.Context, *engine.Call) error { return nil }}
	n := step("empty", empty)
	n.Retries = 2
	o := options(enginetest.Store(t))
	o.RetryDelay = time.Millisecond
	r := mustRun(t, graph(n), o)
	wantStatuses(t, r, "empty:failed")
	if e := enginetest.Find(r, "empty").Error; empty.Runs() != 1 || !strings.Contains(e, "wrote no output") {
		t.Errorf("ran %d times: %s", empty.Runs(), e)
	}
}
