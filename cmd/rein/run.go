package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"rein/cache"
	"rein/cmd/rein/internal/runlog"
	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/human"
	"rein/pipelines/lang"
)

func (a *app) runCmd() *cobra.Command {
	var l loadFlags
	var r runFlags
	c := &cobra.Command{
		Use:   "run [FILE|DIR]...",
		Short: "Run what is not cached",
		Long: `run runs every step whose result is not in the cache and keeps what it makes.
An interrupted run keeps what was finished; the next one goes on from there.

EXIT STATUS
  0    every step passed
  1    an assertion, a gate or a binding expectation said no
  2    the command line or a pipeline file is wrong
  3    a step failed
  130  interrupted`,
		Example: `  rein run pipelines/hybrid.hcl
  rein run --var variations=10 --budget 20m pipelines/hybrid.hcl
  rein run --frozen                 # fail on the first step that would have to run`,
		RunE: func(c *cobra.Command, args []string) error {
			rec, err := a.loadAndRun(c.Context(), args, &l, &r)
			if rec != nil && !a.json && !a.quiet {
				err = errors.Join(err, a.printOutcome(rec))
			}
			return err
		},
	}
	l.register(c)
	a.complete(c, &l)
	r.register(c)
	a.registerExecutor(c, &l, &r.executor)
	must(c.RegisterFlagCompletionFunc("force", a.completeSteps(&l)))
	c.Flags().BoolVar(&a.json, "json", false, "events as JSON, one a line")
	return c
}

// runFlags are the flags of everything that runs steps.
type runFlags struct {
	jobs      int
	keepGoing bool
	verify    bool
	frozen    bool
	force     []string
	budget    time.Duration
	executor  string
	git       string // folder whose git revision is recorded; "": the working folder
}

func (r *runFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&r.keepGoing, "keep-going", false, "go on with what doesn't depend on a failed step")
	r.registerRun(c)
}

// registerRun is register for a command that always keeps going.
func (r *runFlags) registerRun(c *cobra.Command) {
	f := c.Flags()
	f.IntVarP(&r.jobs, "jobs", "j", 0, "`N` steps at a time (default: the number of cores)")
	f.BoolVar(&r.verify, "verify", false, "run cached steps again and fail if one gives other bytes")
	f.BoolVar(&r.frozen, "frozen", false, "fail on the first step that isn't cached")
	f.StringArrayVar(&r.force, "force", nil, "run this `STEP` whatever the cache says; may be given several times")
	f.DurationVar(&r.budget, "budget", 0, "refuse to start when the forecast is longer than this `TIME` (20m)")
}

// check refuses what a run can't have.
func (r *runFlags) check() error {
	return cmp.Or(notNegative("--jobs", r.jobs), notNegative("--budget", r.budget))
}

// repeats tells whether a run with these flags may end as the last one did.
func (r *runFlags) repeats() bool { return !r.verify && len(r.force) == 0 && r.executor == "" }

// loadAndRun loads, runs and shows pipelines. Where there is nothing to do, nothing is loaded. The record is nil if nothing could be run, or
// if nothing of it is shown.
func (a *app) loadAndRun(ctx context.Context, args []string, l *loadFlags, r *runFlags) (*record.Run, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	git := gitMeanwhile(ctx, r)
	store := lateStore{a: a}
	defer store.close()
	if known, ok := a.identify(args, l); ok {
		again, err := a.repeat(ctx, &store, known, r, git)
		if err != nil {
			return nil, err
		}
		if again != nil {
			a.tellShipped(args)
			if a.json || a.quiet {
				return nil, nil
			}
			return again.Record()
		}
	}
	p, err := a.loadToRun(ctx, args, l)
	if err != nil {
		return nil, err
	}
	return a.runNow(ctx, &store, p, r, git)
}

// lateStore is the state folder, opened once it is needed: a repeat and the run after it share what they find.
type lateStore struct {
	a     *app
	store *cache.Store
}

func (l *lateStore) open() (*cache.Store, error) {
	if l.store == nil {
		store, err := l.a.store(false)
		if err != nil {
			return nil, err
		}
		l.store = store
	}
	return l.store, nil
}

func (l *lateStore) close() {
	if l.store != nil {
		_ = l.store.Close() // a run has made durable what it promises
	}
}

// gitMeanwhile has git asked while a run is prepared.
func gitMeanwhile(ctx context.Context, r *runFlags) func() record.Git {
	facts := make(chan record.Git, 1)
	go func() { facts <- gitFacts(ctx, cmp.Or(r.git, ".")) }()
	return sync.OnceValue(func() record.Git { return <-facts })
}

