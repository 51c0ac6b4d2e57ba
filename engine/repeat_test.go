package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rein/cache"
	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/record"
)

// known is the digest of all that a plant's graph says.
func (p *plant) known(out string) cache.Digest {
	return cache.Sum(fmt.Appendf(nil, "%v %v %v %v %q", p.config, p.reads, p.file, p.modulo, out))
}

// published is a plant's graph with an output at a path; "": without.
func (p *plant) published(dir, out string) *engine.Graph {
	g, _ := p.graph(dir)
	if nodes := g.Pipelines[0].Nodes; out != "" {
		g.Pipelines[0].Outputs = []engine.Output{{Name: "o", Ref: engine.Ref{Node: nodes[len(nodes)-1], Port: "out"}, Path: out}}
	}
	return g
}

// world is where a plant runs, and what happens there between runs.
type world struct {
	t   *rapid.T
	p   *plant
	dir string
	out string
	s   *cache.Store
	rec *record.Run // of the last run
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

func (w *world) file() string {
	return filepath.Join(w.dir, fmt.Sprintf("%d.txt", rapid.IntRange(0, 2).Draw(w.t, "file")))
}

// blob is the path of a result in the store; "": it isn't there.
func (w *world) blob() string {
	steps := w.rec.Pipelines[0].Steps
	b := steps[rapid.IntRange(0, len(steps)-1).Draw(w.t, "step")].Outputs["out"]
	h := b.Digest.String()
	path := filepath.Join(w.s.Dir(), "blobs", h[:2], h)
	if _, err := os.Lstat(path); err != nil {
		return ""
	}
	return path
}

// overwrite changes a file's content; keep leaves its size and modification time as they were.
func (w *world) overwrite(path string, keep bool) {
	info, err := os.Stat(path)
	if err != nil {
		return
	}
	text := []byte(rapid.StringMatching(`[xyz]{3}`).Draw(w.t, "text"))
	if keep {
		if text, err = os.ReadFile(path); err == nil && len(text) > 0 {
			text[0] ^= 1
		}
		w.must(err)
	}
	w.must(errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, text, 0o600)))
	if keep {
		w.must(os.Chtimes(path, info.ModTime(), info.ModTime()))
	}
	w.must(os.Chmod(path, info.Mode()))
}

// happen lets something happen.
func (w *world) happen() {
	old := time.Unix(1_000_000_000, 0) // a whole second, long ago
	events := map[string]func(){
		"nothing":       func() {},
		"graph":         func() { w.p.change(w.t, w.dir) },
		"write":         func() { w.overwrite(w.file(), false) },
		"write unseen":  func() { w.overwrite(w.file(), true) },
		"touch":         func() { w.must(os.Chtimes(w.file(), time.Time{}, time.Now())) },
		"clock back":    func() { w.must(os.Chtimes(w.file(), old, old)) },
		"evict":         func() { _ = os.Remove(w.blob()) },
		"damage":        func() { w.overwrite(w.blob(), false) },
		"publish":       func() { w.out = filepath.Join(w.dir, "out", rapid.SampledFrom([]string{"a", "b"}).Draw(w.t, "out")) },
		"don't publish": func() { w.out = "" },
		"output gone":   func() { _ = os.RemoveAll(filepath.Join(w.dir, "out")) },
		"output edited": func() { w.overwrite(w.out, false) },
		"edited unseen": func() { w.overwrite(w.out, true) },
		"output linked": func() {
			if _, err := os.Lstat(w.out); err == nil {
				w.must(errors.Join(os.Rename(w.out, w.out+"-away"), os.Symlink(w.out+"-away", w.out)))
			}
		},
		"folder moved": func() {
			away := filepath.Join(w.dir, fmt.Sprint("away", time.Now().UnixNano()))
			if err := os.Rename(filepath.Join(w.dir, "out"), away); err == nil {
				w.must(os.Symlink(away, filepath.Join(w.dir, "out")))
			}
		},
		"force": func() { // another process makes a result again, which may be another one
			s := w.s
			if rapid.Bool().Draw(w.t, "elsewhere") {
				s = open(w.t, w.s.Dir())
				defer s.Close()
			}
			o := options(s)
			o.Force = []string{fmt.Sprint("s", rapid.IntRange(0, len(w.p.config)-1).Draw(w.t, "forced"))}
			_, err := engine.Run(w.t.Context(), w.p.published(w.dir, ""), o)
			w.must(err)
		},
		"gc": func() {
			c, err := w.s.PlanGC(w.t.Context(), cache.Keep{})
			w.must(err)
			w.must(w.s.Collect(w.t.Context(), c))
		},
		"index lost": func() {
			w.must(w.s.Close())
			w.must(os.RemoveAll(filepath.Join(w.s.Dir(), "index")))
			w.s = open(w.t, w.s.Dir())
		},
		"index torn": func() {
			w.must(w.s.Close())
			tables, _ := filepath.Glob(filepath.Join(w.s.Dir(), "index", "*.sst"))
			for _, path := range tables {
				w.must(os.Truncate(path, 10))
			}
			w.s = open(w.t, w.s.Dir())
		},
		"record gone": func() { _ = os.Remove(filepath.Join(w.s.Dir(), "runs", w.rec.ID+".json")) },
		"memory torn": func() {
			files, _ := filepath.Glob(filepath.Join(w.s.Dir(), "settled", "*"))
			for _, path := range files {
				w.overwrite(path, rapid.Bool().Draw(w.t, "unseen"))
			}
		},
	}
	names := make([]string, 0, len(events))
	for name := range events {
		names = append(names, name)
	}
	slices.Sort(names)
	events[rapid.SampledFrom(names).Draw(w.t, "event")]()
}

