package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"rein/cache"
	"rein/engine"
	"rein/engine/executor/courier"
	"rein/engine/executor/slurm"
	"rein/pipelines/lang"
)

// registerExecutor adds the flag that runs all steps on an executor.
func (a *app) registerExecutor(c *cobra.Command, l *loadFlags, to *string) {
	c.Flags().StringVar(to, "executor", "", "run every step on this executor, whatever the step says (a `NAME` of rein.hcl, or \"local\")")
	must(c.RegisterFlagCompletionFunc("executor", func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		p, _ := lang.Load(a.targets(args), a.langOptions(args, l))
		return p.Project.Names(), cobra.ShellCompDirectiveNoFileComp
	}))
}

// useExecutors gives a run its project's executors. It doesn't connect to them yet.
func (a *app) useExecutors(o *engine.Options, p *lang.Program, chosen string, s *shared) error {
	if err := p.Project.Check(chosen); err != nil {
		return configError(err)
	}
	o.Executor, o.Executors = chosen, map[string]engine.Executor{}
	queue := slurm.NewQueue()
	for name, x := range p.Project.Executors {
		c := a.slurmConfig(x)
		c.Queue = queue
		if x.Slurm.Files == "cache" {
			var err error
			if c.Courier, err = s.courier(o.Store, x, p.Project.Cache); err != nil {
				o.Executors[name] = unusable{err}
				continue
			}
		}
		o.Executors[name] = slurm.New(c)
	}
	return nil
}

// unusable stands for an executor whose definition can't be used. It is an error only for a run that uses it.
type unusable struct{ err error }

// MaxJobs implements engine.Executor.
func (unusable) MaxJobs() int { return 1 }

// Execute implements engine.Executor.
func (u unusable) Execute(context.Context, *engine.Job) (engine.Usage, error) {
	return engine.Usage{}, u.err
}

// courier makes the courier that carries an executor's files through the shared cache.
func (s *shared) courier(store *cache.Store, x *lang.Executor, c *lang.SharedCache) (slurm.Courier, error) {
	switch {
	case s == nil:
		return nil, fmt.Errorf("%s: executor %q has files = \"cache\", and the project has no shared cache: add a cache block to %s", x.Pos, x.Name, lang.ProjectFile)
	case c.ReadOnly:
		return nil, fmt.Errorf("%s: executor %q has files = \"cache\", and the shared cache is read-only: inputs can't be sent", x.Pos, x.Name)
	}
	argv := childCommand()
	if x.Slurm.Rein != "" {
		argv[0] = x.Slurm.Rein
	}
	return &courier.Courier{Remote: s.Remote, Store: store, Argv: append(argv, "--from", c.Remote)}, nil
}

// slurmConfig converts an executor block.
func (a *app) slurmConfig(x *lang.Executor) slurm.Config {
	s := x.Slurm
	c := slurm.Config{Partition: s.Partition, Account: s.Account, QOS: s.QOS, GRES: s.GRES, Time: s.Time, Setup: s.Setup, Args: s.Args,
		MaxJobs: s.MaxJobs, Interval: s.Poll, MoreMemory: s.MoreMemory, MoreTime: s.MoreTime}
	if s.Requeues != nil {
		c.Requeues = cmp.Or(*s.Requeues, -1)
	}
	if s.Rein != "" {
		c.Argv = []string{s.Rein, "step", "run"}
	}
	switch s.OnInterrupt {
	case "leave":
		c.Leave = func(_ context.Context, jobs int) bool {
			a.notice(fmt.Sprintf("jobs that are out on %s: %d; they go on, run the same command to take the results", x.Name, jobs))
			return true
		}
	case "ask":
		c.Leave = a.askToLeave(x.Name)
	}
	return c
}

// answerTime is how long Ctrl-C's question waits for an answer.
const answerTime = 15 * time.Second

// askToLeave asks what to do with the running jobs. If nobody can answer, they are cancelled.
func (a *app) askToLeave(name string) func(context.Context, int) bool {
	return func(ctx context.Context, jobs int) bool {
		tty, _ := isTerminal(a.err)
		if in, ok := a.in.(*os.File); !ok || !tty || !term.IsTerminal(int(in.Fd())) {
			return false
		}
		ctx, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		leave := false
		a.aside(func() { leave = leaveJobs(ctx, a.in, a.err, jobs, name) })
		return leave
	}
}

// leaveJobs asks the question. Without a clear answer the jobs are cancelled.
func leaveJobs(ctx context.Context, in io.Reader, out io.Writer, jobs int, name string) bool {
	count, them, they := fmt.Sprintf("%d jobs are", jobs), "them", "they go"
	if jobs == 1 {
		count, them, they = "1 job is", "it", "it goes"
	}
	fmt.Fprintf(out, "%s out on %s: cancel %s, or leave %s running for the next run to find? [C/l] ", count, name, them, them)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(in).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case line := <-answer:
		if line != "" && strings.HasPrefix("leave", line) {
			fmt.Fprintln(out, they+" on; run the same command to take the results")
			return true
		}
	case <-ctx.Done():
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out, "cancelling "+them)
	return false
}
