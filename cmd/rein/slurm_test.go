package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rein/engine/enginetest"
	"rein/engine/record"
)

// needSlurm finds a Slurm that answers, or skips the test.
func needSlurm(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a real Slurm takes a while")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := exec.CommandContext(ctx, "sinfo", "-h").Run(); err != nil {
		t.Skip("no Slurm answers here (.ci/slurm starts one): " + err.Error())
	}
}

// project is a folder with a pipeline and an executor "cluster".
func project(t *testing.T, executor, pipeline string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module x\n", "rein.hcl": "executor \"slurm\" \"cluster\" {\n  poll = \"200ms\"\n" + executor + "}\n", "p.hcl": pipeline,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR", dir)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// process makes a rein process of the test binary.
func process(dir string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	c := exec.Command("rein", args...) // testscript.Main has put this program on PATH
	c.Dir = dir
	var said bytes.Buffer
	c.Stderr = &said
	return c, &said
}

// count is how many lines a file of the project has.
func count(t *testing.T, dir, file string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return bytes.Count(b, []byte("\n"))
}

// awaitLines waits until a file has n lines.
func awaitLines(t *testing.T, dir, file string, n int) {
	t.Helper()
	enginetest.Await(t, dir, func() bool { return count(t, dir, file) >= n })
}

const manySteps = `pipeline "many" {}
step "exec" "work" {
  for_each = { for i in range(%d) : "n${i}" => i }
  command  = ["sh", "-c", "echo ${each.key} >> DIR/log; echo ${each.value} > \"$REIN_OUT_x\""]
  outputs  = ["x"]
  executor = "cluster"
}
`

// Five hundred small steps on a queue that takes 60 jobs: each is executed once, and a second run has nothing to do.
func TestSlurm500Steps(t *testing.T) {
	needSlurm(t)
	const n = 500
	dir := project(t, "max_jobs = 100\n", fmt.Sprintf(manySteps, n))
	c, said := process(dir, "run", "--json", "p.hcl")
	began := time.Now()
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	t.Logf("%d steps in %v", n, time.Since(began).Round(time.Second))
	if got := count(t, dir, "log"); got != n {
		t.Errorf("%d executions of %d steps", got, n)
	}
	arrays := map[string]bool{}
	for line := range bytes.Lines(out) {
		var e struct{ Text string }
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if id, ok := strings.CutPrefix(e.Text, "sent as Slurm job "); ok {
			id, _, _ = strings.Cut(id, "_")
			arrays[id] = true
		}
	}
	t.Logf("%d submissions", len(arrays))
	if len(arrays) > n/2 { // the first are few, then places become free one by one
		t.Errorf("%d submissions for %d instances of one step", len(arrays), n)
	}
	c, said = process(dir, "run", "p.hcl")
	if err := c.Run(); err != nil || !strings.Contains(said.String(), fmt.Sprintf("%d cached", n)) {
		t.Errorf("%v: %s", err, said)
	}
}

const slowSteps = `pipeline "slow" {}
step "exec" "work" {
  for_each = ["a", "b", "c", "d"]
  command  = ["sh", "-c", "echo ${each.key} >> DIR/log; sleep 4; echo done > \"$REIN_OUT_x\""]
  outputs  = ["x"]
  executor = "cluster"
}
`

// kill -9 of rein while jobs run and wait: the next run finds them all, and nothing is executed twice.
func TestSlurmKilledRun(t *testing.T) {
	needSlurm(t)
	dir := project(t, "", slowSteps)
	c, _ := process(dir, "run", "p.hcl")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	awaitLines(t, dir, "log", 1)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	c, said := process(dir, "run", "--json", "p.hcl")
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if n := count(t, dir, "log"); n != 4 {
		t.Errorf("%d executions of 4 steps", n)
	}
	if n := strings.Count(string(out), "found again"); n != 4 {
		t.Errorf("%d of 4 jobs were found again:\n%s", n, out)
	}
}

// An interrupt leaves the jobs where that was chosen, and cancels them where nobody can be asked.
func TestSlurmInterrupt(t *testing.T) {
	needSlurm(t)
	for choice, executions := range map[string]int{"leave": 4, "ask": 5} {
		t.Run(choice, func(t *testing.T) {
			dir := project(t, "on_interrupt = \""+choice+"\"\n", slowSteps)
			c, said := process(dir, "run", "p.hcl")
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			awaitLines(t, dir, "log", 1)
			if err := c.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if err := c.Wait(); c.ProcessState.ExitCode() != exitInterrupted {
				t.Fatalf("%v: %s", err, said)
			}
			c, said = process(dir, "run", "p.hcl")
			if err := c.Run(); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			if n := count(t, dir, "log"); n < executions || choice == "leave" && n != 4 {
				t.Errorf("%d executions, want %d", n, executions)
			}
		})
	}
}

// The four strategies end to end on Slurm give what they give here.
func TestSlurmStrategies(t *testing.T) {
	needSlurm(t)
	dir := project(t, "max_jobs = 8\n", "")
	if err := os.Remove(filepath.Join(dir, "p.hcl")); err != nil {
		t.Fatal(err)
	}
	compared := func(state string, more ...string) map[string]any {
		t.Helper()
		c, said := process(dir, append([]string{"compare", "--format", "json", "--state", filepath.Join(dir, state), "--var", "scale=0.05"}, more...)...)
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		var m map[string]any
		if err := json.Unmarshal(out, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	there, here := compared("there", "--executor", "cluster"), compared("here")
	if d := differences("", here, there); len(d) > 0 {
		t.Errorf("Slurm's results differ from the local ones:\n%s", strings.Join(d, "\n"))
	}
}

// measuredTimes are figures that no two runs agree on: times, what they cost, speeds, memory, and the size of a package that says them.
// A step may also be unchanged in one and run in the other: equal work of two strategies is done by either.
var measuredTimes = []string{"_seconds", "latency", "throughput", "_ms", ".ms", "per_second", "memory_bytes", "package_bytes", "training_cost", ".status"}

// differences lists where two JSON values differ, leaving times out.
func differences(path string, a, b any) []string {
	for _, w := range measuredTimes {
		if strings.Contains(path, w) {
			return nil
		}
	}
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return []string{path + ": other keys"}
		}
		var out []string
		for _, k := range sortedKeys(x) {
			out = append(out, differences(path+"."+k, x[k], y[k])...)
		}
		return out
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return []string{path + ": other length"}
		}
		var out []string
		for i := range x {
			out = append(out, differences(fmt.Sprintf("%s[%d]", path, i), x[i], y[i])...)
		}
		return out
	}
	if a != b {
		return []string{fmt.Sprintf("%s: %v, %v", path, a, b)}
	}
	return nil
}

