package slurm

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OrderVariable is the environment variable that holds the name of an order given as "-".
const OrderVariable = "REIN_ORDER"

// script is the batch script. It finds its order by its index in the array, and executes it. What the lines of setup print goes to the
// step's log too.
func (s *submitter) script(group []*pending) string {
	var b strings.Builder
	if len(s.config.Setup) == 0 {
		b.WriteString("#!/bin/sh\n")
	} else {
		b.WriteString("#!/bin/bash\n") // module is a function of bash
	}
	b.WriteString("case ${SLURM_ARRAY_TASK_ID:-0} in\n")
	var program []string
	for i, p := range group {
		argv, output := p.attempt.command()
		program = argv[:len(argv)-1] // of all the same
		fmt.Fprintf(&b, "%d) order=%s out=%s ;;\n", i, quote(argv[len(argv)-1]), output)
	}
	b.WriteString("esac\nexec >>\"$out\" 2>&1 </dev/null\necho\n") // ends an incomplete line, if the job was started before
	for _, l := range s.config.Setup {
		b.WriteString(l + "\n")
	}
	last := ` "$order"`
	if s.config.Courier != nil { // it holds a key, and anybody on the node can see a program's arguments
		b.WriteString(OrderVariable + `="$order"; export ` + OrderVariable + "\n")
		last = ` --log "$out" -`
	}
	b.WriteString("exec")
	for _, w := range program {
		b.WriteString(" " + quote(w))
	}
	b.WriteString(last + "\n")
	return b.String()
}

// command is what a job executes, and the shell word for the file of its output.
func (a *attempt) command() (argv []string, output string) {
	if a.argv != nil {
		return a.argv, `"${TMPDIR:-/tmp}/rein-${SLURM_JOB_ID:-0}.out"`
	}
	argv = a.job.Argv
	if a.config.Argv != nil {
		argv = a.config.Argv
	}
	return append(slices.Clone(argv), a.job.OrderPath()), quote(outputPath(a.job.Folder()))
}

// program is the path of what the nodes start.
func (a *attempt) program() string {
	argv, _ := a.command()
	return filepath.Clean(argv[0])
}

// quote makes a word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// limits are the sbatch arguments that depend on the step.
func (s *submitter) limits(a *attempt) []string {
	var out []string
	res := a.job.Order.Resources
	if res.CPUs > 1 {
		out = append(out, "--cpus-per-task="+strconv.Itoa(int(res.CPUs+0.999)))
	}
	if a.memory > 0 {
		out = append(out, fmt.Sprintf("--mem=%dM", (a.memory+1<<20-1)>>20))
	}
	if res.GPU > 0 && s.config.GRES == "" {
		out = append(out, "--gres=gpu:"+strconv.Itoa(res.GPU))
	}
	if a.time > 0 {
		out = append(out, "--time="+clock(a.time))
	}
	return out
}

// clock writes a duration in Slurm's format, rounded up to a second: 1-02:03:04.
func clock(d time.Duration) string {
	s := int64((d + time.Second - 1) / time.Second)
	return fmt.Sprintf("%d-%02d:%02d:%02d", s/86400, s/3600%24, s/60%60, s%60)
}

// arguments are the sbatch arguments of the executor.
func (s *submitter) arguments() []string {
	var out []string
	for _, a := range [][2]string{{"partition", s.config.Partition}, {"account", s.config.Account}, {"qos", s.config.QOS}, {"gres", s.config.GRES}} {
		if a[1] != "" {
			out = append(out, "--"+a[0]+"="+a[1])
		}
	}
	return append(out, s.config.Args...)
}
