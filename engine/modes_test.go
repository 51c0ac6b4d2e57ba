package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rein/engine"
	"rein/engine/enginetest"
)

func TestForceRunsAgain(t *testing.T) {
	o := options(enginetest.Store(t))
	a, b := &op{}, &op{Config: map[string]any{"b": 1}}
	na := step("a", a)
	g := graph(na, step("b", b, from("x", na)))
	mustRun(t, g, o)
	for _, name := range []string{"a", "p/a"} {
		o.Force = []string{name}
		wantStatuses(t, mustRun(t, g, o), "a:ran b:unchanged")
	}
	if a.Runs() != 3 || b.Runs() != 1 {
		t.Error(a.Runs(), b.Runs())
	}
	o.Force = []string{"c"}
	var ce *engine.ConfigError
	if _, err := engine.Run(t.Context(), g, o); !errors.As(err, &ce) || !strings.Contains(err.Error(), "--force c") {
		t.Error(err)
	}
}

func TestVerifyFindsOtherBytes(t *testing.T) {
	n := int64(0)
	unstable := func(_ context.Context, c *engine.Call) error {
		return enginetest.WriteAll(c, fmt.Sprint(atomic.AddInt64(&n, 1)))
	}
	o := options(enginetest.Store(t))
	g := graph(step("stable", &op{}), step("unstable", &op{Do: unstable, Config: map[string]any{"k": 1}}),
		step("declared", &op{Do: unstable, Config: map[string]any{"k": 2}, Adjust: func(d *engine.Description) { d.Nondeterministic = true }}))
	mustRun(t, g, o)
	o.Verify, o.KeepGoing = true, true
	r := mustRun(t, g, o)
	wantStatuses(t, r, "declared:cached stable:ran unstable:failed")
	if e := enginetest.Find(r, "unstable").Error; !strings.Contains(e, "other bytes") || !strings.Contains(e, "output out") {
		t.Error(e)
	}
	o.Verify = false // and the cache still has what it had
	wantStatuses(t, mustRun(t, g, o), "declared:cached stable:cached unstable:cached")
}

func TestFrozenFailsOnAMiss(t *testing.T) {
	o := options(enginetest.Store(t))
	a := &op{}
	g := graph(step("a", a))
	o.Frozen = true
	r := mustRun(t, g, o)
	wantStatuses(t, r, "a:failed")
	if e := enginetest.Find(r, "a").Error; !strings.Contains(e, "--frozen") || a.Runs() != 0 {
		t.Error(e, a.Runs())
	}
	o.Frozen = false
	mustRun(t, g, o)
	o.Frozen = true
	wantStatuses(t, mustRun(t, g, o), "a:cached")
}

// An input that changes while a step reads it: the result is used, said to be unsure, and not kept.
func TestInputChangedDuringTheStep(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "in.txt"), "before")
	o := options(enginetest.Store(t))
	var events enginetest.Events
	o.Emit = events.Emit
	spoil := true
	a := &op{}
	a.Do = func(_ context.Context, c *engine.Call) error {
		if err := a.Copy(c); err != nil || !spoil {
			return err
		}
		return os.WriteFile(file, []byte("after!"), 0o666)
	}
	na := step("a", a, enginetest.Path("x", engine.PathFile, file))
	g := graph(na, step("b", &op{}, from("x", na)))
	r := mustRun(t, g, o)
	wantStatuses(t, r, "a:ran b:ran")
	if notes := enginetest.Find(r, "a").Result.Notes; len(notes) != 1 || !strings.Contains(notes[0], "changed while the step ran") {
		t.Errorf("notes: %q", notes)
	}
	if len(events.Of(engine.ActionNote, "a")) != 1 {
		t.Error("nothing was said")
	}
	spoil = false
	write(t, file, "before")
	wantStatuses(t, mustRun(t, g, o), "a:ran b:unchanged")
	wantStatuses(t, mustRun(t, g, o), "a:cached b:cached")
}

