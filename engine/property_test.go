package engine_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/cache"
	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/record"
)

// plant is a random graph: steps by index, each reading earlier ones and maybe a file.
type plant struct {
	config []int
	reads  [][]int
	file   []int // index of a file, -1: none
	modulo []int // 0: writes all it reads; else only its length modulo this, so that waves often stop
}

func drawPlant(t *rapid.T) *plant {
	p := &plant{}
	n := rapid.IntRange(1, 9).Draw(t, "steps")
	for i := range n {
		p.config = append(p.config, rapid.IntRange(0, 2).Draw(t, "config"))
		p.file = append(p.file, rapid.IntRange(-1, 2).Draw(t, "file"))
		p.modulo = append(p.modulo, rapid.IntRange(0, 2).Draw(t, "modulo"))
		var reads []int
		for j := range i {
			if rapid.IntRange(0, 2).Draw(t, "reads") == 0 {
				reads = append(reads, j)
			}
		}
		p.reads = append(p.reads, reads)
	}
	return p
}

// graph makes the steps; ran counts executions by index.
func (p *plant) graph(dir string) (*engine.Graph, []*op) {
	var nodes []*engine.Node
	var ops []*op
	for i := range p.config {
		// No label in the config: equal steps are one, and renaming changes nothing.
		o := &op{Config: map[string]any{"c": p.config[i], "m": p.modulo[i]}}
		if m := p.modulo[i]; m > 0 {
			o.Do = lengthModulo(o, m)
		}
		n := step(fmt.Sprintf("s%d", i), o)
		if p.file[i] >= 0 {
			n.Inputs = append(n.Inputs, enginetest.Path("f", engine.PathFile, filepath.Join(dir, fmt.Sprintf("%d.txt", p.file[i]))))
		}
		if len(p.reads[i]) > 0 {
			in := engine.Input{Port: "x"}
			for _, j := range p.reads[i] {
				in.Refs = append(in.Refs, engine.Ref{Node: nodes[j], Port: "out"})
			}
			n.Inputs = append(n.Inputs, in)
		}
		nodes, ops = append(nodes, n), append(ops, o)
	}
	return graph(nodes...), ops
}

// lengthModulo writes how much it reads, modulo m: most changes of what it reads don't change that.
func lengthModulo(o *op, m int) func(context.Context, *engine.Call) error {
	return func(_ context.Context, c *engine.Call) error {
		n := 0
		for _, files := range c.Inputs {
			for _, f := range files {
				b, err := os.ReadFile(f.Path)
				if err != nil {
					return err
				}
				n += len(b)
			}
		}
		return enginetest.WriteAll(c, fmt.Sprint(o.Config, n%m))
	}
}

// change edits the graph or its files somewhere.
func (p *plant) change(t *rapid.T, dir string) {
	i := rapid.IntRange(0, len(p.config)-1).Draw(t, "at")
	switch rapid.SampledFrom([]string{"config", "file", "content", "modulo", "edge"}).Draw(t, "change") {
	case "config":
		p.config[i] = rapid.IntRange(0, 2).Draw(t, "config")
	case "file":
		p.file[i] = rapid.IntRange(-1, 2).Draw(t, "file")
	case "modulo":
		p.modulo[i] = rapid.IntRange(0, 2).Draw(t, "modulo")
	case "content":
		writeFile(t, dir, rapid.IntRange(0, 2).Draw(t, "which"), rapid.StringMatching(`[ab]{0,3}`).Draw(t, "content"))
	case "edge":
		if len(p.reads[i]) > 0 {
			p.reads[i] = p.reads[i][1:]
		}
	}
}

func writeFile(t *rapid.T, dir string, i int, text string) {
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.txt", i)), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// fewChecks sets how many checks are made of a property, unless a flag says it: each check is a dozen runs.
func fewChecks(t *testing.T, n string) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set(n); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
	}
}

// After any edits, evictions and runs, an incremental run has the results of a clean one, byte for byte, its plan was
// right, and a second run has nothing to do.
func TestIncrementalRunsEqualCleanRuns(t *testing.T) {
	fewChecks(t, "20")
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		for i := range 3 {
			writeFile(rt, dir, i, fmt.Sprint("file ", i))
		}
		s := open(rt, filepath.Join(dir, "state"))
		defer s.Close()
		p := drawPlant(rt)
		for round := range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			g, ops := p.graph(dir)
			forecast, err := engine.Plan(t.Context(), g, options(s))
			if err != nil {
				rt.Fatal(err)
			}
			r := runIn(rt, t, g, s)
			wantPlanned(rt, forecast, r)
			clean := open(rt, filepath.Join(dir, fmt.Sprint("clean", round)))
			cg, _ := p.graph(dir)
			cr := runIn(rt, t, cg, clean)
			for i, st := range r.Pipelines[0].Steps {
				if want := cr.Pipelines[0].Steps[i]; st.Outputs["out"] != want.Outputs["out"] || st.ActionID != want.ActionID {
					rt.Fatalf("round %d: %s has %v, a clean run %v", round, st.Name, st, want)
				}
			}
			clean.Close()
			before := total(ops)
			if runIn(rt, t, g, s); total(ops) != before {
				rt.Fatalf("round %d: a second run had something to do", round)
			}
			for range rapid.IntRange(0, 3).Draw(rt, "changes") {
				p.change(rt, dir)
			}
			if rapid.Bool().Draw(rt, "evict") {
				st := r.Pipelines[0].Steps[rapid.IntRange(0, len(r.Pipelines[0].Steps)-1).Draw(rt, "which")]
				if path, err := s.Path(t.Context(), st.Outputs["out"]); err == nil {
					os.Remove(path)
				}
			}
		}
	})
}

// wantPlanned wants a run to have done what the plan said: cached is cached, run has run, unknown may be either. Content
// that was gone may be back by then: another step made the same.
func wantPlanned(rt *rapid.T, f *engine.Forecast, r *record.Run) {
	for i, s := range f.Pipelines[0].Steps {
		got := engine.Status(r.Pipelines[0].Steps[i].Status)
		cached := got == engine.StatusCached || got == engine.StatusUnchanged
		switch {
		case s.Status == engine.PlanCached && !cached:
			rt.Fatalf("%s was planned as cached and is %s", s.Name, got)
		case s.Status == engine.PlanRun && got != engine.StatusRan && !shared(r.Pipelines[0].Steps[i]) && !mayBeBack(s.Reasons[0]):
			rt.Fatalf("%s was planned to run (%v) and is %s %v", s.Name, s.Reasons, got, r.Pipelines[0].Steps[i].Reasons)
		}
	}
}

// mayBeBack tells the reasons to run that another step can take away: it made the same content, or stands for this one.
func mayBeBack(reason string) bool {
	return strings.Contains(reason, "gone from the store") || strings.HasPrefix(reason, "runs once with")
}

// shared tells a step that was done with an equal one.
func shared(s record.Step) bool { return len(s.Reasons) > 0 && s.Status == "cached" }

func runIn(rt *rapid.T, t *testing.T, g *engine.Graph, s *cache.Store) *record.Run {
	r, err := engine.Run(t.Context(), g, options(s))
	if err != nil {
		rt.Fatal(err)
	}
	if r.Verdict != "pass" {
		rt.Fatal(enginetest.Statuses(r))
	}
	return r
}

func open(rt *rapid.T, dir string) *cache.Store {
	s, err := cache.Open(dir, cache.Options{})
	if err != nil {
		rt.Fatal(err)
	}
	return s
}

func total(ops []*op) int {
	n := 0
	for _, o := range ops {
		n += o.Runs()
	}
	return n
}
