package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rein/cache"
	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/record"
)

type op = enginetest.Op

var (
	step  = enginetest.Step
	from  = enginetest.From
	graph = enginetest.Graph
)

// options are those of most tests: retries without delay.
func options(s *cache.Store) engine.Options {
	return engine.Options{Store: s, Jobs: 4, RetryDelay: time.Millisecond, Grace: 2 * time.Second}
}

func mustRun(t *testing.T, g *engine.Graph, o engine.Options) *record.Run {
	t.Helper()
	r, err := engine.Run(t.Context(), g, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantStatuses(t *testing.T, r *record.Run, want string) {
	t.Helper()
	if got := enginetest.Statuses(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
		for _, p := range r.Pipelines {
			for _, s := range p.Steps {
				if s.Error != "" {
					t.Logf("%s/%s: %s", p.Name, s.Name, s.Error)
				}
			}
		}
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunsOnceThenIsCached(t *testing.T) {
	s := enginetest.Store(t)
	a, b := &op{Config: map[string]any{"n": 1}}, &op{}
	na := step("a", a)
	g := graph(na, step("b", b, from("x", na)))
	wantStatuses(t, mustRun(t, g, options(s)), "a:ran b:ran")
	r := mustRun(t, g, options(s))
	wantStatuses(t, r, "a:cached b:cached")
	if a.Runs() != 1 || b.Runs() != 1 {
		t.Errorf("ran %d and %d times", a.Runs(), b.Runs())
	}
	if r.Verdict != "pass" {
		t.Error(r.Verdict)
	}
}

// A step whose inputs come out the same isn't run again, though what is above it was.
func TestEarlyCutoff(t *testing.T) {
	s := enginetest.Store(t)
	file := write(t, filepath.Join(t.TempDir(), "in.txt"), "one two")
	same := func(ctx context.Context, c *engine.Call) error { return enginetest.WriteAll(c, "always") }
	a, b, c := &op{Do: same}, &op{}, &op{}
	na := step("a", a, enginetest.Path("text", engine.PathFile, file))
	nb := step("b", b, from("x", na))
	g := graph(na, nb, step("c", c, from("x", nb)))
	mustRun(t, g, options(s))
	write(t, file, "two one")
	wantStatuses(t, mustRun(t, g, options(s)), "a:ran b:unchanged c:unchanged")
	if a.Runs() != 2 || b.Runs() != 1 || c.Runs() != 1 {
		t.Error(a.Runs(), b.Runs(), c.Runs())
	}
	// Touching the file changes nothing at all.
	if err := os.Chtimes(file, time.Now().Add(time.Hour), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, mustRun(t, g, options(s)), "a:cached b:cached c:cached")
}

func TestEqualStepsRunOnce(t *testing.T) {
	s := enginetest.Store(t)
	shared, x, y := &op{Config: map[string]any{"seed": 7}}, &op{Config: map[string]any{"v": 1}}, &op{Config: map[string]any{"v": 2}}
	a1, a2 := step("base", shared), step("baseline", shared)
	g := &engine.Graph{Pipelines: []*engine.Pipeline{
		enginetest.Pipeline("one", a1, step("x", x, from("in", a1))),
		enginetest.Pipeline("two", a2, step("y", y, from("in", a2))),
	}}
	wantStatuses(t, mustRun(t, g, options(s)), "one/base:ran one/x:ran two/baseline:cached two/y:ran")
	if shared.Runs() != 1 {
		t.Errorf("the shared step ran %d times", shared.Runs())
	}
}

// A step of two pipelines that fails says why in both, and of the second one that it is the same work.
func TestEqualStepsFailOnce(t *testing.T) {
	for status, err := range map[string]error{"failed": errors.New("boom"), "verdict": &engine.Verdict{Text: "boom"}} {
		shared := &op{Config: map[string]any{"seed": 7}, Do: func(context.Context, *engine.Call) error { return err }}
		a1, a2 := step("base", shared), step("base", shared)
		g := &engine.Graph{Pipelines: []*engine.Pipeline{enginetest.Pipeline("one", a1), enginetest.Pipeline("two", a2)}}
		r := mustRun(t, g, options(enginetest.Store(t)))
		wantStatuses(t, r, fmt.Sprintf("one/base:%s two/base:%[1]s", status))
		one, two := r.Pipelines[0].Steps[0], r.Pipelines[1].Steps[0]
		if !strings.Contains(one.Error, "boom") || two.Error != one.Error || strings.Join(two.Reasons, "; ") != "same work as one/base" || two.Why[0].Code != record.SameWork {
			t.Errorf("%s: %q, then %q for %q", status, one.Error, two.Error, two.Reasons)
		}
	}
}

// Steps that turn out to have one key only when their inputs are known run once too.
func TestEqualKeysRunOnce(t *testing.T) {
	s := enginetest.Store(t)
	same := func(_ context.Context, c *engine.Call) error { return enginetest.WriteAll(c, "same") }
	one, two := &op{Do: same, Config: map[string]any{"a": 1}}, &op{Do: same, Config: map[string]any{"a": 2}}
	slow := &op{Do: func(_ context.Context, c *engine.Call) error {
		time.Sleep(20 * time.Millisecond)
		return enginetest.WriteAll(c, "x")
	}}
	n1, n2 := step("one", one), step("two", two)
	r := mustRun(t, graph(n1, n2, step("s1", slow, from("in", n1)), step("s2", slow, from("in", n2))), options(s))
	if slow.Runs() != 1 {
		t.Errorf("ran %d times: %s", slow.Runs(), enginetest.Statuses(r))
	}
}

func TestFailures(t *testing.T) {
	boom := func(context.Context, *engine.Call) error { return errors.New("boom") }
	no := func(context.Context, *engine.Call) error { return &engine.Verdict{Text: "too few"} }
	for name, c := range map[string]struct {
		do     func(context.Context, *engine.Call) error
		keep   bool
		want   string
		reason string
	}{
		"fault stops the rest":       {boom, false, "after:skipped bad:failed first:ran other:skipped", "bad failed"},
		"keep going":                 {boom, true, "after:skipped bad:failed first:ran other:ran", "bad failed"},
		"verdict stops only its own": {no, false, "after:skipped bad:verdict first:ran other:ran", "bad said no"},
		"an output that isn't there": {func(context.Context, *engine.Call) error { return nil }, true, "after:skipped bad:failed first:ran other:ran", "bad failed"},
	} {
		t.Run(name, func(t *testing.T) {
			started := make(chan struct{})
			bad := step("bad", &op{Config: map[string]any{"k": 1}, Do: func(ctx context.Context, call *engine.Call) error {
				<-started
				return c.do(ctx, call)
			}})
			o := options(enginetest.Store(t))
			o.KeepGoing = c.keep
			failed := make(chan struct{})
			o.Emit = func(e engine.Event) {
				if e.Action == engine.ActionEnd && e.Step == "bad" {
					close(failed)
				}
			}
			first := step("first", &op{Do: func(_ context.Context, c *engine.Call) error {
				close(started)
				<-failed
				return enginetest.WriteAll(c, "")
			}})
			r := mustRun(t, graph(bad, step("after", &op{}, from("x", bad)), first, step("other", &op{}, from("x", first))), o)
			wantStatuses(t, r, c.want)
			if got := strings.Join(enginetest.Find(r, "after").Reasons, "; "); got != c.reason {
				t.Errorf("reason %q, want %q", got, c.reason)
			}
			if r.Verdict != "fail" {
				t.Error(r.Verdict)
			}
		})
	}
}

func TestChecksAreVerdicts(t *testing.T) {
	s := enginetest.Store(t)
	n := step("a", &op{Do: func(_ context.Context, c *engine.Call) error {
		c.Emit(engine.Event{Action: engine.ActionMetric, Metric: "words", Value: 3})
		return enginetest.WriteAll(c, "x")
	}})
	n.Checks = []engine.Check{{Test: func(m map[string]float64) error {
		if m["words"] < 10 {
			return errors.New("too few words")
		}
		return nil
	}}}
	g := graph(n, step("b", &op{}, from("x", n)))
	for range 2 { // the second time from the cache
		r := mustRun(t, g, options(s))
		wantStatuses(t, r, "a:verdict b:skipped")
		if e := enginetest.Find(r, "a").Error; !strings.Contains(e, "too few words") {
			t.Error(e)
		}
	}
}
