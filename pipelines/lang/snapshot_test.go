package lang

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rein/cache/flat"
	"rein/engine"
	"rein/pipelines/lang/langtest"
	"rein/steps"
)

// portrait is all that a command can see of a program, as text.
func portrait(t interface{ Fatal(...any) }, p *Program) string {
	var b strings.Builder
	line := func(values ...any) { fmt.Fprintln(&b, values...) }
	asJSON := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	ref := func(r engine.Ref) string {
		if r.Node != nil {
			return fmt.Sprint(r.Node.Name, " ", r.Port, " ", r.Pos)
		}
		return fmt.Sprintf("%+v %s %s", *r.Path, r.Port, r.Pos)
	}
	line(p.Files(), asJSON(p.Project))
	for i, pl := range p.Graph.Pipelines {
		x := p.Pipelines[i]
		line(x.Name, x.Title, x.File, x.Bases, asJSON(x.Sweep), x.node == pl)
		line(pl.Name, pl.Title, pl.File, string(pl.Meta), len(pl.Secrets))
		for _, n := range pl.Nodes {
			line(n.Name, n.Type, n.Pos, fmt.Sprintf("%+v", n.Traits), n.NotNeeded, fmt.Sprintf("%+v", n.Resources), n.Retries, n.Timeout, n.Executor, n.Ports)
			for _, in := range n.Inputs {
				for _, r := range in.Refs {
					line("  ", in.Port, ref(r))
				}
			}
			for _, a := range n.After {
				line("  after", a.Name)
			}
			for _, c := range n.Checks {
				line("  check", c.Pos, c.Test(map[string]float64{"fp_rate": 0.5}))
			}
			if n.Op == nil {
				continue
			}
			d, err := n.Op.Describe(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			d.Lines, err = engine.ConfigLines(d)
			line(fmt.Sprintf("   %+v", d), string(d.Config), err)
		}
		for _, o := range pl.Outputs {
			line(o.Name, o.Path, o.Pos, ref(o.Ref))
		}
	}
	return b.String()
}

// world is what loads depend on.
type world struct {
	dir      string
	env      map[string]string
	vars     []string
	varFiles []string
	program  string
	approved map[string]float64
}

func (w *world) write(t *rapid.T, name, text string) {
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (w *world) options() Options {
	o := Options{Types: langtest.Types, Dir: w.dir, Env: []string{}, Vars: w.vars, VarFiles: w.varFiles, Approved: func() map[string]float64 { return w.approved }}
	for k, v := range w.env {
		o.Env = append(o.Env, k+"="+v)
	}
	return o
}

// extras use what genPipeline doesn't: the environment, paths, what was approved, asserts, outputs, what every step may say.
func extras(t *rapid.T) string {
	var b strings.Builder
	fmt.Fprintf(&b, "step \"dataset\" \"own\" {\n  data = file(\"rows.csv\")\n  label = env(\"LABEL\", \"benign\")\n  retries = %d\n  timeout = \"%dm\"\n", rapid.IntRange(0, 3).Draw(t, "retries"), rapid.IntRange(1, 9).Draw(t, "timeout"))
	b.WriteString("  depends_on = [step.corpus]\n  resources {\n    cpus = 2\n    memory = \"1GiB\"\n  }\n  assert {\n    condition     = metric.fp_rate < var.v0 / 100\n    error_message = \"over ${var.v0}\"\n  }\n}\n")
	fmt.Fprintf(&b, "step \"augment\" \"maybe\" {\n  when = var.v1 > %d\n  rows = step.own.rows\n}\n", rapid.IntRange(1, 99).Draw(t, "when"))
	b.WriteString("output \"rows\" {\n  value = step.own.rows\n  path  = \"out/rows.parquet\"\n}\nexpect {\n  fp_rate = { not_above = \"last approved\" }\n}\n")
	return b.String()
}

// TestASnapshotIsNeverStale edits the world at random and compares each load that may start from a snapshot with one that may not.
func TestASnapshotIsNeverStale(t *testing.T) {
	root := t.TempDir()
	taken := 0
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			rt.Fatal(err)
		}
		w := &world{dir: dir, env: map[string]string{}, program: "1", approved: map[string]float64{}}
		files := genPipeline(rt)
		for name, text := range files {
			w.write(rt, name, text)
		}
		w.write(rt, "rows.csv", "text\n")
		shelf := filepath.Join(root, "shelf") // one for all: snapshots of other worlds lie there, too
		number := func() int { return rapid.IntRange(1, 99).Draw(rt, "number") }
		edits := map[string]func(){
			"nothing":      func() {},
			"base":         func() { files["base.hcl"] = genPipeline(rt)["base.hcl"]; w.write(rt, "base.hcl", files["base.hcl"]) },
			"extras":       func() { w.write(rt, "base.hcl", files["base.hcl"]+extras(rt)) },
			"another base": func() { w.write(rt, "main.hcl", "pipeline \"p\" {\n  extends = \"other.hcl\"\n}\n") },
			"other":        func() { w.write(rt, "other.hcl", files["base.hcl"]+extras(rt)) },
			"leaf":         func() { w.write(rt, "main.hcl", files["main.hcl"]+fmt.Sprintf("# %d\n", number())) },
			"new pipeline": func() { w.write(rt, "new.hcl", "pipeline \"new\" {\n  extends = \"base.hcl\"\n}\n") },
			"gone":         func() { _ = os.Remove(filepath.Join(dir, "new.hcl")) },
			"project": func() {
				w.write(rt, ProjectFile, fmt.Sprintf("executor \"slurm\" \"far\" {\n  max_jobs = %d\n}\n", number()))
			},
			"env":            func() { w.env["LABEL"] = rapid.SampledFrom([]string{"benign", "malicious"}).Draw(rt, "label") },
			"other env":      func() { w.env["OTHER"] = fmt.Sprint(number()) },
			"variable":       func() { w.env["REIN_VAR_v0"] = fmt.Sprint(number()) },
			"--var":          func() { w.vars = []string{fmt.Sprintf("v1=%d", number())} },
			"no --var":       func() { w.vars = nil },
			"--var-file":     func() { w.write(rt, "vars.hcl", fmt.Sprintf("v2 = %d\n", number())); w.varFiles = []string{"vars.hcl"} },
			"its text":       func() { w.write(rt, "vars.hcl", fmt.Sprintf("v2 = %d\n", number())) },
			"another build":  func() { w.program = fmt.Sprint(number()) },
			"approved":       func() { w.approved["fp_rate"] = float64(number()) / 1000 },
			"data":           func() { _ = os.Remove(filepath.Join(dir, "rows.csv")) },
			"data is back":   func() { w.write(rt, "rows.csv", "text\n") },
			"clock back":     func() { turnBack(dir) },
			"torn snapshots": func() { tear(rt, shelf, number()) },
		}
		edits["extras"]()
		for _, edit := range append([]string{"nothing"}, rapid.Permutation(slices.Sorted(maps.Keys(edits))).Draw(rt, "edits")[:6]...) {
			edits[edit]()
			o := w.options()
			o.Project = ProjectFile
			clean, diags := load([]string{"."}, o)
			o.Snapshots = &Snapshots{Dir: shelf, Program: w.program}
			p, again := load([]string{"."}, o)
			if d := cmp.Diff(diags.Error(), again.Error()); d != "" {
				rt.Fatal(d)
			}
			if d := cmp.Diff(clean.CheckPaths().Error(), p.CheckPaths().Error()); d != "" {
				rt.Fatal(d)
			}
			if p.FromSnapshot() {
				taken++
			}
			if diags.HasErrors() {
				continue
			}
			if d := cmp.Diff(portrait(rt, clean), portrait(rt, p)); d != "" {
				rt.Fatalf("%s: from a snapshot: %v\n%s", edit, p.FromSnapshot(), d)
			}
			if err := p.Keep(); err != nil {
				rt.Fatal(err)
			}
			if p, _ = load([]string{"."}, o); !p.FromSnapshot() && len(diags) == 0 {
				rt.Fatal("what was kept isn't found")
			}
		}
	})
	if taken == 0 {
		t.Error("no load was spared: the test says nothing")
	}
}

