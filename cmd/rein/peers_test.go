package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The same graph of commands in rein and in other tools: 20 lanes of two steps, a (drops comments of the input) and b (adds a
// word), and a step that joins them; 41 commands. What docs/peers.md says of the tools is held here, where they are installed.

const peerLanes = 20

// peer is a tool: its files, how it is run, and how many commands each change makes it run again.
type peer struct {
	name  string
	slow  bool
	setup []string // once, above all pipelines
	argv  []string
	files func(log, word string) map[string]string
	file  string // the one that a comment is put into
	// By change: another time on the input, a comment in the input, a comment in the pipeline, another word, the first word
	// again, an equal pipeline in another folder.
	touched, sameOutput, comment, word, back, elsewhere int
}

var peerTools = []peer{
	{"rein", false, nil, []string{"rein", "run", "-q", "p.hcl"}, reinFiles, "p.hcl", 0, 20, 0, 21, 0, 0},
	{"dvc", true, []string{"dvc", "init", "-q", "--no-scm"}, []string{"dvc", "repro", "-q"}, dvcFiles, "dvc.yaml", 0, 20, 0, 21, 0, 0},
	{"snakemake", true, nil, []string{"snakemake", "-c2", "--quiet", "all"}, snakemakeFiles, "Snakefile", 0, 41, 0, 21, 21, 41},
	{"make", false, nil, []string{"make", "-s", "-j2"}, makeFiles, "Makefile", 41, 41, 0, 0, 0, 41},
	{"ninja", false, nil, []string{"ninja", "--quiet", "-j2"}, ninjaFiles, "build.ninja", 20, 20, 0, 21, 21, 41},
}

func shellLine(log, step, rest string) string { return "echo " + step + " >> " + log + "; " + rest }

func reinFiles(log, word string) map[string]string {
	quoted := func(step, rest string) string { return fmt.Sprintf("%q", shellLine(log, step, rest)) }
	return map[string]string{"rein.hcl": "", "p.hcl": fmt.Sprintf(`pipeline "p" {}
locals {
  word = %q
}
step "exec" "a" {
  for_each = toset([for i in range(%d) : tostring(i)])
  command  = ["sh", "-c", %s]
  inputs   = { text = file("input.txt") }
  outputs  = ["out"]
}
step "exec" "b" {
  for_each = step.a
  command  = ["sh", "-c", %s]
  inputs   = { text = each.value.out }
  outputs  = ["out"]
}
step "exec" "join" {
  command = ["sh", "-c", %s]
  inputs  = { for i in range(%d) : "b${i}" => step.b[tostring(i)].out }
  outputs = ["out"]
}
`, word, peerLanes, quoted("a", `sed '/^#/d; s/^/${each.key} /' "$REIN_IN_text" > "$REIN_OUT_out"`),
		quoted("b", `cat "$REIN_IN_text" > "$REIN_OUT_out"; echo ${local.word} >> "$REIN_OUT_out"`),
		quoted("j", `cat $(env | sed -n 's/^REIN_IN_b[0-9]*=//p' | sort) > "$REIN_OUT_out"`), peerLanes)}
}

func dvcFiles(log, word string) map[string]string {
	lanes, parts := "", ""
	for i := range peerLanes {
		lanes += fmt.Sprintf("  - %d\n", i)
		parts += fmt.Sprintf("      - b_%d\n", i)
	}
	return map[string]string{"params.yaml": "word: " + word + "\nlanes:\n" + lanes, "dvc.yaml": fmt.Sprintf(`stages:
  a:
    foreach: ${lanes}
    do:
      cmd: %q
      deps:
      - input.txt
      outs:
      - a_${item}
  b:
    foreach: ${lanes}
    do:
      cmd: %q
      deps:
      - a_${item}
      outs:
      - b_${item}
  join:
    cmd: %q
    deps:
%s    outs:
      - join
`, shellLine(log, "a", "sed '/^#/d; s/^/${item} /' input.txt > a_${item}"), shellLine(log, "b", "cat a_${item} > b_${item}; echo ${word} >> b_${item}"),
		shellLine(log, "j", "cat b_* > join"), parts)}
}

func snakemakeFiles(log, word string) map[string]string {
	return map[string]string{"Snakefile": fmt.Sprintf(`LANES = range(%d)
rule all:
    input: "join"
rule a:
    input: "input.txt"
    output: "a_{i}"
    shell: %q
rule b:
    input: "a_{i}"
    output: "b_{i}"
    params: word=%q
    shell: %q
rule join:
    input: expand("b_{i}", i=LANES)
    output: "join"
    shell: %q
`, peerLanes, shellLine(log, "a", "sed '/^#/d; s/^/{wildcards.i} /' {input} > {output}"), word,
		shellLine(log, "b", "cat {input} > {output}; echo {params.word} >> {output}"), shellLine(log, "j", "cat {input} > {output}"))}
}

func makeFiles(log, word string) map[string]string {
	var all, rules strings.Builder
	for i := range peerLanes {
		fmt.Fprintf(&all, " b_%d", i)
		fmt.Fprintf(&rules, "a_%d: input.txt\n\t%s\nb_%[1]d: a_%[1]d\n\t%s\n", i, shellLine(log, "a", fmt.Sprintf("sed '/^#/d; s/^/%d /' $< > $@", i)),
			shellLine(log, "b", "cat $< > $@; echo "+word+" >> $@"))
	}
	return map[string]string{"Makefile": "join:" + all.String() + "\n\t" + shellLine(log, "j", "cat $^ > $@") + "\n" + rules.String()}
}

// ninjaFiles is ninja's input. Its rule a leaves an equal file alone, which restat is made for.
func ninjaFiles(log, word string) map[string]string {
	var all, rules strings.Builder
	for i := range peerLanes {
		fmt.Fprintf(&all, " b_%d", i)
		fmt.Fprintf(&rules, "build a_%d: a input.txt\n  i = %[1]d\nbuild b_%[1]d: b a_%[1]d\n", i)
	}
	return map[string]string{"build.ninja": "rule a\n  restat = 1\n  command = " +
		shellLine(log, "a", "sed '/^#/d; s/^/$i /' $in > $out.new; cmp -s $out.new $out || mv $out.new $out") +
		"\nrule b\n  command = " + shellLine(log, "b", "cat $in > $out; echo "+word+" >> $out") +
		"\nrule j\n  command = " + shellLine(log, "j", "cat $in > $out") + "\n" + rules.String() + "build join: j" + all.String() + "\n"}
}

// TestPeers changes one thing after another and counts the commands that each tool runs. DVC and Snakemake, which are slow and
// differ between versions, only run where REIN_PEERS is set: folders with their programs.
func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs 41 commands again and again")
	}
	programs := os.Getenv("REIN_PEERS")
	t.Setenv("PATH", os.Getenv("PATH")+string(os.PathListSeparator)+programs)
	var there []*bench
	for _, p := range peerTools {
		dir := t.TempDir() // outlives the subtest
		t.Run(p.name, func(t *testing.T) {
			if _, err := exec.LookPath(p.argv[0]); err != nil || p.slow && programs == "" {
				t.Skipf("%s is not installed, or REIN_PEERS isn't set", p.name)
			}
			b := newBench(t, dir, p)
			there = append(there, b)
			b.changes(t)
		})
	}
	if t.Failed() || !testing.Verbose() {
		return
	}
	times := map[string][]time.Duration{}
	for range 5 { // in turns: other work on the machine is in all of them
		for _, b := range there {
			start := time.Now()
			b.run(t, b.dir, 0, "nothing changed")
			times[b.name] = append(times[b.name], time.Since(start))
		}
	}
	ours := slices.Min(times["rein"])
	for _, b := range there {
		t.Logf("%s: nothing to do, best of 5: %v, %.1f times rein's", b.name, slices.Min(times[b.name]).Round(time.Millisecond),
			float64(slices.Min(times[b.name]))/float64(ours))
	}
}

