package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"rein/cache"
	"rein/engine"
	"rein/engine/enginetest"
)

// shelf is a remote in memory: entries, and the store that holds their outputs.
type shelf struct {
	to *cache.Store // where fetched outputs go

	mu      sync.Mutex
	from    *cache.Store
	entries map[cache.Digest]*cache.Entry
	asked   int
}

func (s *shelf) Send(_ context.Context, e *cache.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[e.Action] = e
}

func (s *shelf) Fetch(ctx context.Context, action cache.Digest) (*cache.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	e := s.entries[action]
	if e == nil {
		return nil, &cache.Miss{What: "entry", Reason: "not there"}
	}
	dir, err := os.MkdirTemp("", "shelf")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for port, b := range e.Outputs {
		path := filepath.Join(dir, port)
		if err := s.from.Restore(ctx, b, path); err != nil {
			return nil, err
		}
		if _, err := s.to.Import(ctx, path); err != nil {
			return nil, err
		}
	}
	return e, s.to.Put(ctx, e)
}

// twoSteps is two steps, the second reading the first.
func twoSteps() (*engine.Graph, *op, *op) {
	a, b := &op{Config: map[string]any{"n": 1}}, &op{}
	na := step("a", a)
	return graph(na, step("b", b, from("x", na))), a, b
}

// What one store made, another fetches: nothing is run, the events say where it came from, and plans ask nobody.
func TestRemote(t *testing.T) {
	mine, theirs := enginetest.Store(t), enginetest.Store(t)
	r := &shelf{from: mine, to: theirs, entries: map[cache.Digest]*cache.Entry{}}
	o := options(mine)
	o.Remote = r
	g, _, _ := twoSteps()
	wantStatuses(t, mustRun(t, g, o), "a:ran b:ran")
	if len(r.entries) != 2 {
		t.Fatalf("%d entries were sent, want 2", len(r.entries))
	}
	r.asked = 0
	o.Store = theirs
	g, a, b := twoSteps()
	f, err := engine.Plan(t.Context(), g, o)
	if err != nil || f.Run != 1 || r.asked != 0 {
		t.Fatalf("the plan asked the remote %d times: %+v, %v", r.asked, f, err)
	}
	var events enginetest.Events
	o.Emit = events.Emit
	wantStatuses(t, mustRun(t, g, o), "a:cached b:cached")
	if a.Runs()+b.Runs() != 0 {
		t.Error("a fetched step was run")
	}
	if e := events.Of(engine.ActionEnd, "a"); len(e) != 1 || len(e[0].Reasons) != 1 || e[0].Reasons[0] != "from the shared cache" {
		t.Errorf("%+v", e)
	}
	r.asked = 0
	wantStatuses(t, mustRun(t, g, o), "a:cached b:cached")
	if r.asked != 0 {
		t.Errorf("the remote was asked %d times for what is here", r.asked)
	}
}

// --force asks nobody, --verify runs what was fetched and compares it, --frozen takes what is fetched.
func TestRemoteModes(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*engine.Options)
		want string
		runs int
	}{
		"force":  {func(o *engine.Options) { o.Force = []string{"a"} }, "a:ran b:cached", 1},
		"verify": {func(o *engine.Options) { o.Verify = true }, "a:ran b:ran", 2},
		"frozen": {func(o *engine.Options) { o.Frozen = true }, "a:cached b:cached", 0},
	} {
		t.Run(name, func(t *testing.T) {
			mine, theirs := enginetest.Store(t), enginetest.Store(t)
			r := &shelf{from: mine, to: theirs, entries: map[cache.Digest]*cache.Entry{}}
			o := options(mine)
			o.Remote = r
			g, _, _ := twoSteps()
			mustRun(t, g, o)
			o.Store = theirs
			c.set(&o)
			g, a, b := twoSteps()
			got := mustRun(t, g, o)
			if s := enginetest.Statuses(got); s != c.want && s != "a:ran b:unchanged" {
				t.Errorf("got %s, want %s", s, c.want)
			}
			if n := a.Runs() + b.Runs(); n != c.runs {
				t.Errorf("%d runs, want %d", n, c.runs)
			}
		})
	}
}

// A pull brings all that a run would need, and says what is left to run.
func TestPull(t *testing.T) {
	mine, theirs := enginetest.Store(t), enginetest.Store(t)
	r := &shelf{from: mine, to: theirs, entries: map[cache.Digest]*cache.Entry{}}
	o := options(mine)
	o.Remote = r
	g, _, _ := twoSteps()
	mustRun(t, g, o)
	g, _, _ = twoSteps()
	more := step("c", &op{Config: map[string]any{"n": 3}}, from("x", g.Pipelines[0].Nodes[1]))
	g.Pipelines[0].Nodes = append(g.Pipelines[0].Nodes, more)
	o.Store = theirs
	f, err := engine.Pull(t.Context(), g, o)
	if err != nil || f.Cached != 2 || f.Run != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	o.Remote = nil
	if f, err = engine.Plan(t.Context(), g, o); err != nil || f.Cached != 2 {
		t.Errorf("after the pull: %+v, %v", f, err)
	}
}