// Where the nodes see nothing of this machine's files, inputs, outputs, logs and verdicts go through the shared cache.
func TestSlurmFilesThroughTheCache(t *testing.T) {
	needSlurm(t)
	dir := project(t, "  files = \"cache\"\n", `pipeline "far" {}
cache { remote = "file://DIR/bucket" }
step "exec" "first" {
  command = ["sh", "-c", "cat \"$REIN_IN_text\"; pwd > \"$REIN_OUT_x\""]
  inputs  = { text = file("in.txt") }
  outputs = ["x"]
  executor = "cluster"
}
step "exec" "second" {
  command  = ["sh", "-c", "tr a-z A-Z < \"$REIN_IN_x\" > \"$REIN_OUT_y\""]
  inputs   = { x = step.first.x }
  outputs  = ["y"]
  executor = "cluster"
}
`)
	if err := os.WriteFile(filepath.Join(dir, "in.txt"), []byte("a line of the log\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REIN_NODE_STATE", filepath.Join(t.TempDir(), "node")) // Slurm hands the environment on
	c, said := process(dir, "run", "--json", "p.hcl")
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s %s", err, said, out)
	}
	if !strings.Contains(string(out), "a line of the log") {
		t.Errorf("the step's log didn't come home: %s", out)
	}
	c, _ = process(dir, "get", "p.hcl", "step.second.y")
	where, err := c.Output()
	if err != nil || strings.Contains(string(where), strings.ToUpper(dir)) || !strings.Contains(string(where), "NODE") {
		t.Errorf("the step ran in %s: %v", where, err)
	}
}

const longTraining = `pipeline "long" {}
step "synthesize" "corpus" {
  scale = 0.2
}
step "train-gpu" "model" {
  rows       = step.corpus.train
  validation = step.corpus.validation
  epochs     = 400
  batch_size = 32
  patience   = 0
}
`

// A training that is preempted in the middle goes on from its checkpoint, and ends with the bytes of one that ran through.
func TestSlurmTrainingGoesOn(t *testing.T) {
	needSlurm(t)
	if out, err := exec.Command("sinfo", "-h", "-p", "urgent").Output(); err != nil || len(out) == 0 {
		t.Skip("this Slurm has no partition \"urgent\" that preempts (.ci/slurm-loopback has)")
	}
	dir := project(t, "  partition = \"main\"\n", longTraining)
	c, said := process(dir, "run", "--json", "--executor", "cluster", "p.hcl")
	go func() {
		for range 6000 { // a checkpoint comes after 15 s at the earliest
			if found, _ := filepath.Glob(filepath.Join(dir, ".rein", "checkpoints", "*", "*", "progress")); len(found) > 0 {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if out, err := exec.Command("sbatch", "--partition=urgent", "--cpus-per-task=2", "--output=/dev/null", "--wrap=sleep 3").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}()
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for _, want := range []string{"was preempted: sent again", "going on after epoch"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it didn't say %q", want)
		}
	}
	if n := strings.Count(string(out), `"metric":"validation_loss"`); n < 400 {
		t.Errorf("%d points of the curve", n)
	}
	there := digestOf(t, dir, ".rein")
	c, said = process(dir, "run", "--state", "here", "p.hcl")
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if here := digestOf(t, dir, "here"); here != there {
		t.Errorf("the model is %s, one that was trained without a break %s", there, here)
	}
}

// digestOf is the digest of the model in the last run's record, and how many points its curves have.
func digestOf(t *testing.T, dir, state string) string {
	t.Helper()
	runs, err := filepath.Glob(filepath.Join(dir, state, "runs", "*.json"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("%d records, %v", len(runs), err)
	}
	b, err := os.ReadFile(runs[0])
	if err != nil {
		t.Fatal(err)
	}
	var r record.Run
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Pipelines[0].Steps {
		if s.Name == "model" {
			return fmt.Sprint(s.Outputs["model"].Digest, " with ", len(s.Result.Series["validation_loss"]), " points")
		}
	}
	t.Fatal("no model")
	return ""
}
