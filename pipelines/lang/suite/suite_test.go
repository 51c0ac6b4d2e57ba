package suite

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"pgregory.net/rapid"

	"rein/cache"
	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
	"rein/steps"
	"rein/steps/artifact"
)

// The step types of these tests: one that makes rows, and one that repeats them. Both count how often they are executed.
type (
	makeConfig struct {
		Size int `hcl:"size" doc:"How many rows to make."`
	}
	repeatConfig struct {
		Times int `hcl:"times,optional" default:"2" doc:"How often each row is there."`
	}
	none   struct{}
	rowsIn struct {
		Rows artifact.Rows `port:"rows" doc:"rows to repeat"`
	}
	rowsOut struct {
		Rows artifact.Rows `port:"rows" doc:"the rows"`
	}
)

// bench is a folder with test files and pipelines, and what they are executed with.
type bench struct {
	t    *testing.T
	dir  string
	env  Env
	runs map[string]int // executions by step type
}

func newBench(t *testing.T, files map[string]string) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), runs: map[string]int{}}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	types := []*steps.Type{
		steps.New("make", 1, "Makes rows.", func(_ context.Context, e *steps.Env, c makeConfig, _ none) (out rowsOut, err error) {
			b.runs["make"]++
			var rows []artifact.Row
			for i := range c.Size {
				rows = append(rows, artifact.Row{ID: fmt.Sprint(i), Text: fmt.Sprint("row ", i)})
			}
			e.Metric("made", float64(c.Size))
			out.Rows, err = artifact.WriteRows(e.Out("rows"), rows)
			return out, err
		})(),
		steps.New("repeat", 1, "Repeats rows.", func(_ context.Context, e *steps.Env, c repeatConfig, in rowsIn) (out rowsOut, err error) {
			b.runs["repeat"]++
			rows, err := in.Rows.Read()
			if err != nil {
				return out, err
			}
			out.Rows, err = artifact.WriteRows(e.Out("rows"), slices.Repeat(rows, c.Times))
			return out, err
		}, steps.Passes("rows"))(),
	}
	b.env = Env{Lang: lang.Options{Types: func() []*steps.Type { return types }}, Engine: func(s *cache.Store) engine.Options { return engine.Options{Store: s, Jobs: 1} },
		Leaks:   func(context.Context, *engine.Graph) ([]string, error) { return nil, nil },
		Figures: func(record.Pipeline) (map[string]float64, error) { return map[string]float64{"fp_rate": 0.25}, nil }}
	return b
}

