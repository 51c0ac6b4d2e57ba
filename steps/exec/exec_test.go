package exec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/record"
	"rein/steps/exec"
)

func TestMain(m *testing.M) {
	if status, ok := exec.Helper(); ok {
		os.Exit(status)
	}
	os.Exit(m.Run())
}

// program is a node that runs a shell script.
func program(t *testing.T, name, script string, outputs []string, in ...engine.Input) *engine.Node {
	t.Helper()
	args := map[string]cty.Value{"command": cty.TupleVal([]cty.Value{cty.StringVal("sh"), cty.StringVal("-c"), cty.StringVal(script)})}
	n := &engine.Node{Name: name, Type: "exec", Inputs: in}
	var names []cty.Value
	for _, o := range outputs {
		names = append(names, cty.StringVal(o))
		n.Ports = append(n.Ports, engine.Port{Name: o, Kind: "file"})
	}
	if len(names) > 0 {
		args["outputs"] = cty.TupleVal(names)
	}
	op, err := exec.Step().Op(cty.ObjectVal(args))
	if err != nil {
		t.Fatal(err)
	}
	n.Op = op
	return n
}

type bench struct {
	t      *testing.T
	o      engine.Options
	events enginetest.Events
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t}
	b.o = engine.Options{Store: enginetest.Store(t), Jobs: 2, Emit: b.events.Emit}
	return b
}

func (b *bench) run(nodes ...*engine.Node) *record.Run {
	b.t.Helper()
	r, err := engine.Run(b.t.Context(), enginetest.Graph(nodes...), b.o)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// output reads the text of a step's output.
func (b *bench) output(r *record.Run, step, port string) string {
	b.t.Helper()
	s := enginetest.Find(r, step)
	blob, ok := s.Outputs[port]
	if !ok {
		b.t.Fatalf("step %s is %s and has no output %s: %s", step, s.Status, port, s.Error)
	}
	path, err := b.o.Store.Path(b.t.Context(), blob)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
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

func TestInputsAndOutputs(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "d", "one.txt"), "1")
	write(t, filepath.Join(dir, "d", "sub", "two.txt"), "2")
	notes := write(t, filepath.Join(dir, "my notes.txt"), "a b c\n")
	r := b.run(
		program(t, "count", `wc -w < "$REIN_IN_text" | tr -d ' ' > "$REIN_OUT_n"; basename "$REIN_IN_text" >> "$REIN_OUT_n"`, []string{"n"},
			enginetest.Path("text", engine.PathFile, notes)),
		program(t, "folder", `cat "$REIN_IN_d/one.txt" "$REIN_IN_d/sub/two.txt" > "$REIN_OUT_o"`, []string{"o"},
			enginetest.Path("d", engine.PathDir, filepath.Join(dir, "d"))),
		program(t, "glob", `cat $REIN_IN_g > "$REIN_OUT_o"; cd "$REIN_INDIR_g" && find . -type f | sort >> "$REIN_OUT_o"`, []string{"o"},
			enginetest.Path("g", engine.PathGlob, filepath.Join(dir, "d", "**", "*.txt"))),
		program(t, "makedir", `mkdir "$REIN_OUT_o" && echo x > "$REIN_OUT_o/x"`, []string{"o"}),
	)
	for step, want := range map[string]string{"count/n": "3\nmy notes.txt\n", "folder/o": "12", "glob/o": "12./one.txt\n./sub/two.txt\n"} {
		name, port, _ := strings.Cut(step, "/")
		if got := b.output(r, name, port); got != want {
			t.Errorf("%s: %q, want %q", step, got, want)
		}
	}
	if s := enginetest.Find(r, "makedir"); !s.Outputs["o"].Dir {
		t.Errorf("the folder is no folder: %+v", s)
	}
}

// A link in a folder is what it leads to, a folder too: as an input, and from there as another step's.
func TestLinksAreFollowed(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "d", "sub", "one.txt"), "1")
	if err := os.Symlink("sub", filepath.Join(dir, "d", "link")); err != nil {
		t.Fatal(err)
	}
	folder := program(t, "folder", `cat "$REIN_IN_d/link/one.txt"; mkdir "$REIN_OUT_o"; cp -r "$REIN_IN_d/sub" "$REIN_OUT_o/sub"; ln -s sub "$REIN_OUT_o/again"`,
		[]string{"o"}, enginetest.Path("d", engine.PathDir, filepath.Join(dir, "d")))
	r := b.run(folder, program(t, "next", `cat "$REIN_IN_f/again/one.txt" > "$REIN_OUT_o"`, []string{"o"},
		engine.Input{Port: "f", Refs: []engine.Ref{{Node: folder, Port: "o"}}}))
	if got := b.output(r, "next", "o"); got != "1" {
		t.Errorf("%q", got)
	}
}

