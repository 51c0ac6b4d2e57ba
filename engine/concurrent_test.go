package engine_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rein/engine"
	"rein/engine/enginetest"
)

// Two runs at once in one project: both succeed, every step runs once, the one follows the other.
func TestTwoProcessesShareTheWork(t *testing.T) {
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	cmds := []*exec.Cmd{started("slow chain", state, log), started("slow chain", state, log), started("slow chain", state, log)}
	outs := make([]bytes.Buffer, len(cmds))
	for i, c := range cmds {
		c.Stdout = &outs[i]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range cmds {
		if err := c.Wait(); err != nil {
			t.Errorf("process %d: %v", i, err)
		}
	}
	for s, n := range logged(t, log) {
		if n != 1 {
			t.Errorf("%s ran %d times", s, n)
		}
	}
	said := ""
	for i := range outs {
		said += outs[i].String()
	}
	if ran := strings.Count(said, ":ran"); ran != 5 {
		t.Errorf("%d steps say that they ran, want 5:\n%s", ran, said)
	}
}

// A plan, and reading runs, work while another process runs.
func TestQuestionsDuringARun(t *testing.T) {
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	c := started("slow chain", state, log)
	if !executes(t, c)() {
		t.Fatal("the process executes nothing")
	}
	s := enginetest.Open(t, state)
	for range 5 {
		f, err := engine.Plan(t.Context(), chain(log, 5, 50*time.Millisecond), options(s))
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Pipelines[0].Steps) != 5 {
			t.Fatalf("%+v", f)
		}
		if _, err := s.Runs(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

// A killed run frees everything by itself; the next one repeats at most the step that was cut off.
func TestKilledRunIsContinued(t *testing.T) {
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	for range 3 {
		c := started("slow chain", state, log)
		next := executes(t, c)
		for range 2 { // one step is finished, the next one runs
			next()
		}
		_ = c.Process.Kill()
		_ = c.Wait() // killed, as wanted
	}
	r := mustRun(t, chain(log, 5, 50*time.Millisecond), options(enginetest.Open(t, state)))
	if r.Verdict != "pass" {
		t.Fatal(enginetest.Statuses(r))
	}
	if n := executions(t, log); n > 5+3 {
		t.Errorf("%d executions after 3 kills, want at most 8: %v", n, logged(t, log))
	}
	left, err := filepath.Glob(filepath.Join(state, "scratch", "*"))
	if err != nil || len(left) > 1 {
		t.Errorf("scratch folders of dead runs are left: %v %v", left, err)
	}
}

// executions counts all lines of a file that logged reads.
func executions(t *testing.T, file string) (n int) {
	t.Helper()
	for _, of := range logged(t, file) {
		n += of
	}
	return n
}

// Job slots are shared by all processes: with one slot each, two runs never execute two steps at once.
func TestSlotsAreSharedByProcesses(t *testing.T) {
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	var cmds []*exec.Cmd
	for _, who := range []string{"left", "right"} {
		c := started("alone", state, log, who)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, c)
	}
	for _, c := range cmds {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	got := logged(t, log)
	if got["overlap"] > 0 || got["left"] != 6 || got["right"] != 6 {
		t.Errorf("%v", got)
	}
}

// A GPU is held by one process at a time.
func TestGPUsAreSharedByProcesses(t *testing.T) {
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	var cmds []*exec.Cmd
	for _, who := range []string{"left", "right"} {
		c := started("gpu alone", state, log, who)
		c.Env = append(os.Environ(), "CUDA_VISIBLE_DEVICES=7")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, c)
	}
	for _, c := range cmds {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	if got := logged(t, log); got["overlap"] > 0 || got["left"] != 6 || got["right"] != 6 {
		t.Errorf("%v", got)
	}
}