// test executes the one test of a file.
func (b *bench) test(text string) Result {
	b.t.Helper()
	path := filepath.Join(b.dir, "p"+Ending)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
	f, diags := Read(path, map[string]*hcl.File{})
	if diags.HasErrors() || len(f.Runs) != 1 {
		b.t.Fatalf("%d tests; %v", len(f.Runs), diags)
	}
	out, err := f.Runs[0].Execute(b.t.Context(), f.Text, b.env)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

const twoSteps = `pipeline "p" {}
variable "times" { default = 3 }
step "make" "some" {
  size = 4
}
step "repeat" "more" {
  rows  = step.some.rows
  times = var.times
}
`

// Depth plan executes nothing, rows one step, run all of them; what the project's cache has isn't made again, and it is only read.
func TestDepthsExecuteWhatTheySay(t *testing.T) {
	b := newBench(t, map[string]string{"p.hcl": twoSteps})
	want := func(what string, r Result, runs map[string]int) {
		t.Helper()
		if r.Status != Pass {
			t.Errorf("%s: %s: %v, %v", what, r.Status, r.Failures, r.Diagnostics)
		}
		if !maps.Equal(b.runs, runs) {
			t.Errorf("%s executed %v, want %v", what, b.runs, runs)
		}
		clear(b.runs)
	}
	plan := b.test(`run "a" {
  pipeline = "p.hcl"
  edit { times = 5 }
  assert { condition = step.more.config.times == 3 && rerun == ["more"] && step.more.inputs.rows == ["step.some.rows"] }
}`)
	want("plan", plan, map[string]int{})
	rows := b.test(`run "a" {
  pipeline = "p.hcl"
  depth    = "rows"
  step     = "more"
  variables { times = 2 }
  inputs { rows = [{ text = "hello" }, { text = "there", label = "malicious" }] }
  assert { condition = [for r in output.rows : r.text] == ["hello", "there", "hello", "there"] && output.rows[1].label == "malicious" && output.rows[0].id == "row-1" }
}`)
	want("rows", rows, map[string]int{"repeat": 1})
	whole := `run "a" {
  pipeline = "p.hcl"
  depth    = "run"
  assert { condition = outcome == "pass" && step.some.metric.made == 4 && metric.fp_rate == 0.25 && length(missed) == 0 }
}`
	want("run", b.test(whole), map[string]int{"make": 1, "repeat": 1})
	want("run again", b.test(whole), map[string]int{"make": 1, "repeat": 1}) // its cache was thrown away

	project := filepath.Join(b.dir, "project")
	s, err := cache.Open(project, cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, diags := lang.Load([]string{filepath.Join(b.dir, "p.hcl")}, b.env.Lang)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p.Graph.Pipelines[0].Nodes = p.Graph.Pipelines[0].Nodes[:1] // the project has made the rows, and not yet repeated them
	if _, err := engine.Run(t.Context(), p.Graph, b.env.Engine(s)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	clear(b.runs)
	if b.env.Project, err = cache.Open(project, cache.Options{ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	defer b.env.Project.Close()
	want("run beside a project", b.test(whole), map[string]int{"repeat": 1})
	if runs, err := b.env.Project.Runs(); err != nil || len(runs) != 1 {
		t.Errorf("the project has %d runs, %v: a test's run isn't one of its", len(runs), err)
	}
	want("run beside a project again", b.test(whole), map[string]int{"repeat": 1})
}

// A condition that is false is shown with its place, what was to be said, and the values in it.
func TestFailuresShowValues(t *testing.T) {
	b := newBench(t, map[string]string{"p.hcl": twoSteps})
	r := b.test(`run "a" {
  pipeline = "p.hcl"
  assert {
    condition     = var.times == 4 || length(step.more.needs) > var.times
    error_message = "times is ${var.times}"
  }
}`)
	want := filepath.Join(b.dir, "p.test.hcl") + `:4: times is 3
  var.times == 4 || length(step.more.needs) > var.times
    var.times is 3
    step.more.needs is ["some"]`
	if r.Status != Fail || !slices.Equal(r.Failures, []string{want}) {
		t.Errorf("%s: %q, want %q", r.Status, r.Failures, want)
	}
	r = b.test(`run "a" {
  pipeline = "p.hcl"
  assert { condition = var.nonesuch == 4 }
}`)
	if r.Status != Error || !strings.Contains(r.Diagnostics.Error(), "nonesuch") {
		t.Errorf("%s, %v", r.Status, r.Diagnostics)
	}
	r = b.test(`run "a" {
  pipeline = "p.hcl"
  variables { times = "many" }
  expect_errors = ["a number is required", "no such error"]
}`)
	if r.Status != Fail || len(r.Failures) != 1 || !strings.Contains(r.Failures[0], `no error has "no such error"; it says: `) {
		t.Errorf("%s: %q", r.Status, r.Failures)
	}
}

// Rows of a file are all read, however long a row is.
func TestLongRowsAreRead(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	b := newBench(t, map[string]string{"p.hcl": twoSteps, "rows.jsonl": fmt.Sprintf("{\"text\": \"a\"}\n\n{\"text\": %q}\n{\"text\": \"b\"}", long)})
	r := b.test(`run "a" {
  pipeline = "p.hcl"
  depth    = "rows"
  step     = "more"
  variables { times = 1 }
  inputs { rows = "rows.jsonl" }
  assert { condition = [for r in output.rows : length(r.text)] == [1, 200000, 1] }
}`)
	if r.Status != Pass {
		t.Errorf("%s: %.300q, %v", r.Status, r.Failures, r.Diagnostics)
	}
}

// A snapshot is what was made, row by row, until --update takes what is made now.
func TestSnapshot(t *testing.T) {
	b := newBench(t, map[string]string{"p.hcl": twoSteps})
	of := func(times int) string {
		return fmt.Sprintf(`run "a" {
  pipeline = "p.hcl"
  depth    = "rows"
  step     = "more"
  variables { times = %d }
  inputs { rows = [{ text = "<hello>" }] }
  snapshot = "made.jsonl"
}`, times)
	}
	if r := b.test(of(1)); r.Status != Fail || !strings.Contains(r.Failures[0], "made.jsonl is not there: rein test --update writes it") {
		t.Errorf("%s: %q", r.Status, r.Failures)
	}
	b.env.Update = true
	if r := b.test(of(1)); r.Status != Pass {
		t.Errorf("%s: %q", r.Status, r.Failures)
	}
	b.env.Update = false
	if r := b.test(of(1)); r.Status != Pass {
		t.Errorf("%s: %q", r.Status, r.Failures)
	}
	if r := b.test(of(2)); r.Status != Fail || !strings.Contains(r.Failures[0], "1 of 2 rows differ") || !strings.Contains(r.Failures[0], "row 2 was (no row)") {
		t.Errorf("%s: %q", r.Status, r.Failures)
	}
	if text, err := os.ReadFile(filepath.Join(b.dir, "made.jsonl")); err != nil || !strings.Contains(string(text), `"text":"<hello>"`) {
		t.Errorf("%s, %v", text, err)
	}
}

// What is wrong with a test file is said at its place, all at once.
func TestWrongTests(t *testing.T) {
	for text, want := range map[string]string{
		``:                         "has no run block",
		`run "a" {}`:               `The argument "pipeline" is required`,
		`run "a" { pipeline = 3 }`: "pipeline is text",
		"run \"a\" {\n  pipeline = \"p.hcl\"\n  depth = \"deep\"\n}":                                      `There is no depth "deep"`,
		"run \"a\" {\n  pipeline = \"p.hcl\"\n}":                                                          "This test can't fail",
		"run \"a\" {\n  pipeline = \"p.hcl\"\n  step = \"x\"\n  expect_errors = [\"y\"]\n}":               `step, snapshot and inputs belong to depth = "rows"`,
		"run \"a\" {\n  pipeline = \"p.hcl\"\n  depth = \"rows\"\n  expect_errors = [\"y\"]\n}":           `depth = "rows" wants a step`,
		"run \"a\" {\n  pipeline = \"p.hcl\"\n  depth = \"run\"\n  edit {}\n  expect_errors = [\"y\"]\n}": `An edit block belongs to depth = "plan"`,
		"run \"a\" {\n  pipeline = \"p.hcl\"\n  expect_errors = \"y\"\n}":                                 "expect_errors is a list of texts",
		"run \"a\" {\n  pipeline = \"p.hcl\"\n  nonesuch = 1\n}":                                          `An argument named "nonesuch" is not expected`,
		"run \"a\" {\n  pipeline = \"p.hcl\"\n  assert {}\n}":                                             `The argument "condition" is required`,
		strings.Repeat("run \"a\" {\n  pipeline = \"p.hcl\"\n  expect_errors = [\"y\"]\n}\n", 2):          `There is a run "a" already`,
		"run \"a\" {\n  pipeline = \"p.hcl\"\n  depth = \"rows\"\n  step = \"x\"\n  snapshot = \"s\"\n":   "Unclosed configuration block",
	} {
		path := filepath.Join(t.TempDir(), "a"+Ending)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, diags := Read(path, map[string]*hcl.File{})
		if !diags.HasErrors() || !strings.Contains(fmt.Sprint(diags.Errs()), want) {
			t.Errorf("%s\n  says %v, want %q", text, diags.Errs(), want)
		}
	}
}

// One mistake in a test is said once.
func TestAWrongTestIsNotAlsoOneThatCannotFail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a"+Ending)
	if err := os.WriteFile(path, []byte("run \"a\" {\n  pipeline = \"p.hcl\"\n  asert { condition = true }\n}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, diags := Read(path, map[string]*hcl.File{}); len(diags) != 1 || diags[0].Summary != "Unsupported block type" {
		t.Errorf("%v", diags)
	}
}

// What is wrong with a condition is shown with its line, and with what there is instead.
func TestWrongConditions(t *testing.T) {
	b := newBench(t, map[string]string{"p.hcl": twoSteps})
	assert := func(condition, message string) string {
		return "run \"a\" {\n  pipeline = \"p.hcl\"\n  assert {\n    condition     = " + condition + "\n    error_message = " + message + "\n  }\n}"
	}
	for text, want := range map[string][]string{
		assert(`step.nope.needed`, `""`):                           {"condition     = step.nope.needed", `There is no "nope" in step`},
		assert(`metric.f1 > 0`, `""`):                              {`There is no "metric" here. There are leaks, `, "condition     = metric.f1"},
		assert(`"yes"`, `""`):                                      {`this is the text "yes"`, `condition     = "yes"`},
		assert(`null`, `""`):                                       {"this is null", "condition     = null"},
		assert(`false`, `step.some.nope`):                          {"error_message = step.some.nope", `There is no "nope" in step.some`},
		assert(`false`, `[]`):                                      {"An error_message is text; this is"},
		strings.Replace(assert(`true`, `""`), "p.hcl", "q.hcl", 1): {`pipeline = "q.hcl"`, "there is no such file", "p.test.hcl:2:14"},
		strings.Replace(assert(`true`, `""`), "assert", "edit { nope = 1 }\n  assert", 1): {"nope = *", "no pipeline declares"},
	} {
		r := b.test(text)
		var said strings.Builder
		if err := diag.Write(&said, r.Sources, r.Diagnostics, diag.Style{}); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if r.Status != Error || !strings.Contains(said.String(), w) {
				t.Errorf("%s\n%s: %s\nwant %q", text, r.Status, said.String(), w)
			}
		}
	}
}

// A folder's test files are found whatever the folder is called, and a file is taken as it is.
func TestFind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd [name]*")
	if err := os.MkdirAll(filepath.Join(dir, "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b" + Ending, "a" + Ending, "a.hcl", filepath.Join("below", "c"+Ending)} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Find([]string{dir, filepath.Join(dir, "b"+Ending), filepath.Join(dir, "a.hcl")})
	if want := []string{filepath.Join(dir, "a"+Ending), filepath.Join(dir, "b"+Ending), filepath.Join(dir, "a.hcl")}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	got, err = Find([]string{filepath.Join(dir, "b"+Ending), dir})
	if want := []string{filepath.Join(dir, "b"+Ending), filepath.Join(dir, "a"+Ending)}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if _, err := Find([]string{filepath.Join(dir, "nonesuch")}); err == nil {
		t.Error("a folder that isn't there has tests")
	}
}

// A test's variables stay in their lines and columns, so that what is wrong with one is shown where it stands.
func TestVariablesStayInTheirPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "run \"a\" {\n  pipeline = \"p.hcl\"\n" + strings.Repeat("\n", rapid.IntRange(0, 3).Draw(t, "lines")) + "  variables {\n"
		values := map[string]string{}
		for i := range rapid.IntRange(1, 4).Draw(t, "variables") {
			name := fmt.Sprint("v", i)
			values[name] = rapid.SampledFrom([]string{"3", `"é # text"`, "[1,\n 2]", "{ a = 1 }"}).Draw(t, "value")
			text += strings.Repeat(" ", rapid.IntRange(0, 4).Draw(t, "indent")) + name + " = " + values[name] + " # why\n"
		}
		text += "  }\n  expect_errors = [\"y\"]\n}\n"
		dir, err := os.MkdirTemp("", "suite")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "a"+Ending)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		f, diags := Read(path, map[string]*hcl.File{})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		attrs := f.Runs[0].variables.Attributes
		got := only([]byte(text), attrs)
		if len(got) != len(text) || strings.Count(string(got), "\n") != strings.Count(text, "\n") {
			t.Fatalf("%q has become %q", text, got)
		}
		for name, value := range values {
			at := strings.Index(text, name+" = "+value)
			if string(got[at:at+len(name+" = "+value)]) != name+" = "+value {
				t.Fatalf("%s isn't in its place in %q", name, got)
			}
		}
		for _, word := range []string{"run", "pipeline", "why", "expect_errors"} {
			if strings.Contains(string(got), word) {
				t.Fatalf("%q is left in %q", word, got)
			}
		}
	})
}