// The program sees its declared inputs and a minimal environment, and nothing of ours.
func TestSandbox(t *testing.T) {
	t.Setenv("SECRET_OF_THE_USER", "x")
	b := newBench(t)
	dir := t.TempDir()
	in := write(t, filepath.Join(dir, "in.txt"), "x")
	write(t, filepath.Join(dir, "beside.txt"), "undeclared")
	r := b.run(program(t, "look", `env | cut -d= -f1 | sort | tr '\n' ' ' > "$REIN_OUT_o"; ls "$(dirname "$REIN_IN_f")" . >> "$REIN_OUT_o"; echo spoil > "$REIN_IN_f"`,
		[]string{"o"}, enginetest.Path("f", engine.PathFile, in)))
	got := b.output(r, "look", "o")
	if strings.Contains(got, "SECRET") || strings.Contains(got, "beside") {
		t.Errorf("sees too much: %s", got)
	}
	if !strings.Contains(got, "HOME") || !strings.Contains(got, "in.txt") {
		t.Errorf("sees too little: %s", got)
	}
	if text, _ := os.ReadFile(in); string(text) != "x" {
		t.Errorf("the program wrote to the user's file: %q", text)
	}
}

func TestFailureShowsLastLines(t *testing.T) {
	b := newBench(t)
	r := b.run(program(t, "bad", `for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done; echo "disk on fire" >&2; exit 7`, nil))
	e := enginetest.Find(r, "bad").Error
	for _, want := range []string{"exit status 7", "line 12", "disk on fire", "the whole log: "} {
		if !strings.Contains(e, want) {
			t.Errorf("no %q in: %s", want, e)
		}
	}
	if strings.Contains(e, "line 2\n") {
		t.Errorf("shows everything: %s", e)
	}
	_, path, _ := strings.Cut(e, "the whole log: ")
	log, err := os.ReadFile(strings.TrimSuffix(path, ")"))
	if err != nil || !strings.HasPrefix(string(log), "line 1\n") {
		t.Errorf("log: %q, %v", log, err)
	}
}

func TestMetrics(t *testing.T) {
	b := newBench(t)
	r := b.run(program(t, "m", `echo '{"words": 3, "loss": [0.5, 0.25]}' > "$REIN_METRICS"; touch "$REIN_OUT_o"`, []string{"o"}))
	s := enginetest.Find(r, "m").Result
	if s.Metrics["words"] != 3 || len(s.Series["loss"]) != 2 || s.Series["loss"][1] != [2]float64{1, 0.25} {
		t.Errorf("%+v", s)
	}
	r = b.run(program(t, "bad", `echo '{"words": "three"}' > "$REIN_METRICS"`, nil))
	if e := enginetest.Find(r, "bad").Error; !strings.Contains(e, `words is "three"`) {
		t.Error(e)
	}
	for _, odd := range []string{"mkdir", "mkfifo"} {
		r = b.run(program(t, odd, odd+` "$REIN_METRICS"`, nil))
		if e := enginetest.Find(r, odd).Error; !strings.Contains(e, "REIN_METRICS: the step made something else there than a file") {
			t.Errorf("%s: %s", odd, e)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	list := func(s ...string) cty.Value {
		vs := []cty.Value{}
		for _, x := range s {
			vs = append(vs, cty.StringVal(x))
		}
		return cty.TupleVal(vs)
	}
	for want, args := range map[string]map[string]cty.Value{
		"names no program":           {"command": cty.EmptyTupleVal},
		`"a/b" can't be a port`:      {"command": list("x"), "outputs": list("a/b")},
		"are one variable":           {"command": list("x"), "outputs": list("a-b", "a_b")},
		`env: "REIN_X" can't be set`: {"command": list("x"), "env": cty.ObjectVal(map[string]cty.Value{"REIN_X": cty.StringVal("")})},
	} {
		if _, err := exec.Step().Op(cty.ObjectVal(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestMissingProgram(t *testing.T) {
	op, err := exec.Step().Op(cty.ObjectVal(map[string]cty.Value{"command": cty.TupleVal([]cty.Value{cty.StringVal("no-such-program-here")})}))
	if err != nil {
		t.Fatal(err)
	}
	r := newBench(t).run(&engine.Node{Name: "x", Type: "exec", Op: op})
	if e := enginetest.Find(r, "x").Error; !strings.Contains(e, "no-such-program-here") || !strings.Contains(e, "PATH") {
		t.Error(e)
	}
}

// However many files a port has, their layout is the same, and the program gets to know them.
func TestManyInputs(t *testing.T) {
	dir := t.TempDir()
	const script = `find "$REIN_INDIR_g" -type f | wc -l > "$REIN_OUT_o"; printf '%s\n' $REIN_IN_g | wc -l >> "$REIN_OUT_o"; ls -d $REIN_IN_g | wc -l >> "$REIN_OUT_o"; wc -l < "${REIN_INLIST_g:-/dev/null}" >> "$REIN_OUT_o"; (cd "$REIN_INDIR_g" && ls | head -1) >> "$REIN_OUT_o"`
	long := strings.Repeat("f", 200)
	for _, c := range []struct {
		made         int
		prefix, want string
	}{{1, "f", "1 1 1 0"}, {2, "f", "2 2 2 2"}, {2500, "f", "2500 2500 2500 2500"}, {700, long, "700 1 1 700"}} {
		files := filepath.Join(dir, fmt.Sprint(c.made))
		for i := range c.made {
			write(t, filepath.Join(files, fmt.Sprintf("%s%04d", c.prefix, i)), "x")
		}
		b := newBench(t)
		r := b.run(program(t, "many", script, []string{"o"}, enginetest.Path("g", engine.PathGlob, filepath.Join(files, "*"))))
		if got := strings.Join(strings.Fields(b.output(r, "many", "o")), " "); got != c.want+" "+c.prefix+"0000" {
			t.Errorf("%d files: %s, want %s", c.made, got, c.want)
		}
	}
}
