package slurm

import (
	"fmt"
	"time"
)

// end is how a job ended.
type end struct {
	state  string // Slurm's word, or ours
	node   string
	reason string // of one that can't start
	exit   int    // exit status of one that failed
}

// The exit statuses of `rein step run` that come with an answer.
const (
	exitVerdict = 1
	exitFault   = 3
)

// answered tells whether a job with this end has certainly left an answer, even if it can't be seen yet.
func (e end) answered() bool {
	return e.state == "COMPLETED" || e.state == "FAILED" && (e.exit == exitVerdict || e.exit == exitFault)
}

// cut tells whether the end outweighs an answer: the kernel killed processes of the job for lack of memory, and the script around them may
// have ended with status 0 nevertheless.
func (e end) cut() bool { return e.state == "OUT_OF_MEMORY" }

// again decides whether a job that left no answer is sent again, and with what resources.
func (a *attempt) again(e end) bool {
	switch e.state {
	case "PREEMPTED", "NODE_FAIL", "BOOT_FAIL", "REVOKED", "REQUEUED", stateLost:
		return true // the step's checkpoint folder is still there
	case "OUT_OF_MEMORY", stateKilled:
		if a.config.MoreMemory > 1 && a.memory > 0 {
			a.memory = int64(float64(a.memory) * a.config.MoreMemory)
			return true
		}
	case "TIMEOUT", "DEADLINE":
		if a.config.MoreTime > 1 && a.time > 0 {
			a.time = time.Duration(float64(a.time) * a.config.MoreTime)
			return true
		}
	}
	return false
}

// words says what an end means.
func (e end) words() string {
	switch e.state {
	case "PREEMPTED":
		return "was preempted"
	case "NODE_FAIL", "BOOT_FAIL":
		return "lost its node " + e.node
	case "OUT_OF_MEMORY":
		return "ran out of memory"
	case stateKilled:
		return "was killed on its node (signal 9), as one that takes too much memory is"
	case "TIMEOUT", "DEADLINE":
		return "ran out of time"
	case "CANCELLED":
		return "was cancelled"
	case stateNever:
		return "can't ever start (" + e.reason + ")"
	case stateLost:
		return "is gone from the queue without an answer"
	case "FAILED":
		return fmt.Sprintf("ended without an answer, with exit status %d", e.exit)
	}
	return "ended as " + e.state + " without an answer"
}

// hint says what to do about an end.
func (e end) hint(a *attempt) string {
	switch e.state {
	case stateNever:
		if e.reason == "DependencyNeverSatisfied" {
			return "the job that args = [\"--dependency=...\"] names has failed"
		}
		return "the cluster has no such resources, or the partition, account or qos is wrong"
	case "OUT_OF_MEMORY", stateKilled:
		return "give the step more with resources { memory = ... }, or set more_memory"
	case "TIMEOUT", "DEADLINE":
		if a.time == 0 {
			return "its limit was the partition's: set timeout on the step, or time"
		}
		return fmt.Sprintf("its limit was %v: set timeout on the step, or more_time", a.time)
	case "CANCELLED":
		return "the next run sends it again"
	case "FAILED":
		if e.exit == 126 || e.exit == 127 {
			return "the nodes can't start " + a.program() + ": rein = PATH in the executor block says where theirs is"
		}
	}
	return ""
}

func (e end) failure(a *attempt) error {
	hint := e.hint(a)
	if hint != "" {
		hint = "; " + hint
	}
	if a.config.Courier != nil && e.state != stateNever {
		hint += fmt.Sprintf("; what it printed itself is on its node (%s), in rein-JOBID.out of the folder for temporary files", e.node)
	}
	return fmt.Errorf("job %s of Slurm %s%s", a.id, e.words(), hint)
}