// run repeats the last run if that is possible, and runs otherwise. What it repeats must be what a run would have done.
func (w *world) run() (repeated bool) {
	o := options(w.s)
	g := w.p.published(w.dir, w.out)
	o.CheckOutputs, o.Known = true, w.p.known(w.out)
	forecast, perr := engine.Plan(w.t.Context(), g, o)
	planned, err := engine.PlanAgain(w.t.Context(), o)
	w.must(err)
	again, err := engine.Repeat(w.t.Context(), o)
	w.must(err)
	if (planned == nil) != (again == nil) || planned != nil && !reflect.DeepEqual(planned, forecast) {
		w.t.Fatalf("planned again as %+v, planned as %+v", planned, forecast)
	}
	if again == nil {
		if w.rec, err = engine.Run(w.t.Context(), g, o); perr == nil {
			w.must(err)
		}
		if w.rec == nil || w.rec.Verdict != "pass" { // an output's path is taken: the user puts it right
			w.must(os.RemoveAll(filepath.Join(w.dir, "out")))
			w.rec, err = engine.Run(w.t.Context(), g, o)
			w.must(err)
		}
		return false
	}
	w.must(perr)
	if forecast.Pending() || forecast.Note != "" {
		w.t.Fatalf("repeated, but a run has something to do: %+v", forecast)
	}
	w.rec, err = again.Record()
	w.must(err)
	plain := options(w.s) // finds nothing that is kept
	want, err := engine.Run(w.t.Context(), g, plain)
	w.must(err)
	if got, want := comparable(w.t, w.rec), comparable(w.t, want); got != want {
		w.t.Fatalf("the record of a repeated run\n%s\nis not that of a run\n%s", got, want)
	}
	if w.out != "" {
		last := want.Pipelines[0].Steps
		b, err := cache.HashPath(w.t.Context(), w.out)
		if w.must(err); !slices.ContainsFunc(last, func(s record.Step) bool { return s.Outputs["out"] == b }) {
			w.t.Fatal("what is published is no result")
		}
	}
	return true
}

// comparable is a record without what differs from run to run.
func comparable(t *rapid.T, r *record.Run) string {
	c := *r
	c.ID, c.Started, c.Ended = "", time.Time{}, time.Time{}
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A run that is repeated without looking at the graph is what a run would have been, whatever has happened since the last one.
func TestRepeatIsNeverStale(t *testing.T) {
	fewChecks(t, "40")
	repeats := 0
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		if dir, err = filepath.EvalSymlinks(dir); err != nil {
			rt.Fatal(err)
		}
		for i := range 3 {
			writeFile(rt, dir, i, fmt.Sprint("file ", i))
		}
		if err := os.Mkdir(filepath.Join(dir, "out"), 0o777); err != nil {
			rt.Fatal(err)
		}
		w := &world{t: rt, p: drawPlant(rt), dir: dir, s: open(rt, filepath.Join(dir, "state"))}
		defer func() { w.s.Close() }()
		w.run()
		for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
			for range rapid.IntRange(0, 2).Draw(rt, "events") {
				w.happen()
			}
			if w.run() {
				repeats++
			}
		}
	})
	if repeats == 0 {
		t.Error("no run was repeated: the test says nothing")
	}
	t.Log(repeats, "runs were repeated")
}