// TestInputChangedAndBack has an input be another for a while, as when somebody looks at another branch of a repository.
func TestInputChangedAndBack(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "in.txt"), "before")
	o := options(enginetest.Store(t))
	a := &op{}
	a.Do = func(_ context.Context, c *engine.Call) error {
		write(t, file, "middle")
		err := a.Copy(c)
		write(t, filepath.Join(dir, "new"), "before")
		return errors.Join(err, os.Rename(filepath.Join(dir, "new"), file))
	}
	g := graph(step("a", a, enginetest.Path("x", engine.PathFile, file)))
	wantStatuses(t, mustRun(t, g, o), "a:ran")
	a.Do = nil
	r := mustRun(t, g, o)
	wantStatuses(t, r, "a:ran")
	b := enginetest.Find(r, "a").Outputs["out"]
	if path, err := o.Store.Path(t.Context(), b); err != nil {
		t.Error(err)
	} else if got, err := os.ReadFile(path); err != nil || strings.Contains(string(got), "middle") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestOutputsArePublished(t *testing.T) {
	dir := t.TempDir()
	o := options(enginetest.Store(t))
	n := step("a", &op{Config: map[string]any{"k": "v"}})
	g := graph(n)
	g.Pipelines[0].Outputs = []engine.Output{{Name: "o", Ref: engine.Ref{Node: n, Port: "out"}, Path: filepath.Join(dir, "out", "a.txt")}}
	for range 2 {
		mustRun(t, g, o)
		if b, err := os.ReadFile(filepath.Join(dir, "out", "a.txt")); err != nil || string(b) != "map[k:v]" {
			t.Errorf("%q, %v", b, err)
		}
	}
}

func TestMistakesAreFoundBeforeAnythingRuns(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "f.txt"), "x")
	output := func(name, path string) engine.Output { return engine.Output{Name: name, Path: path, Pos: "p.hcl:9"} }
	for name, c := range map[string]struct {
		graph func() *engine.Graph
		want  []string
	}{
		"cycle": {func() *engine.Graph {
			a, b := step("a", &op{}), step("b", &op{})
			a.Inputs, b.Inputs, a.Pos = append(a.Inputs, from("x", b)), append(b.Inputs, from("x", a)), "p.hcl:3"
			return graph(a, b)
		}, []string{"p.hcl:3", "a -> b -> a"}},
		"missing file": {func() *engine.Graph {
			return graph(step("a", &op{}, enginetest.Path("x", engine.PathFile, filepath.Join(dir, "no.txt"))))
		}, []string{"no.txt", "no such file"}},
		"folder for a file": {func() *engine.Graph { return graph(step("a", &op{}, enginetest.Path("x", engine.PathFile, dir))) },
			[]string{"is a folder"}},
		"file for a folder": {func() *engine.Graph { return graph(step("a", &op{}, enginetest.Path("x", engine.PathDir, file))) },
			[]string{"is a file"}},
		"empty glob": {func() *engine.Graph {
			return graph(step("a", &op{}, enginetest.Path("x", engine.PathGlob, filepath.Join(dir, "*.csv"))))
		}, []string{"no file matches"}},
		"two outputs, one path": {func() *engine.Graph {
			g := graph(step("a", &op{}))
			g.Pipelines[0].Outputs = []engine.Output{output("one", "/x/y"), output("two", "/x/./y")}
			return g
		}, []string{`"one"`, `"two"`, "/x/y", "p.hcl:9"}},
		"an output in another": {func() *engine.Graph {
			g := graph(step("a", &op{}))
			g.Pipelines[0].Outputs = []engine.Output{output("one", "/x"), output("two", "/x/y/z")}
			return g
		}, []string{"inside /x"}},
		"an input that an output writes": {func() *engine.Graph {
			g := graph(step("a", &op{}, enginetest.Path("x", engine.PathDir, dir)))
			g.Pipelines[0].Outputs = []engine.Output{output("one", filepath.Join(dir, "made.txt"))}
			return g
		}, []string{`"one"`, "refer to the step"}},
		"a step of elsewhere": {func() *engine.Graph { return graph(step("a", &op{}, from("x", step("ghost", &op{})))) }, []string{"ghost"}},
		"two of one name":     {func() *engine.Graph { return graph(step("a", &op{}), step("a", &op{Config: map[string]any{"x": 1}})) }, []string{"two steps"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(enginetest.Store(t))
			_, err := engine.Run(t.Context(), c.graph(), o)
			var ce *engine.ConfigError
			if !errors.As(err, &ce) {
				t.Fatalf("got %v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("no %q in: %v", w, err)
				}
			}
			if _, err := engine.Plan(t.Context(), c.graph(), o); err == nil {
				t.Error("the plan has nothing to say")
			}
			if runs, _ := o.Store.Runs(); len(runs) != 0 {
				t.Error("a run was recorded")
			}
		})
	}
}