// turnBack gives all files of a folder one time of long ago.
func turnBack(dir string) {
	_ = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0))
	})
}

// tear cuts or changes each snapshot at a place.
func tear(t *rapid.T, shelf string, at int) {
	entries, _ := os.ReadDir(shelf)
	for _, e := range entries {
		path := filepath.Join(shelf, e.Name())
		text, err := os.ReadFile(path)
		if err != nil || len(text) == 0 {
			continue
		}
		i := len(text) * at / 100
		if at%2 == 0 {
			text = text[:i]
		} else {
			text[i] ^= 1
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestASnapshotForgetsNoField writes and reads graphs in which every field is set.
func TestASnapshotForgetsNoField(t *testing.T) {
	fill := func(v any) {
		s := reflect.ValueOf(v).Elem()
		for i := range s.NumField() {
			switch f := s.Field(i); f.Kind() {
			case reflect.String:
				f.SetString("text " + s.Type().Field(i).Name)
			case reflect.Int, reflect.Int64:
				f.SetInt(7)
			case reflect.Float64:
				f.SetFloat(1.5)
			case reflect.Bool:
				f.SetBool(true)
			}
		}
	}
	typ := langtest.Types()[0]
	p := loadText(t, "pipeline \"p\" {}\nstep \""+typ.Name+"\" \"a\" {}\nstep \""+typ.Name+"\" \"b\" {}\n")
	pl := p.Graph.Pipelines[0]
	a, b := pl.Nodes[0], pl.Nodes[1]
	op := b.Op
	fill(b)
	b.Name, b.Type, b.Op = "b", typ.Name, op
	fill(&b.Resources)
	path, in, out, port, check := engine.Path{}, engine.Input{}, engine.Output{}, engine.Port{}, engine.Check{}
	fill(&path)
	fill(&in)
	fill(&out)
	fill(&port)
	fill(&check)
	toNode, toPath := engine.Ref{Node: a}, engine.Ref{Path: &path}
	fill(&toNode)
	fill(&toPath)
	in.Refs, out.Ref = []engine.Ref{toNode, toPath}, toNode
	check.Test = func(map[string]float64) error { return nil }
	b.Inputs, b.Ports, b.After, b.Checks, b.Traits = []engine.Input{in}, []engine.Port{port}, []*engine.Node{a}, []engine.Check{check}, typ.Traits(op)
	pl.Name, pl.Title, pl.File, pl.Outputs, pl.Meta = "name", "title", "file", []engine.Output{out}, json.RawMessage(`{}`)
	p.Pipelines[0].Sweep = &Sweep{Design: "full", Variables: []Swept{{"v", []string{"1"}}}}

	w := &coder{}
	w.program(p, nil)
	r := &coder{Coder: flat.Coder{Reading: true, In: string(w.Out)}}
	got := &Program{}
	r.program(got, map[string]*steps.Type{typ.Name: typ})
	if w.Bad || r.Bad || r.In != "" {
		t.Fatal("not written, or not read to the end", w.Bad, r.Bad, len(r.In))
	}
	options := cmp.Options{
		cmp.Comparer(func(x, y engine.Op) bool { return fmt.Sprint(saidBy(x)) == fmt.Sprint(saidBy(y)) }),
		cmp.Comparer(func(x, y engine.Check) bool { return x.Pos == y.Pos }),
	}
	if d := cmp.Diff(p.Graph, got.Graph, options); d != "" {
		t.Error(d)
	}
	for _, v := range []any{*b, b.Resources, path, in, out, port, toNode, toPath, *pl} {
		s := reflect.ValueOf(v)
		for i := range s.NumField() {
			switch name := s.Type().Field(i).Name; {
			case name == "Secrets", name == "GPUs", name == "Path" && s.Type() == reflect.TypeFor[engine.Ref](), name == "Node":
				// a program with secrets isn't kept; GPUs are the run's; a reference is to one of the two
			case s.Field(i).IsZero() && name != "Traits":
				t.Errorf("%s.%s: the test doesn't set it", s.Type(), name)
			}
		}
	}
}

func saidBy(o engine.Op) engine.Description {
	d, _ := o.Describe(context.Background())
	d.Lines, _ = engine.ConfigLines(d)
	return d
}

// TestASensitiveProgramIsNotKept: what is sensitive is nowhere in the state folder.
func TestASensitiveProgramIsNotKept(t *testing.T) {
	shelf := t.TempDir()
	for name, text := range map[string]string{
		"a secret": "variable \"key\" {\n  type = string\n  default = \"sesame open\"\n  sensitive = true\n}\nstep \"augment\" \"a\" {\n  rows = step.s.train\n  api_key = var.key\n}\n",
		"unused":   "variable \"key\" {\n  type = string\n  default = \"\"\n  sensitive = true\n}\n",
	} {
		o := testOptions(map[string]string{"main.hcl": "pipeline \"p\" {}\nstep \"synthesize\" \"s\" {}\n" + text})
		o.Snapshots = &Snapshots{Dir: shelf, Program: name}
		p, diags := Load([]string{"main.hcl"}, o)
		noErrors(t, diags)
		if err := p.Keep(); err != nil {
			t.Fatal(err)
		}
		if entries, _ := os.ReadDir(shelf); len(entries) > 0 {
			t.Errorf("%s: a snapshot was written", name)
		}
	}
}

// TestSnapshotsAreFew: the oldest ones go.
func TestSnapshotsAreFew(t *testing.T) {
	shelf := t.TempDir()
	for i := range mostSnapshots + 3 {
		o := testOptions(map[string]string{"main.hcl": "pipeline \"p\" {}\nstep \"synthesize\" \"s\" {}\n"})
		o.Snapshots = &Snapshots{Dir: shelf, Program: fmt.Sprint(i)}
		p, diags := Load([]string{"main.hcl"}, o)
		noErrors(t, diags)
		if err := p.Keep(); err != nil {
			t.Fatal(err)
		}
		if p, _ := Load([]string{"main.hcl"}, o); !p.FromSnapshot() {
			t.Fatal("the newest is gone")
		}
	}
	if entries, _ := os.ReadDir(shelf); len(entries) != mostSnapshots {
		t.Errorf("%d snapshots, want %d", len(entries), mostSnapshots)
	}
}