// A run right after a cold one, and one that goes back to earlier content, are repeated; they open no index.
func TestRepeat(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "in.txt")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	made := &op{Config: map[string]any{"a": 1}}
	twice := &op{Config: map[string]any{"b": 1}}
	first := step("a", made, enginetest.Path("f", engine.PathFile, file))
	g := graph(first, step("b", twice, from("x", first)), step("c", twice, from("x", first)))
	s := enginetest.Store(t)
	o := options(s)
	o.Known = cache.Sum([]byte("g"))
	o.Note = func(r *record.Run) []byte { return []byte(r.Pipelines[0].Steps[0].Status) }
	run := func() {
		t.Helper()
		if r, err := engine.Run(context.Background(), g, o); err != nil || r.Verdict != "pass" {
			t.Fatal(r, err)
		}
	}
	repeats := func(want bool) {
		t.Helper()
		var events enginetest.Events
		o := o
		o.Emit = events.Emit
		r, err := engine.Repeat(context.Background(), o)
		if err != nil || (r != nil) != want {
			t.Fatal("repeated:", r != nil, err)
		}
		if r == nil {
			return
		}
		rec, err := r.Record()
		if err != nil || string(r.Note) != "cached" || enginetest.Statuses(rec) != "a:cached b:cached c:cached" || len(events.All()) != 5 {
			t.Fatal(string(r.Note), enginetest.Statuses(rec), events.All(), err)
		}
		if _, err := s.ReadRun(rec.ID); err != nil {
			t.Error(err)
		}
	}
	repeats(false)
	run()
	repeats(true)
	write("two")
	repeats(false)
	run()
	repeats(true)
	write("one")
	repeats(true) // only what was made of two has been added
	write("two")
	repeats(true)
	force := o
	force.Force = []string{"b"}
	if r, err := engine.Run(context.Background(), g, force); err != nil || r.Verdict != "pass" {
		t.Fatal(r, err)
	}
	repeats(false) // a result may be another one
	run()
	repeats(true)
	if made.Runs() != 2 || twice.Runs() != 3 {
		t.Error(made.Runs(), twice.Runs())
	}
	for name, change := range map[string]func(*engine.Options){
		"forced": func(o *engine.Options) { o.Force = []string{"a"} }, "verified": func(o *engine.Options) { o.Verify = true },
		"elsewhere": func(o *engine.Options) { o.Executor = "x" }, "shared": func(o *engine.Options) { o.Remote = new(ledger) },
		"unknown": func(o *engine.Options) { o.Known = cache.Digest{} }, "another": func(o *engine.Options) { o.Known = cache.Digest{1} },
	} {
		o := o
		change(&o)
		if r, err := engine.Repeat(context.Background(), o); r != nil || err != nil {
			t.Error(name, "is repeated", err)
		}
	}
}

// BenchmarkRepeat10000 is a run with nothing to do.
func BenchmarkRepeat10000(b *testing.B) {
	o := options(enginetest.Store(b))
	o.Known = cache.Sum([]byte("g"))
	if _, err := engine.Run(b.Context(), layered(10_000, 100), o); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := engine.Repeat(b.Context(), o); r == nil {
			b.Fatal(err)
		}
	}
}

// A folder that is a link now may lead to where no input may lie, although its files are the same.
func TestRepeatFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := errors.Join(os.Mkdir(data, 0o777), os.WriteFile(filepath.Join(data, "in.txt"), []byte("text"), 0o666)); err != nil {
		t.Fatal(err)
	}
	s := enginetest.Store(t)
	o := options(s)
	o.Known = cache.Sum([]byte("g"))
	g := graph(step("a", &op{}, enginetest.Path("f", engine.PathFile, filepath.Join(data, "in.txt"))))
	if r, err := engine.Run(t.Context(), g, o); err != nil || r.Verdict != "pass" {
		t.Fatal(err)
	}
	if r, err := engine.Repeat(t.Context(), o); r == nil || err != nil {
		t.Fatal("not repeated", err)
	}
	inside := filepath.Join(s.Dir(), "data")
	if err := errors.Join(os.Rename(data, inside), os.Symlink(inside, data)); err != nil {
		t.Fatal(err)
	}
	if r, err := engine.Repeat(t.Context(), o); r != nil || err != nil {
		t.Error("repeated with an input in the state folder", err)
	}
}

// A fact that a step states of the world is asked for again.
func TestRepeatAsksForFacts(t *testing.T) {
	version := "1"
	made := &op{Config: map[string]any{"a": 1}, Adjust: func(d *engine.Description) { d.Fingerprints = map[string]string{"library": version} }}
	o := options(enginetest.Store(t))
	o.Known = cache.Sum([]byte("g"))
	o.Resolver = func(string, int, json.RawMessage) (engine.Op, error) { return made, nil }
	if r, err := engine.Run(t.Context(), graph(step("a", made)), o); err != nil || r.Verdict != "pass" {
		t.Fatal(err)
	}
	if r, err := engine.Repeat(t.Context(), o); r == nil || err != nil {
		t.Fatal("not repeated", err)
	}
	version = "2"
	if r, err := engine.Repeat(t.Context(), o); r != nil || err != nil {
		t.Error("repeated with another library", err)
	}
}