// repeat is a run that has nothing to do; nil if nobody can tell without looking at the graph.
func (a *app) repeat(ctx context.Context, late *lateStore, known cache.Digest, r *runFlags, git func() record.Git) (*engine.Repeated, error) {
	if !r.repeats() {
		return nil, nil
	}
	store, err := late.open()
	if err != nil {
		return nil, err
	}
	o := a.engineOptions(store)
	o.Emit, o.Known, o.Command, o.Git = nil, known, commandLine(nil), git
	if a.json || !a.quiet {
		var v *lockedView // none if there is something to do
		o.Emit = func(e engine.Event) {
			if v == nil {
				v = a.progress(r.jobs)
			}
			v.Event(e)
		}
		defer func() {
			if v != nil {
				v.Close()
				a.live = nil
			}
		}()
	}
	again, err := engine.Repeat(ctx, o)
	if again != nil && err == nil {
		runlog.Again(store, again.Head, again.Note)
	}
	return again, err
}

// run runs and shows pipelines; the record is nil if nothing could be run.
func (a *app) run(ctx context.Context, p *lang.Program, r *runFlags) (*record.Run, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	git := gitMeanwhile(ctx, r)
	store := lateStore{a: a}
	defer store.close()
	again, err := a.repeat(ctx, &store, p.ID(), r, git)
	if err != nil {
		return nil, err
	} else if again != nil {
		return again.Record()
	}
	return a.runNow(ctx, &store, p, r, git)
}

// runNow is run of pipelines that may have something to do.
func (a *app) runNow(ctx context.Context, late *lateStore, p *lang.Program, r *runFlags, git func() record.Git) (*record.Run, error) {
	store, err := late.open()
	if err != nil {
		return nil, err
	}
	_ = p.Keep() // a program that can't be kept will be loaded again
	o := a.engineOptions(store)
	share, err := a.shared(ctx, store, p)
	if err != nil {
		return nil, err
	}
	if err := a.useExecutors(&o, p, r.executor, share); err != nil {
		return nil, errors.Join(err, share.close())
	}
	share.use(ctx, &o)
	v, events := a.progress(r.jobs), runlog.NewWriter(store)
	defer events.Close()
	o.Jobs, o.KeepGoing, o.Verify, o.Frozen, o.Force, o.Budget = r.jobs, r.keepGoing, r.verify, r.frozen, r.force, r.budget
	o.Begin = events.Begin
	o.Emit = func(e engine.Event) { events.Event(e); v.Event(e) }
	if a.live != nil { // the remaining time is only shown on a terminal
		if f, err := engine.Plan(ctx, p.Graph, o); err == nil { // else Run says what is wrong
			a.live.Expect(f)
		}
	}
	o.Command = commandLine(p)
	o.Git = git
	o.Judge = unmet
	o.Known, o.Note = p.ID(), runlog.Note
	rec, err := engine.Run(ctx, p.Graph, o)
	v.Close()
	a.live = nil
	if err := errors.Join(err, share.close()); err != nil {
		return nil, err
	}
	runlog.Remember(store, rec)
	return rec, outcome(ctx, rec)
}

// unmet are the binding expectations that a run's figures miss.
func unmet(rec *record.Run) ([]string, error) {
	var out []string
	for _, p := range rec.Pipelines {
		if binds, err := hasBinding(p); err != nil || !binds {
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.File, err)
			}
			continue // its figures aren't needed
		}
		s, err := compare.Summarize(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.File, err)
		}
		for _, g := range s.Gates {
			if g.Binding && !g.Passed {
				out = append(out, p.Name+": "+render.Missed(g))
			}
		}
	}
	return out, nil
}

// hasBinding tells whether an expectation of a pipeline is binding.
func hasBinding(p record.Pipeline) (bool, error) {
	var meta record.Meta
	if len(p.Meta) > 0 {
		if err := json.Unmarshal(p.Meta, &meta); err != nil {
			return false, err
		}
	}
	for _, e := range meta.Expect {
		if e.Binding {
			return true, nil
		}
	}
	return false, nil
}

// printOutcome prints what a run measured, and the comparison to go on with.
func (a *app) printOutcome(rec *record.Run) error {
	_, width := isTerminal(a.out)
	return render.Outcome(a.out, rec.Pipelines, retyped(rec.Command), render.Options{Width: width})
}

// outcome is a record's exit status. The views have shown the errors already.
func outcome(ctx context.Context, rec *record.Run) error {
	if ctx.Err() != nil {
		return &exitError{exitInterrupted, errors.New("interrupted; what was finished is kept: run the same command to go on")}
	}
	verdict := false
	var failed []string
	for _, p := range rec.Pipelines {
		for _, s := range p.Steps {
			switch engine.Status(s.Status) {
			case engine.StatusFailed:
				failed = append(failed, p.Name+"/"+s.Name)
			case engine.StatusVerdict:
				verdict = true
			}
		}
	}
	if len(failed) > 0 {
		return &exitError{exitFault, fmt.Errorf("%s failed: %s", human.Many(len(failed), "step"), strings.Join(failed, ", "))}
	}
	if len(rec.Missed) > 0 {
		return &exitError{exitVerdict, fmt.Errorf("%s not met:\n  %s", human.Many(len(rec.Missed), "binding expectation"), strings.Join(rec.Missed, "\n  "))}
	}
	if verdict || rec.Verdict == "fail" {
		return &exitError{exitVerdict, nil}
	}
	return nil
}
