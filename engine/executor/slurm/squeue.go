package slurm

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// listing is what one squeue has printed.
type listing struct {
	jobs []listed
	odd  string // a line that doesn't describe a job; "": none
}

// listed is one line of squeue.
type listed struct{ id, name, state, reason, node, code string }

// columns are the columns that squeue prints for us, each with its width, because a reason may hold spaces.
var columns = []struct {
	name  string
	width int
}{{"JobArrayID", 64}, {"Name", 160}, {"State", 32}, {"Reason", 64}, {"NodeList", 64}, {"exit_code", 16}}

// list asks for all our jobs, including ended ones as long as Slurm remembers them. An array is listed task by task.
func list(ctx context.Context) (*listing, error) {
	format := make([]string, len(columns))
	for i, c := range columns {
		format[i] = fmt.Sprintf("%s:%d", c.name, c.width)
	}
	out, err := command(ctx, "", "squeue", "--me", "--noheader", "--array", "--states=all", "--Format="+strings.Join(format, ","))
	if err != nil {
		return nil, err
	}
	return parseQueue(out), nil
}

// jobID is how squeue names a job, or a task of an array; jobs of several parts, which we don't send, have a plus.
var jobID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\d+([_+]\d+)?$`) })

func parseQueue(out string) *listing {
	l := &listing{}
	for line := range strings.Lines(out) {
		text := strings.TrimSpace(line)
		var fs [6]string
		for i, c := range columns {
			n := min(c.width, len(line))
			fs[i], line = strings.TrimSpace(line[:n]), line[n:]
		}
		switch {
		case text == "":
		case jobID().MatchString(fs[0]) && fs[2] != "":
			l.jobs = append(l.jobs, listed{fs[0], fs[1], fs[2], fs[3], fs[4], fs[5]})
		default:
			l.odd = text[:min(len(text), 80)]
		}
	}
	return l
}

// never tells whether a pending job can never start, by the reason that Slurm gives.
func (j listed) never() bool {
	switch j.reason {
	case "PartitionConfig", "BadConstraints", "PartitionNodeLimit", "PartitionTimeLimit", "InvalidAccount", "InvalidQOS", "DependencyNeverSatisfied":
		return j.state == "PENDING"
	}
	return j.state == "PENDING" && strings.Contains(j.reason, "PerJob") // a limit of each job's size
}

// waits says why a job doesn't start, and what to do, if somebody may have to do something. "": it just has to wait.
func (j listed) waits() string {
	if j.state != "PENDING" {
		return ""
	}
	why, what := "", ""
	switch r := j.reason; {
	case r == "JobHeldUser":
		why, what = "is held", "scontrol release "+j.id+" lets it go"
	case r == "JobHeldAdmin", strings.Contains(r, "requeued held"), strings.Contains(r, "requeued_held"):
		why, what = "is held ("+r+")", "an administrator, or scontrol release "+j.id+", lets it go"
	case r == "Dependency":
		why, what = "waits for another job", "scontrol show job "+j.id+" says for which"
	case strings.Contains(r, "DRAINED"), strings.HasPrefix(r, "ReqNodeNotAvail"):
		why, what = "finds no node that is up", "sinfo -R says why they are down, drained or reserved"
	case r == "PartitionDown", r == "PartitionInactive":
		why, what = "waits for its partition, which is down", "sinfo says more; another is chosen with partition = ..."
	default:
		return ""
	}
	return fmt.Sprintf("Slurm job %s %s; %s", j.id, why, what)
}

// end is how a job has ended, if it has: a state of Slurm's, or one of ours.
func (j listed) end() (e end, ended bool) {
	e = end{state: j.state, node: j.node}
	if n, err := strconv.Atoi(j.code); err == nil {
		e.exit = n >> 8
	}
	switch {
	case j.state == stateLost:
		return e, true
	case j.never():
		return end{state: stateNever, reason: j.reason}, true
	case j.state == "FAILED" && j.code == killed:
		e.state = stateKilled
	}
	return e, over(j.state)
}

// killed is the wait status of a process that signal 9 has ended.
const killed = "9"

// over tells whether a state is a job's last.
func over(state string) bool {
	switch state {
	case "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT":
		return true
	}
	return false
}