// bench is a tool at work in a folder.
type bench struct {
	peer
	dir, log string
}

const firstInput = "one\ntwo\n"

func newBench(t *testing.T, dir string, p peer) *bench {
	b := &bench{p, filepath.Join(dir, "p"), filepath.Join(dir, "log")}
	b.arrange(t, b.dir, "first")
	if len(p.setup) > 0 {
		b.start(t, dir, p.setup)
	}
	return b
}

func (b *bench) arrange(t *testing.T, dir, word string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range b.files(b.log, word) {
		b.write(t, filepath.Join(dir, name), text)
	}
	if _, err := os.Stat(filepath.Join(dir, "input.txt")); err != nil {
		b.write(t, filepath.Join(dir, "input.txt"), firstInput)
	}
}

func (b *bench) write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) start(t *testing.T, dir string, argv []string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "REIN_STATE="+filepath.Join(filepath.Dir(b.log), ".rein"), "DVC_NO_ANALYTICS=1", "XDG_CACHE_HOME="+filepath.Dir(b.log))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", b.name, err, out)
	}
}

// run runs the tool and wants it to start that many commands.
func (b *bench) run(t *testing.T, dir string, want int, after string) {
	t.Helper()
	b.write(t, b.log, "")
	b.start(t, dir, b.argv)
	text, err := os.ReadFile(b.log)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), "\n"); got != want {
		t.Errorf("%s: %s: %d commands ran, want %d", b.name, after, got, want)
	}
}

func (b *bench) changes(t *testing.T) {
	input := filepath.Join(b.dir, "input.txt")
	b.run(t, b.dir, 2*peerLanes+1, "from nothing")
	b.run(t, b.dir, 0, "nothing changed")

	time.Sleep(1100 * time.Millisecond) // some tools' clocks have seconds
	b.write(t, input, firstInput)
	b.run(t, b.dir, b.touched, "the same input with another time")

	time.Sleep(1100 * time.Millisecond)
	b.write(t, input, firstInput+"# a comment, which step a drops\n")
	b.run(t, b.dir, b.sameOutput, "an input that makes equal outputs")
	b.write(t, input, firstInput)
	b.start(t, b.dir, b.argv)

	text, err := os.ReadFile(filepath.Join(b.dir, b.file))
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, filepath.Join(b.dir, b.file), "# a comment\n"+string(text))
	b.run(t, b.dir, b.comment, "a comment in the pipeline")

	b.arrange(t, b.dir, "second")
	b.run(t, b.dir, b.word, "another word")
	b.arrange(t, b.dir, "first")
	b.run(t, b.dir, b.back, "the first word again")

	other := filepath.Join(filepath.Dir(b.dir), "other")
	b.arrange(t, other, "first")
	b.run(t, other, b.elsewhere, "an equal pipeline in another folder")
}