func TestTheStateFolderIsNoInput(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.txt"), "x")
	o := options(enginetest.Open(t, filepath.Join(dir, ".rein")))
	_, err := engine.Run(t.Context(), graph(step("a", &op{}, enginetest.Path("x", engine.PathDir, dir))), o)
	if err == nil || !strings.Contains(err.Error(), "holds the state folder") {
		t.Error(err)
	}
}

// The same checkpoint folder is there for the same work cut off, and for more of the same.
func TestCheckpointsAreKeyedByContent(t *testing.T) {
	o := options(enginetest.Store(t))
	train := func(epochs int, stopAt int) *op {
		return &op{Config: map[string]any{"rate": 1, "epochs": epochs}, Adjust: func(d *engine.Description) { d.Extents = []string{"epochs"} },
			Do: func(_ context.Context, c *engine.Call) error {
				if err := os.MkdirAll(c.Checkpoint, 0o777); err != nil {
					return err
				}
				b, _ := os.ReadFile(filepath.Join(c.Checkpoint, "epoch"))
				for i := len(b) + 1; i <= epochs; i++ {
					if i == stopAt {
						return errors.New("cut off")
					}
					b = append(b, '.')
					c.Emit(engine.Event{Action: engine.ActionSeries, Metric: "loss", At: float64(i), Value: 1})
					if err := os.WriteFile(filepath.Join(c.Checkpoint, "epoch"), b, 0o666); err != nil {
						return err
					}
				}
				return enginetest.WriteAll(c, string(b))
			}}
	}
	epochs := func(o2 *op, want string) {
		t.Helper()
		r := mustRun(t, graph(step("train", o2)), o)
		wantStatuses(t, r, want)
		t.Logf("%d epochs", len(enginetest.Find(r, "train").Result.Series["loss"]))
	}
	epochs(train(12, 9), "train:failed")
	r := mustRun(t, graph(step("train", train(12, 0))), o)
	if n := len(enginetest.Find(r, "train").Result.Series["loss"]); n != 4 {
		t.Errorf("%d epochs were trained after the cut, want 4", n)
	}
	r = mustRun(t, graph(step("train", train(15, 0))), o)
	if n := len(enginetest.Find(r, "train").Result.Series["loss"]); n != 3 {
		t.Errorf("%d epochs were trained from 12 to 15, want 3", n)
	}
}

// An interrupt stops what runs, keeps what is finished, and the next run goes on from there.
func TestInterruptKeepsWhatIsFinished(t *testing.T) {
	o := options(enginetest.Store(t))
	ctx, cancel := context.WithCancel(t.Context())
	stop := true
	a, b := &op{}, &op{}
	b.Do = func(ctx context.Context, c *engine.Call) error {
		if stop {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}
		return b.Copy(c)
	}
	na := step("a", a)
	nb := step("b", b, from("x", na))
	g := graph(na, nb, step("c", &op{}, from("x", nb)))
	r, err := engine.Run(ctx, g, o)
	if err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, r, "a:ran b:stopped c:skipped")
	if r.Verdict != "stopped" {
		t.Error(r.Verdict)
	}
	if runs, err := o.Store.Runs(); err != nil || len(runs) != 1 {
		t.Errorf("the stopped run has no record: %v, %v", runs, err)
	}
	stop = false
	wantStatuses(t, mustRun(t, g, o), "a:cached b:ran c:ran")
}

// A step that measures time has the machine to itself.
func TestExclusiveStepsRunAlone(t *testing.T) {
	o := options(enginetest.Store(t))
	var running, beside atomic.Int64
	body := func(alone bool) func(context.Context, *engine.Call) error {
		return func(_ context.Context, c *engine.Call) error {
			defer running.Add(-1)
			if n := running.Add(1); alone && n > 1 {
				beside.Add(1)
			}
			time.Sleep(5 * time.Millisecond)
			if alone && running.Load() > 1 {
				beside.Add(1)
			}
			if c.Resources.CPUs != 0 {
				return fmt.Errorf("it was told that it has %v CPUs", c.Resources.CPUs)
			}
			return enginetest.WriteAll(c, "")
		}
	}
	var nodes []*engine.Node
	for i := range 12 {
		alone := i%4 == 1
		nodes = append(nodes, step(fmt.Sprint("s", i), &op{Config: map[string]any{"i": i}, Do: body(alone),
			Adjust: func(d *engine.Description) { d.Exclusive = alone }}))
	}
	if r := mustRun(t, graph(nodes...), o); r.Verdict != "pass" || beside.Load() > 0 {
		t.Errorf("%s; %d times not alone", enginetest.Statuses(r), beside.Load())
	}
}
