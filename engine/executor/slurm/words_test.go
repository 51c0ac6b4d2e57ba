package slurm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rein/cache"
	"rein/engine"
)

func newAttempt(c Config, action string, res engine.Resources) *attempt {
	return &attempt{Executor: New(c), memory: res.Memory, time: c.Time,
		job: &engine.Job{Dir: "/s/jobs/" + action, Argv: []string{"/bin/rein", "step", "run"},
			Order: &engine.Order{Action: cache.Sum([]byte(action)), Resources: res}}}
}

func TestQueueIsRead(t *testing.T) {
	text := ""
	want := []listed{
		{"12", "rein-ab", "RUNNING", "None", "node1", "0"},
		{"13_4", "rein-array-cd", "PENDING", "ReqNodeNotAvail, UnavailableNodes:node2", "", "0"},
		{"14", "rein-ef", "PENDING", "PartitionConfig", "", "0"},
	}
	for _, j := range want {
		text += fmt.Sprintf("%-64s%-128s%-32s%-64s%-64s%-16s\n", j.id, j.name, j.state, j.reason, j.node, j.code)
	}
	got := parseQueue(text + "\n")
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(listed{})); diff != "" {
		t.Error(diff)
	}
	if never(got[0]) || never(got[1]) || !never(got[2]) {
		t.Error("who can't ever start was mistaken")
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "0-00:00:01", 90 * time.Minute: "0-01:30:00", 49*time.Hour + 500*time.Millisecond: "2-01:00:01",
	} {
		if got := clock(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestArguments(t *testing.T) {
	c := Config{Partition: "gpu", Account: "lab", Time: time.Hour, Args: []string{"--exclusive"}}
	a := newAttempt(c, "x", engine.Resources{CPUs: 3.5, Memory: 3<<30 + 1, GPU: 2})
	got := append(a.submit.arguments(), a.submit.limits(a)...)
	want := []string{"--partition=gpu", "--account=lab", "--exclusive", "--cpus-per-task=4", "--mem=3073M", "--gres=gpu:2", "--time=0-01:00:00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestScript(t *testing.T) {
	c := Config{Setup: []string{"module load cuda"}}
	a, b := newAttempt(c, "it's", engine.Resources{}), newAttempt(c, "b", engine.Resources{})
	got := a.submit.script([]*pending{{attempt: a}, {attempt: b}})
	want := `#!/bin/sh
module load cuda
case ${SLURM_ARRAY_TASK_ID:-0} in
0) exec '/bin/rein' 'step' 'run' '/s/jobs/it'\''s/order.json' >'/s/jobs/it'\''s/slurm.out' 2>&1 </dev/null ;;
1) exec '/bin/rein' 'step' 'run' '/s/jobs/b/order.json' >'/s/jobs/b/slurm.out' 2>&1 </dev/null ;;
esac
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What ended a job decides whether it is sent again, and with what.
func TestEndsAreToldApart(t *testing.T) {
	c := Config{Time: time.Hour, MoreMemory: 2, MoreTime: 1.5}
	for state, w := range map[string]struct {
		again  bool
		memory int64
		time   time.Duration
		words  string
	}{
		"PREEMPTED":     {true, 1 << 30, time.Hour, "preempted"},
		"NODE_FAIL":     {true, 1 << 30, time.Hour, "lost its node n7"},
		"LOST":          {true, 1 << 30, time.Hour, "gone from the queue"},
		"OUT_OF_MEMORY": {true, 2 << 30, time.Hour, "ran out of memory"},
		stateKilled:     {true, 2 << 30, time.Hour, "was killed on its node (signal 9)"},
		"TIMEOUT":       {true, 1 << 30, 90 * time.Minute, "ran out of time"},
		"CANCELLED":     {false, 1 << 30, time.Hour, "was cancelled"},
		"FAILED":        {false, 1 << 30, time.Hour, "ended as FAILED"},
	} {
		a := newAttempt(c, "x", engine.Resources{Memory: 1 << 30})
		e := end{state, "n7"}
		if got := a.again(e); got != w.again || a.memory != w.memory || a.time != w.time {
			t.Errorf("%s: again %v, memory %d, time %v", state, got, a.memory, a.time)
		}
		if err := e.failure(a).Error(); !strings.Contains(err, w.words) {
			t.Errorf("%s: %s", state, err)
		}
	}
	if a := newAttempt(Config{}, "x", engine.Resources{Memory: 1}); a.again(end{state: "OUT_OF_MEMORY"}) || a.again(end{state: "TIMEOUT"}) {
		t.Error("sent again without being told to")
	}
}

// A job that signal 9 has ended is told from one that has failed by itself.
func TestKilledJobsAreTold(t *testing.T) {
	for code, want := range map[string]string{killed: stateKilled, "768": "FAILED"} {
		q := &queue{watched: map[string]*watch{}, running: true, interval: time.Hour}
		w := q.watch("3")
		q.tell([]listed{{id: "3", state: "FAILED", code: code}})
		if e := <-w.ended; e.state != want {
			t.Errorf("wait status %s: %v", code, e)
		}
	}
}

// A job is lost only after it was missing from several polls; an ended one is told at once.
func TestQueueTells(t *testing.T) {
	q := &queue{watched: map[string]*watch{}, running: true, interval: time.Hour}
	gone, ended := q.watch("1"), q.watch("2")
	q.tell([]listed{{id: "2", state: "COMPLETED", node: "n"}})
	if e := <-ended.ended; e != (end{"COMPLETED", "n"}) {
		t.Error(e)
	}
	for range maxAbsent - 1 {
		select {
		case e := <-gone.ended:
			t.Fatalf("told %v too early", e)
		default:
		}
		q.tell(nil)
	}
	if e := <-gone.ended; e.state != "LOST" {
		t.Error(e)
	}
}

func TestFullQueueIsWaitedFor(t *testing.T) {
	for text, want := range map[string]bool{
		"sbatch: error: Batch job submission failed: Slurm temporarily unable to accept job, sleeping and retrying": true,
		"sbatch: error: QOSMaxSubmitJobPerUserLimit":                                                                true,
		"sbatch: error: invalid partition specified: nope":                                                          false,
		"sbatch: error: Batch job submission failed: Invalid account":                                               false,
	} {
		if full(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
