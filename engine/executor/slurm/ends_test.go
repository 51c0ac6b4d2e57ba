package slurm_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/executor/slurm"
)

// resuming is an op that leaves a checkpoint and then takes long; with the checkpoint there it is done at once.
func resuming(name, log string) *enginetest.Op {
	return makeOp(map[string]any{"name": name, "log": log, "sleep": float64((5 * time.Minute).Milliseconds()), "resume": true})
}

// resume is what it does: true if there is nothing left to wait for.
func resume(c *engine.Call) (bool, error) {
	mark := filepath.Join(c.Checkpoint, "half")
	if _, err := os.Stat(mark); err == nil {
		return true, nil
	}
	return false, errors.Join(os.MkdirAll(c.Checkpoint, 0o755), os.WriteFile(mark, nil, 0o644))
}

// runUntil runs one step and does something to it once it is being executed.
func runUntil(t *testing.T, c slurm.Config, n *engine.Node, log string, do func()) (status, said string) {
	t.Helper()
	o := options(enginetest.Open(t, filepath.Join(filepath.Dir(log), "state")))
	c.Interval = 200 * time.Millisecond
	o.Executors = map[string]engine.Executor{"slurm": slurm.New(c)}
	var events enginetest.Events
	o.Emit = events.Emit
	go func() {
		awaitLine(t, log)
		do()
	}()
	status = run(t, o, n)
	for _, e := range events.Of(engine.ActionLog, n.Name) {
		said += e.Text + "\n"
	}
	return status, said
}

// A job that a more urgent one pushes out is sent again and goes on from its checkpoint.
func TestPreempted(t *testing.T) {
	needSlurm(t)
	if out, err := exec.Command("sinfo", "-h", "-p", "urgent").Output(); err != nil || len(out) == 0 {
		t.Skip("this Slurm has no partition \"urgent\" that preempts (.ci/slurm-loopback has)")
	}
	log := filepath.Join(t.TempDir(), "log")
	status, said := runUntil(t, slurm.Config{Partition: "main"}, enginetest.Step("a", resuming("a", log)), log, func() {
		out, err := exec.Command("sbatch", "--partition=urgent", "--cpus-per-task=2", "--output=/dev/null", "--wrap=sleep 3").CombinedOutput()
		if err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	if status != "a:ran" || !strings.Contains(said, "was preempted: sent again") || len(lines(t, log)) != 2 {
		t.Errorf("%s, %d executions; it said:\n%s", status, len(lines(t, log)), said)
	}
}

// A job that runs out of time is sent again with more, where that is said; it goes on from its checkpoint.
func TestTimedOut(t *testing.T) {
	needSlurm(t)
	log := filepath.Join(t.TempDir(), "log")
	status, said := runUntil(t, slurm.Config{Time: time.Second, MoreTime: 2}, enginetest.Step("a", resuming("a", log)), log, func() {})
	if status != "a:ran" || !strings.Contains(said, "ran out of time: sent again") || len(lines(t, log)) != 2 {
		t.Errorf("%s, %d executions; it said:\n%s", status, len(lines(t, log)), said)
	}
}

// A job that takes too much memory is killed by Slurm, and sent again with more, where that is said.
func TestRanOutOfMemory(t *testing.T) {
	needSlurm(t)
	if out, err := exec.Command("scontrol", "show", "config").Output(); err != nil || !strings.Contains(string(out), "OverMemoryKill") && !strings.Contains(string(out), "cgroup") {
		t.Skip("this Slurm doesn't watch memory (.ci/slurm-loopback's does)")
	}
	log := filepath.Join(t.TempDir(), "log")
	hog := func() *engine.Node {
		n := enginetest.Step("a", makeOp(map[string]any{"name": "a", "log": log, "sleep": float64(8000), "hog": float64(600 << 20)}))
		n.Resources.Memory = 300 << 20
		return n
	}
	status, said := runUntil(t, slurm.Config{MoreMemory: 4}, hog(), log, func() {})
	if status != "a:ran" || !strings.Contains(said, "memory") || !strings.Contains(said, ": sent again") || len(lines(t, log)) != 2 {
		t.Errorf("%s, %d executions; it said:\n%s", status, len(lines(t, log)), said)
	}
}

// A slurmd that dies in the middle, and comes back: the job is sent again. The first one may still go on; it can't
// write where the second one does.
func TestSlurmdDies(t *testing.T) {
	needSlurm(t)
	dir := os.Getenv("REIN_SLURM_DIR")
	if dir == "" {
		t.Skip("REIN_SLURM_DIR names no folder of .ci/slurm-loopback: the test kills its slurmd")
	}
	log := filepath.Join(t.TempDir(), "log")
	status, said := runUntil(t, slurm.Config{}, enginetest.Step("a", resuming("a", log)), log, func() {
		text, err := os.ReadFile(filepath.Join(dir, "slurmd.pid"))
		if err != nil {
			t.Error(err)
			return
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Error(err)
			return
		}
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Kill()
		}
		if err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for ctx.Err() == nil { // until the controller has noticed
			out, err := exec.CommandContext(ctx, "sinfo", "-h", "-o", "%t", "-p", "main").Output()
			if err == nil && strings.HasPrefix(string(out), "down") {
				break
			}
			time.Sleep(500 * time.Millisecond)
		}
		if out, err := exec.Command("slurmd").CombinedOutput(); err != nil {
			t.Errorf("slurmd: %v: %s", err, out)
		}
	})
	if status != "a:ran" || !strings.Contains(said, "sent again") || len(lines(t, log)) != 2 {
		t.Errorf("%s, %d executions; it said:\n%s", status, len(lines(t, log)), said)
	}
}

// However many jobs are out, of however many executors, Slurm is asked once an interval.
func TestOnePollForAll(t *testing.T) {
	needSlurm(t)
	dir := t.TempDir()
	o := options(enginetest.Open(t, filepath.Join(dir, "state")))
	q := slurm.NewQueue()
	x, y := slurm.New(slurm.Config{Interval: 500 * time.Millisecond, Queue: q}), slurm.New(slurm.Config{Interval: time.Second, Queue: q})
	o.Executors, o.Executor = map[string]engine.Executor{"x": x, "y": y}, ""
	var nodes []*engine.Node
	for i := range 20 {
		n := enginetest.Step(fmt.Sprintf("m%d", i), work(fmt.Sprint("m", i), filepath.Join(dir, "log"), 0))
		n.Executor = []string{"x", "y"}[i%2]
		nodes = append(nodes, n)
	}
	began := time.Now()
	if got := run(t, o, nodes...); strings.Count(got, ":ran") != 20 {
		t.Error(got)
	}
	most := int(time.Since(began)/(450*time.Millisecond)) + 2
	if n := q.Looks(); n == 0 || n > most {
		t.Errorf("Slurm was asked %d times in %v, want at most %d", n, time.Since(began), most)
	}
}
