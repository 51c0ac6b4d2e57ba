package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/cache"
	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/record"
)

// evict removes the outputs of steps from the store, as gc does, and keeps the index.
func evict(t *testing.T, s *cache.Store, r *record.Run, steps ...string) {
	t.Helper()
	for _, name := range steps {
		path, err := s.Path(t.Context(), enginetest.Find(r, name).Outputs["out"])
		if err != nil {
			t.Fatal(err)
		}
		remove(t, path)
	}
}

// quartet is base -> mid -> end -> last; n is of end.
func quartet(n int) *engine.Graph {
	base := step("base", &op{Type: "load"})
	mid := step("mid", &op{Type: "augment"}, from("rows", base))
	end := step("end", &op{Type: "train", Config: map[string]any{"n": n}}, from("rows", mid))
	return graph(base, mid, end, step("last", &op{Type: "report"}, from("model", end)))
}

// What was evicted still stops the wave; it is made again only when a step below has to run, and then as far up as
// is needed and no further. The plan knows.
func TestEvictedResultsAreCachedUntilNeeded(t *testing.T) {
	for name, c := range map[string]struct {
		evicted   string
		n         int
		plan, run string
	}{
		"nobody needs it":        {"mid", 1, "base cached mid cached end cached last cached", "base:cached end:cached last:cached mid:cached"},
		"nobody needs a chain":   {"base mid end", 1, "base cached mid cached end cached last cached", "base:cached end:cached last:cached mid:cached"},
		"the next step needs it": {"mid", 2, "base cached mid run end run last unknown", "base:cached end:ran last:ran mid:ran"},
		"a chain is needed":      {"base mid", 2, "base run mid run end run last unknown", "base:ran end:ran last:ran mid:ran"},
		"only what is needed":    {"base", 2, "base cached mid cached end run last unknown", "base:cached end:ran last:ran mid:cached"},
		"the end is wanted":      {"last", 1, "base cached mid cached end cached last run", "base:cached end:cached last:ran mid:cached"},
		"the end and above":      {"mid end last", 1, "base cached mid run end run last run", "base:cached end:ran last:ran mid:ran"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(enginetest.Store(t))
			r := mustRun(t, quartet(1), o)
			evict(t, o.Store, r, strings.Fields(c.evicted)...)
			f, err := engine.Plan(t.Context(), quartet(c.n), o)
			if err != nil {
				t.Fatal(err)
			}
			var plan []string
			for _, s := range f.Pipelines[0].Steps {
				plan = append(plan, s.Name+" "+string(s.Status))
			}
			if got := strings.Join(plan, " "); got != c.plan {
				t.Errorf("plan %s\nwant %s", got, c.plan)
			}
			var events enginetest.Events
			o.Emit = events.Emit
			wantStatuses(t, mustRun(t, quartet(c.n), o), c.run)
			if n := len(events.Of(engine.ActionEnd, "")); n != 4 {
				t.Errorf("%d ends of 4 steps", n)
			}
			wantStatuses(t, mustRun(t, quartet(c.n), o), strings.ReplaceAll(strings.ReplaceAll(c.run, "ran", "cached"), "unchanged", "cached"))
		})
	}
}

// A chain that is made again because one step needs it leaves its other users, which are cached, alone: every step ends
// once.
func TestEvictedChainWithCachedUsers(t *testing.T) {
	g := func(k int) *engine.Graph {
		base := step("base", &op{Type: "load"})
		mid := step("mid", &op{Type: "augment"}, from("rows", base))
		nodes := []*engine.Node{base, mid}
		for i := range 4 {
			nodes = append(nodes, step(fmt.Sprint("cached", i), &op{Config: map[string]any{"i": i}}, from("rows", mid)))
		}
		return graph(append(nodes, step("new", &op{Config: map[string]any{"k": k}}, from("rows", mid)))...)
	}
	o := options(enginetest.Store(t))
	evict(t, o.Store, mustRun(t, g(1), o), "base", "mid")
	var events enginetest.Events
	o.Emit = events.Emit
	wantStatuses(t, mustRun(t, g(2), o), "base:ran cached0:cached cached1:cached cached2:cached cached3:cached mid:ran new:ran")
	if n := len(events.Of(engine.ActionEnd, "")); n != 7 {
		t.Errorf("%d ends of 7 steps", n)
	}
}

// An evicted step that gives other bytes when it is made again: what needs it goes on with the new ones.
func TestEvictedNondeterministicStep(t *testing.T) {
	o := options(enginetest.Store(t))
	n := 0
	g := func(k int) *engine.Graph {
		a := step("a", &op{Do: func(_ context.Context, c *engine.Call) error {
			n++
			return enginetest.WriteAll(c, fmt.Sprint("run ", n))
		}})
		return graph(a, step("b", &op{Config: map[string]any{"k": k}}, from("x", a)))
	}
	evict(t, o.Store, mustRun(t, g(1), o), "a")
	r := mustRun(t, g(2), o)
	wantStatuses(t, r, "a:ran b:ran")
	path, err := o.Store.Path(t.Context(), enginetest.Find(r, "b").Outputs["out"])
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); !strings.Contains(string(b), "run 2") {
		t.Errorf("%s", b)
	}
	wantStatuses(t, mustRun(t, g(2), o), "a:cached b:cached")
}

