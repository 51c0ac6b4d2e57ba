package slurm

import (
	"errors"
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
		text += fmt.Sprintf("%-64s%-160s%-32s%-64s%-64s%-16s\n", j.id, j.name, j.state, j.reason, j.node, j.code)
	}
	l := parseQueue(text + "\n")
	got := l.jobs
	if l.odd != "" {
		t.Errorf("%q is odd", l.odd)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(listed{})); diff != "" {
		t.Error(diff)
	}
	if got[0].never() || got[1].never() || !got[2].never() {
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
	want := `#!/bin/bash
case ${SLURM_ARRAY_TASK_ID:-0} in
0) order='/s/jobs/it'\''s/order.json' out='/s/jobs/it'\''s/slurm.out' ;;
1) order='/s/jobs/b/order.json' out='/s/jobs/b/slurm.out' ;;
esac
exec >>"$out" 2>&1 </dev/null
echo
module load cuda
exec '/bin/rein' 'step' 'run' "$order"
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
		stateLost:       {true, 1 << 30, time.Hour, "gone from the queue"},
		"OUT_OF_MEMORY": {true, 2 << 30, time.Hour, "ran out of memory"},
		stateKilled:     {true, 2 << 30, time.Hour, "was killed on its node (signal 9)"},
		"TIMEOUT":       {true, 1 << 30, 90 * time.Minute, "ran out of time"},
		"CANCELLED":     {false, 1 << 30, time.Hour, "was cancelled"},
		"FAILED":        {false, 1 << 30, time.Hour, "without an answer, with exit status 127; the nodes can't start /bin/rein"},
	} {
		a := newAttempt(c, "x", engine.Resources{Memory: 1 << 30})
		e := end{state: state, node: "n7", exit: 127}
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
	for code, want := range map[string]end{killed: {state: stateKilled}, "768": {state: "FAILED", exit: 3}} {
		if e, over := (listed{state: "FAILED", code: code}).end(); e != want || !over {
			t.Errorf("wait status %s: %+v", code, e)
		}
	}
}

// still is a queue that doesn't look by itself.
func still() *Queue { return &Queue{watched: map[string]*watch{}, running: true, interval: time.Hour} }

// job is a job that is waited for; what is said of Slurm is added to said.
func (q *Queue) job(id string, said *[]string) *watch {
	w := &watch{id: id, say: func(s string, _ bool) { *said = append(*said, s) }}
	q.watch(w)
	return w
}

// A job is lost only after it was missing from several looks in a row that could be read; an ended one is told at once.
func TestQueueTells(t *testing.T) {
	q := still()
	var said []string
	gone, ended := q.job("1", &said), q.job("2", &said)
	q.tell(&listing{jobs: []listed{{id: "2", state: "COMPLETED", node: "n"}}})
	if e := <-ended.ended; e.state != "COMPLETED" || e.node != "n" {
		t.Error(e)
	}
	look := func(l *listing) {
		t.Helper()
		q.tell(l)
		select {
		case e := <-gone.ended:
			t.Fatalf("told %v too early", e)
		default:
		}
	}
	look(&listing{})
	for _, state := range []string{"PENDING", "RUNNING"} {
		look(&listing{jobs: []listed{{id: "1", state: state}}})
	}
	if j := <-gone.news; j.state != "RUNNING" { // who was busy is told the latest
		t.Error(j)
	}
	for range 2 * maxAbsent {
		look(&listing{odd: "slurm_load_jobs: garbage"})
	}
	for range maxAbsent - 1 {
		look(&listing{})
	}
	q.tell(&listing{})
	if e := <-gone.ended; e.state != stateLost || len(gone.news) > 0 || len(said) > 0 {
		t.Error(e, said)
	}
}

// Looks that fail for long are said once, to one who waits; so is that they don't any more.
func TestSilentSlurmIsSaidOnce(t *testing.T) {
	q := still()
	var said []string
	q.job("1", &said)
	q.job("2", &said)
	began := time.Now().Add(-2 * troubleTime)
	for range 3 {
		q.report(began, errors.New("squeue: timed out"))
	}
	q.report(time.Now(), nil)
	q.report(time.Now(), errors.New("squeue: timed out"))
	if len(said) != 2 || !strings.Contains(said[0], "squeue: timed out") || !strings.Contains(said[1], "answers again") {
		t.Errorf("%q", said)
	}
}

// What a job waits for is said where somebody may have to do something about it, with what.
func TestWaitingJobsSayWhatToDo(t *testing.T) {
	for reason, want := range map[string]string{
		"None": "", "Priority": "", "Resources": "", "QOSMaxJobsPerUserLimit": "", "BeginTime": "",
		"JobHeldUser": "scontrol release 7", "JobHeldAdmin": "administrator", "launch failed requeued held": "scontrol release 7",
		"Dependency": "scontrol show job 7", "ReqNodeNotAvail, UnavailableNodes:n2": "sinfo -R",
		"Nodes required for job are DOWN, DRAINED or reserved for job": "sinfo -R", "PartitionDown": "partition",
	} {
		if got := (listed{id: "7", state: "PENDING", reason: reason}).waits(); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: %q", reason, got)
		}
	}
}

// A line of squeue that is no job is kept apart.
func TestOddLinesOfTheQueue(t *testing.T) {
	for text, odd := range map[string]bool{"": false, "\n\n": false, "srun: warning: something\n": true, "12\n": true, "<html>502 Bad Gateway</html>": true} {
		if l := parseQueue(text); (l.odd != "") != odd || len(l.jobs) > 0 {
			t.Errorf("%q: %+v", text, l)
		}
	}
}

// The environment of a job that rein is itself, and the user's defaults for squeue, don't reach our commands.
func TestEnvironment(t *testing.T) {
	got := environment([]string{"PATH=/bin", "SLURM_CONF=/c", "SLURM_ARRAY_TASK_ID=7", "SLURM_JOB_ID=1", "SQUEUE_PARTITION=x", "SBATCH_ACCOUNT=lab", "SBATCH_ARRAY_INX=1-3"})
	if diff := cmp.Diff([]string{"PATH=/bin", "SLURM_CONF=/c", "SBATCH_ACCOUNT=lab"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]error{
		"sbatch: error: Batch job submission failed: Slurm temporarily unable to accept job, sleeping and retrying": errFull,
		"sbatch: error: QOSMaxSubmitJobPerUserLimit":                                                                errFull,
		"sbatch: error: AssocGrpSubmitJobsLimit":                                                                    errFull,
		"sbatch: error: Batch job submission failed: Socket timed out on send/recv operation":                       errUnsure,
		"sbatch gave no answer: context canceled":                                                                   errUnsure,
		"sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)":          errLater,
		"sbatch: error: Batch job submission failed: Invalid job array specification":                               errTooLong,
		"sbatch: error: invalid partition specified: nope":                                                          nil,
		"sbatch: error: Batch job submission failed: Invalid account":                                               nil,
	} {
		if got := refusal(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestGoneJobsAreCancelled(t *testing.T) {
	for text, want := range map[string]bool{
		"scancel: exit status 1: scancel: error: Kill job error on job id 99: Invalid job id specified":                            true,
		"scancel: error: Kill job error on job id 9: Job/step already completing or completed":                                     true,
		"scancel: error: Kill job error on job id 9: Invalid job id specified\nscancel: error: Unable to contact slurm controller": false,
		"scancel: error: Unable to contact slurm controller":                                                                       false,
	} {
		if gone(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
