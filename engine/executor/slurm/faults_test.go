package slurm_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/executor/slurm"
)

// Independent steps go out as a few job arrays, not as a job each.
func TestIndependentStepsAreArrays(t *testing.T) {
	needSlurm(t)
	const n = 8
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	o := options(enginetest.Open(t, filepath.Join(dir, "state")))
	var events enginetest.Events
	o.Emit = events.Emit
	var nodes []*engine.Node
	for i := range n {
		nodes = append(nodes, enginetest.Step(fmt.Sprintf("m%d", i), work(fmt.Sprint("m", i), log, 0)))
	}
	if got := run(t, o, nodes...); strings.Count(got, ":ran") != n {
		t.Errorf("got %s", got)
	}
	if got := len(lines(t, log)); got != n {
		t.Errorf("%d executions of %d steps", got, n)
	}
	arrays := map[string]bool{}
	for _, e := range events.Of(engine.ActionLog, "") {
		if id, ok := strings.CutPrefix(e.Text, "sent as Slurm job "); ok {
			id, _, _ = strings.Cut(id, "_")
			arrays[id] = true
		}
	}
	if len(arrays) == 0 || len(arrays) > n/2 {
		t.Errorf("%d submissions for %d steps", len(arrays), n)
	}
}

// A node that goes down in the middle of a job is told apart from a step that fails: the job is sent again.
func TestLostNode(t *testing.T) {
	needSlurm(t)
	if stopSlurm == nil && os.Getenv("REIN_SLURM_DIR") == "" {
		t.Skip("only on a Slurm that the test has started: it takes the node down")
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	o := options(enginetest.Open(t, filepath.Join(dir, "state")))
	var events enginetest.Events
	o.Emit = events.Emit
	go func() {
		awaitLine(t, log)
		scontrol(t, "state=DOWN", "reason=test") // it comes back by itself: ReturnToService is 2
	}()
	if got := run(t, o, enginetest.Step("a", work("a", log, 2*time.Second))); got != "a:ran" {
		t.Error(got)
	}
	if n := len(lines(t, log)); n != 2 {
		t.Errorf("executed %d times, want 2", n)
	}
	said := ""
	for _, e := range events.Of(engine.ActionLog, "a") {
		said += e.Text + "\n"
	}
	if !strings.Contains(said, "lost its node") && !strings.Contains(said, "gone from the queue") {
		t.Errorf("it said:\n%s", said)
	}
}

func scontrol(t *testing.T, args ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	node, err := exec.CommandContext(ctx, "sinfo", "-h", "-o", "%n").Output()
	if err != nil {
		t.Error(err)
		return
	}
	args = append([]string{"update", "nodename=" + strings.TrimSpace(string(node))}, args...)
	if out, err := exec.CommandContext(ctx, "scontrol", args...).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// A job that Slurm itself starts again goes on from its checkpoint, in its old place; what it said before doesn't count.
func TestRequeuedBySlurm(t *testing.T) {
	needSlurm(t)
	log := filepath.Join(t.TempDir(), "log")
	status, said := runUntil(t, slurm.Config{Args: []string{"--requeue"}}, enginetest.Step("a", resuming("a", log)), log, func() {
		ids, err := exec.Command("squeue", "--me", "-h", "-o", "%i").Output()
		if err == nil {
			err = exec.Command("scontrol", append([]string{"requeue"}, strings.Fields(string(ids))...)...).Run()
		}
		if err != nil {
			t.Error(err)
		}
	})
	if status != "a:ran" || len(lines(t, log)) != 2 || strings.Contains(said, "sent again") {
		t.Errorf("%s, %d executions; it said:\n%s", status, len(lines(t, log)), said)
	}
}

// A job that is held waits, and what lets it go is said.
func TestHeldJob(t *testing.T) {
	needSlurm(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	o := options(enginetest.Open(t, filepath.Join(dir, "state")))
	o.Executors["slurm"] = slurm.New(slurm.Config{Args: []string{"--hold"}, Interval: 200 * time.Millisecond})
	said := make(chan string, 100)
	o.Emit = func(e engine.Event) {
		if e.Action == engine.ActionWait {
			said <- e.Text
		}
	}
	go func() {
		text := <-said
		if _, command, ok := strings.Cut(text, "; "); ok && strings.HasPrefix(command, "scontrol release ") {
			_ = exec.Command("scontrol", "release", strings.Fields(command)[2]).Run()
			return
		}
		t.Errorf("it said %q", text)
		_ = exec.Command("scancel", "--me").Run()
	}()
	if got := run(t, o, enginetest.Step("a", work("a", log, 0))); got != "a:ran" {
		t.Error(got)
	}
}

// A job that Slurm refuses, or takes and can't ever start, is a failed step with Slurm's own words.
func TestRefusedSubmission(t *testing.T) {
	needSlurm(t)
	dir := t.TempDir()
	o := options(enginetest.Open(t, filepath.Join(dir, "state")))
	n := enginetest.Step("a", work("a", filepath.Join(dir, "log"), 0))
	n.Resources.CPUs = 4096
	r, err := engine.Run(t.Context(), enginetest.Graph(n), o)
	if err != nil {
		t.Fatal(err)
	}
	if s := enginetest.Find(r, "a"); s.Status != "failed" || !strings.Contains(s.Error, "sbatch") && !strings.Contains(s.Error, "can't ever start") {
		t.Errorf("%s: %s", s.Status, s.Error)
	}
}