// An output that decayed on the disk without a trace is found out when a step that needs it runs: it is made again, and the step runs on
// what it was.
func TestDecayedOutputIsMadeAgain(t *testing.T) {
	o := options(enginetest.Store(t))
	r := mustRun(t, quartet(1), o)
	decay(t, &o, enginetest.Find(r, "mid").Outputs["out"])
	r = mustRun(t, quartet(2), o)
	wantStatuses(t, r, "base:cached end:ran last:ran mid:ran")
}

// decay changes an output in the store without a trace, and opens the store as another process: this one has proven the output.
func decay(t *testing.T, o *engine.Options, b cache.Blob) {
	t.Helper()
	path, err := o.Store.Path(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		t.Fatalf("%q, %v", text, err)
	}
	text[0] ^= 1
	if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, text, 0o644), os.Chmod(path, info.Mode()), os.Chtimes(path, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	dir := o.Store.Dir()
	if err := o.Store.Close(); err != nil {
		t.Fatal(err)
	}
	o.Store = enginetest.Open(t, dir)
}

// An output that decayed without a trace is never published. Only publishing finds that, when every step has ended: what to do is said, and
// the next run makes it again.
func TestDecayedOutputIsNotPublished(t *testing.T) {
	o := options(enginetest.Store(t))
	g, path := quartet(1), filepath.Join(t.TempDir(), "out")
	g.Pipelines[0].Outputs = []engine.Output{{Name: "x", Ref: engine.Ref{Node: g.Pipelines[0].Nodes[1], Port: "out"}, Path: path}}
	step := g.Pipelines[0].Nodes[1].Name
	r := mustRun(t, g, o)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	decay(t, &o, enginetest.Find(r, step).Outputs["out"])
	if _, err := engine.Run(t.Context(), g, o); err == nil || !strings.Contains(err.Error(), "is damaged: its content isn't what was written; run again, and step \""+step+"\" makes it again") {
		t.Errorf("%v, want that it is damaged and what to do", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it is published")
	}
	mustRun(t, g, o)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// Two pipelines may each need the same evicted result; it is made once.
func TestEvictedSharedResultIsMadeOnce(t *testing.T) {
	o := options(enginetest.Store(t))
	shared := &op{Type: "base"}
	g := func(k int) *engine.Graph {
		one, two := step("base", shared), step("base", shared)
		return &engine.Graph{Pipelines: []*engine.Pipeline{
			enginetest.Pipeline("one", one, step("x", &op{Config: map[string]any{"one": k}}, from("in", one))),
			enginetest.Pipeline("two", two, step("y", &op{Config: map[string]any{"two": k}}, from("in", two))),
		}}
	}
	evict(t, o.Store, mustRun(t, g(1), o), "base")
	wantStatuses(t, mustRun(t, g(2), o), "one/base:ran one/x:ran two/base:cached two/y:ran")
	if shared.Runs() != 2 {
		t.Error(shared.Runs())
	}
}

// A failure while making it again fails what needs it, and is over then.
func TestEvictedResultThatFails(t *testing.T) {
	o := options(enginetest.Store(t))
	file := filepath.Join(t.TempDir(), "fail")
	g := func(k int) *engine.Graph {
		a := &op{}
		a.Do = func(_ context.Context, c *engine.Call) error {
			if _, err := os.Stat(file); err == nil {
				return os.ErrInvalid
			}
			return a.Copy(c)
		}
		na := step("a", a)
		return graph(na, step("b", &op{Config: map[string]any{"k": k}}, from("x", na)))
	}
	evict(t, o.Store, mustRun(t, g(1), o), "a")
	write(t, file, "")
	wantStatuses(t, mustRun(t, g(2), o), "a:failed b:skipped")
	o.Frozen = true
	wantStatuses(t, mustRun(t, g(2), o), "a:cached b:failed")
	o.Frozen = false
	remove(t, file)
	wantStatuses(t, mustRun(t, g(2), o), "a:ran b:ran")
}

// An input that vanishes after it was looked up fails the step, which holds nothing then: the next run makes the input again and goes on.
func TestInputThatVanishes(t *testing.T) {
	for name, extents := range map[string][]string{"alone": nil, "with a checkpoint that is shared": {"n"}} {
		t.Run(name, func(t *testing.T) {
			pair := func(n int) *engine.Graph {
				base := step("base", &op{Type: "load"})
				return graph(base, step("end", &op{Type: "train", Config: map[string]any{"n": n}, Adjust: func(d *engine.Description) { d.Extents = extents }}, from("rows", base)))
			}
			o := options(enginetest.Store(t))
			r := mustRun(t, pair(1), o)
			r = mustRun(t, pair(2), engine.At(o, "leased 1", func() { evict(t, o.Store, r, "base") }))
			wantStatuses(t, r, "base:cached end:failed")
			if e := enginetest.Find(r, "end").Error; !strings.Contains(e, "input rows: ") {
				t.Error(e)
			}
			wantStatuses(t, mustRun(t, pair(2), o), "base:ran end:ran")
		})
	}
}
