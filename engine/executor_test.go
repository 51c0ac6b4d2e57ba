package engine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"rein/engine"
	"rein/engine/enginetest"
)

// elsewhere is an executor that starts each order as a process, as a cluster's node would.
type elsewhere struct {
	max          int
	jobs, out    atomic.Int64
	most         atomic.Int64
	begun, found atomic.Int64
}

func (x *elsewhere) MaxJobs() int { return x.max }

func (x *elsewhere) Execute(ctx context.Context, j *engine.Job) (engine.Usage, error) {
	x.jobs.Add(1)
	if n := x.out.Add(1); n > x.most.Load() {
		x.most.Store(n)
	}
	defer x.out.Add(-1)
	if tries, _ := os.ReadDir(j.Dir); len(tries) == 1 {
		j.Resume(tries[0].Name())
	}
	if _, ok := j.Answer(); ok {
		x.found.Add(1)
	} else {
		x.begun.Add(1)
		if err := j.Begin(); err != nil {
			return engine.Usage{}, err
		}
		cmd := exec.CommandContext(ctx, j.Argv[0], append(j.Argv[1:len(j.Argv):len(j.Argv)], j.OrderPath())...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			return engine.Usage{}, err
		}
		if err := cmd.Start(); err != nil {
			return engine.Usage{}, err
		}
		for s := bufio.NewScanner(out); s.Scan(); {
			j.EventLine(s.Text())
		}
		_ = cmd.Wait() // the answer says how it went
	}
	answer, ok := j.Answer()
	if !ok {
		return engine.Usage{}, errors.New("the node died")
	}
	return engine.Usage{Host: "node7"}, answer
}

func TestExecutor(t *testing.T) {
	x := &elsewhere{max: 2}
	o := options(enginetest.Store(t))
	o.Child, o.Executors, o.KeepGoing = child(), map[string]engine.Executor{"gpu": x}, true
	talk := step("talk", childOp(map[string]any{"do": "talk"}))
	no := step("no", childOp(map[string]any{"do": "verdict"}))
	here := step("here", childOp(map[string]any{"do": "copy"}), from("x", talk))
	nodes := []*engine.Node{talk, no, here}
	for i := range 5 {
		n := step(fmt.Sprintf("n%d", i), childOp(map[string]any{"i": i}))
		n.Resources.GPU = 8 // this machine has none: that is the cluster's business
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		n.Executor = "gpu"
	}
	here.Executor = ""
	r := mustRun(t, graph(nodes...), o)
	wantStatuses(t, r, "here:ran n0:ran n1:ran n2:ran n3:ran n4:ran no:verdict talk:ran")
	if x.jobs.Load() != 7 || x.most.Load() > 2 {
		t.Errorf("%d jobs, %d at a time", x.jobs.Load(), x.most.Load())
	}
	res := enginetest.Find(r, "talk").Result
	if res.Metrics["m"] != 4 || res.Host != "node7" {
		t.Errorf("%+v", res)
	}
	if left, _ := os.ReadDir(o.Store.Dir() + "/jobs"); len(left) > 0 {
		t.Errorf("jobs' folders are left: %v", left)
	}
	o.Executor = "nowhere"
	if _, err := engine.Run(t.Context(), graph(nodes...), o); err == nil || !strings.Contains(err.Error(), `"nowhere" is not configured`) {
		t.Error(err)
	}
}

// A job that was finished while no run was there to take its result is not sent again.
func TestExecutorFindsItsJobs(t *testing.T) {
	x := &elsewhere{max: 2}
	o := options(enginetest.Store(t))
	o.Child, o.Executors, o.Executor = child(), map[string]engine.Executor{"gpu": x}, "gpu"
	ctx, cancel := context.WithCancel(t.Context())
	g := graph(step("a", childOp(map[string]any{"do": "talk"})))
	leave := &leaving{elsewhere: x, cancel: cancel}
	o.Executors["gpu"] = leave
	r, err := engine.Run(ctx, g, o)
	if err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, r, "a:stopped")
	o.Executors["gpu"] = x
	wantStatuses(t, mustRun(t, g, o), "a:ran")
	if x.begun.Load() != 1 || x.found.Load() != 1 {
		t.Errorf("begun %d, found %d", x.begun.Load(), x.found.Load())
	}
}

// leaving is interrupted when its job is just over.
type leaving struct {
	*elsewhere
	cancel context.CancelFunc
}

func (x *leaving) Execute(ctx context.Context, j *engine.Job) (engine.Usage, error) {
	u, _ := x.elsewhere.Execute(ctx, j)
	x.cancel()
	return u, ctx.Err()
}
