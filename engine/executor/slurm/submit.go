package slurm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rein/cache"
	"rein/engine"
)

// intent is written into a job's folder before the job is sent: what it is called, and its place in an array.
type intent struct {
	Name  string `json:"name"`
	Index int    `json:"index"` // -1: not in an array
	Try   string `json:"try"`   // the attempt's folder
	ID    string `json:"id,omitempty"`
}

func intentPath(dir string) string { return filepath.Join(dir, "slurm.json") }
func outputPath(dir string) string { return filepath.Join(dir, "slurm.out") }

func (i *intent) write(dir string) error {
	b, err := json.Marshal(i)
	if err != nil {
		return err
	}
	tmp := intentPath(dir) + ".tmp"
	if err := os.WriteFile(tmp, b, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, intentPath(dir))
}

// find looks for a job that an earlier run has sent for this very work: it is followed if it is still out, or its
// answer is taken.
func (a *attempt) find(ctx context.Context) (bool, error) {
	b, err := os.ReadFile(intentPath(a.job.Dir))
	if err != nil {
		return false, nil
	}
	var i intent
	if json.Unmarshal(b, &i) != nil || !filepath.IsLocal(i.Try) {
		return false, nil
	}
	a.job.Resume(i.Try)
	if err := a.bring(ctx, true); err != nil {
		return false, err
	}
	if _, ok := a.job.Answer(); ok {
		a.id = i.ID
		return true, nil
	}
	for look := 0; ; look++ {
		jobs, err := a.queue.list(ctx)
		if err != nil {
			return false, err
		}
		for _, j := range jobs {
			if i.is(j) && !over(j.state) {
				a.id = j.id
				a.job.Emit(engine.Event{Action: engine.ActionLog, Text: "found again: Slurm job " + j.id + " of an earlier run"})
				return true, nil
			}
		}
		if i.ID != "" || look == 1 {
			return false, nil
		}
		select { // the killed run's sbatch may be on its way to Slurm still
		case <-time.After(max(time.Second, a.config.Interval)):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// is tells whether a job of the queue is the one that was meant.
func (i *intent) is(j listed) bool {
	if i.ID != "" {
		return j.id == i.ID
	}
	return j.name == i.Name && (i.Index < 0 || strings.HasSuffix(j.id, "_"+strconv.Itoa(i.Index)))
}

// send submits the job, together with what else is ready to go and needs the same.
func (a *attempt) send(ctx context.Context) error {
	if err := a.job.Begin(); err != nil {
		return err
	}
	a.read = 0
	if a.config.Courier != nil {
		var err error
		if a.argv, err = a.config.Courier.Send(ctx, a.job); err != nil {
			return err
		}
	}
	p := &pending{attempt: a, ctx: ctx, done: make(chan error, 1)}
	a.submit.add(p)
	if err := <-p.done; err != nil {
		return err
	}
	if ctx.Err() != nil { // it was on its way when the run was interrupted
		return errors.Join(ctx.Err(), a.interrupted())
	}
	return nil
}

// pending is an attempt that waits to be sent.
type pending struct {
	attempt *attempt
	ctx     context.Context
	done    chan error
}

// submitter collects for a moment what is ready, and sends what needs the same as one job array.
type submitter struct {
	config Config
	pause  func() time.Duration // how long a batch is collected
	mu     sync.Mutex
	batch  []*pending
}

func (s *submitter) add(p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.batch = append(s.batch, p); len(s.batch) == 1 {
		time.AfterFunc(s.pause(), s.flush)
	}
}

// maxArray is how many tasks an array has at most: Slurm's own default limit is 1,001.
const maxArray = 1000

func (s *submitter) flush() {
	s.mu.Lock()
	batch := s.batch
	s.batch = nil
	s.mu.Unlock()
	groups := map[string][]*pending{}
	var order []string
	for _, p := range batch {
		k := strings.Join(s.limits(p.attempt), "\x00")
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], p)
	}
	for _, k := range order {
		for group := range slices.Chunk(groups[k], maxArray) {
			go s.deliver(group) // one that waits for room doesn't hold up the next
		}
	}
}

// deliver sends a group. Where there is no room for all of it, it goes in halves: a queue that takes 50 jobs at a time
// never has room for an array of 100.
func (s *submitter) deliver(group []*pending) {
	err := s.send(group, len(group) == 1)
	if len(group) > 1 && err != nil && (full(err.Error()) || tooLong(err.Error())) {
		s.deliver(group[:len(group)/2])
		s.deliver(group[len(group)/2:])
		return
	}
	for _, p := range group {
		p.done <- err
	}
}

// tooLong is how sbatch refuses an array that is longer than the cluster allows.
func tooLong(text string) bool { return strings.Contains(text, "Invalid job array specification") }

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

// clock writes a duration as Slurm reads it, rounded up to a second: 1-02:03:04.
func clock(d time.Duration) string {
	s := int64((d + time.Second - 1) / time.Second)
	return fmt.Sprintf("%d-%02d:%02d:%02d", s/86400, s/3600%24, s/60%60, s%60)
}

// send submits one group: a job, or an array. A full queue is waited for if that is wanted.
func (s *submitter) send(group []*pending, wait bool) error {
	if err := group[0].ctx.Err(); err != nil {
		return err // interrupted before it was sent
	}
	name := "rein-" + group[0].attempt.job.Order.Action.String()
	if len(group) > 1 {
		var all strings.Builder
		for _, p := range group {
			all.WriteString(p.attempt.job.Order.Action.String())
		}
		name = "rein-array-" + cache.Sum([]byte(all.String())).String()
	}
	intents := make([]intent, len(group))
	for i, p := range group {
		intents[i] = intent{Name: name, Index: i, Try: p.attempt.job.Try}
		if len(group) == 1 {
			intents[i].Index = -1
		}
		if err := intents[i].write(p.attempt.job.Dir); err != nil {
			return err
		}
	}
	args := append([]string{"--parsable", "--job-name=" + name, "--output=/dev/null", "--error=/dev/null", "--no-requeue"}, s.arguments()...)
	if s.config.Courier != nil {
		args = append(args, "--chdir=/tmp") // the folder here needn't be on the nodes
	}
	args = append(args, s.limits(group[0].attempt)...)
	if len(group) > 1 {
		args = append(args, fmt.Sprintf("--array=0-%d", len(group)-1))
	}
	id, err := s.sbatch(group[0].ctx, args, s.script(group), wait)
	if err != nil {
		return err
	}
	for i, p := range group {
		p.attempt.id = id
		if len(group) > 1 {
			p.attempt.id = id + "_" + strconv.Itoa(i)
		}
		intents[i].ID = p.attempt.id
		if err := intents[i].write(p.attempt.job.Dir); err != nil {
			return err
		}
		p.attempt.job.Emit(engine.Event{Action: engine.ActionLog, Text: "sent as Slurm job " + p.attempt.id})
	}
	return nil
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

// sbatch submits, again and again while Slurm says that it is full. An interrupt ends the waiting, never a submission:
// nobody could tell whether it was taken.
func (s *submitter) sbatch(ctx context.Context, args []string, script string, wait bool) (string, error) {
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		out, err := command(context.WithoutCancel(ctx), script, "sbatch", args...)
		if err == nil {
			id, _, _ := strings.Cut(strings.TrimSpace(out), ";") // a federation adds the cluster's name
			return id, nil
		}
		if !wait || !full(err.Error()) {
			return "", err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(pause):
		}
	}
}

// full tells sbatch's ways to say "later" from its ways to say "no".
func full(text string) bool {
	for _, s := range []string{"temporarily unable to accept", "MaxSubmitJob", "Resource temporarily unavailable", "Socket timed out", "Unable to contact slurm controller"} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// script is the batch script: it finds its order, by its place in the array, and executes it.
func (s *submitter) script(group []*pending) string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	for _, l := range s.config.Setup {
		b.WriteString(l + "\n")
	}
	b.WriteString("case ${SLURM_ARRAY_TASK_ID:-0} in\n")
	for i, p := range group {
		argv, output := p.attempt.command()
		words := make([]string, len(argv))
		for i, w := range argv {
			words[i] = quote(w)
		}
		fmt.Fprintf(&b, "%d) exec %s >%s 2>&1 </dev/null ;;\n", i, strings.Join(words, " "), output)
	}
	b.WriteString("esac\n")
	return b.String()
}

// command is what a job executes, and the shell's word for where its output goes.
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

// quote makes a word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// relay passes on what the job has printed since the last time, whole lines only.
func (a *attempt) relay() error {
	f, err := os.Open(outputPath(a.job.Folder()))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, a.read, 1<<62))
	if err != nil {
		return err
	}
	end := strings.LastIndexByte(string(b), '\n') + 1
	for line := range strings.Lines(string(b[:end])) {
		a.job.EventLine(strings.TrimSuffix(line, "\n"))
	}
	a.read += int64(end)
	return nil
}
