package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"rein/cache"
	"rein/cache/remote"
	"rein/engine"
	"rein/pipelines/human"
	"rein/pipelines/lang"
)

func (a *app) cachePushCmd() *cobra.Command {
	var l loadFlags
	runs := 1
	c := &cobra.Command{
		Use: "push [FILE|DIR]...", Short: "Send results to the shared cache",
		Long: `push sends what the shared cache lacks: the cached results of the pipelines that are named or, without a name, what the
last runs made or used. A push that was cut off goes on where it was.

EXIT STATUS
  0  sent, or it was all there
  2  there is no shared cache that may be written, or a pipeline file is wrong
  3  the shared cache can't be reached, or results are damaged here; the others are sent`,
		Example: "  rein cache push\n  rein cache push --runs 5\n  rein cache push pipelines/hybrid.hcl",
		RunE:    func(c *cobra.Command, args []string) error { return a.push(c.Context(), args, &l, runs) },
	}
	l.register(c)
	a.complete(c, &l)
	c.Flags().IntVar(&runs, "runs", 1, "without a name: of the last `N` runs")
	return c
}

func (a *app) push(ctx context.Context, args []string, l *loadFlags, runs int) error {
	if err := notNegative("--runs", runs); err != nil {
		return err
	}
	p, err := a.loadProject(args, l)
	if err != nil {
		return err
	}
	store, err := a.store(false)
	if err != nil {
		return err
	}
	defer store.Close()
	actions, err := a.toPush(ctx, args, l, store, runs)
	if err != nil {
		return err
	}
	s, err := a.needShared(ctx, store, p)
	if err != nil {
		return err
	}
	if p.Project.Cache.ReadOnly {
		return errors.Join(configError(fmt.Errorf("%s: the shared cache is read-only here", p.Project.Cache.Pos)), s.close())
	}
	err = sendAll(ctx, s, store, actions)
	return errors.Join(err, s.close())
}

// sendAll sends results. A result that can't be read here is skipped; a failing bucket ends it.
func sendAll(ctx context.Context, s *shared, store *cache.Store, actions []cache.Digest) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	var mu sync.Mutex
	var failed []error
	for _, action := range actions {
		g.Go(func() error {
			e, err := store.Get(gctx, action)
			if err == nil {
				err = s.Send(gctx, e)
			}
			var miss *cache.Miss
			switch {
			case err == nil, e == nil && errors.As(err, &miss): // it was collected meanwhile, or belongs to a failed step
				return nil
			case e == nil || gctx.Err() != nil || s.Offline():
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, fmt.Errorf("%s/%s: %w", e.Pipeline, e.Step, err))
			return nil
		})
	}
	err := g.Wait()
	if len(failed) == 0 {
		return err
	}
	are := "are"
	if len(failed) == 1 {
		are = "is"
	}
	return errors.Join(fmt.Errorf("%d of %s %s not sent:\n%w", len(failed), results(int64(len(actions))), are, errors.Join(failed...)), err)
}

// toPush are the actions whose results are to be sent.
func (a *app) toPush(ctx context.Context, args []string, l *loadFlags, store *cache.Store, runs int) ([]cache.Digest, error) {
	seen := map[cache.Digest]bool{}
	var out []cache.Digest
	add := func(text string) {
		if d, err := cache.ParseDigest(text); err == nil && !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	if len(args) == 0 {
		recs, _, err := readRuns(store, runs)
		for _, r := range recs {
			for _, p := range r.Pipelines {
				for _, s := range p.Steps {
					add(s.ActionID)
				}
			}
		}
		return out, err
	}
	p, err := a.load(args, l)
	if err != nil {
		return nil, err
	}
	f, err := engine.Plan(ctx, p.Graph, a.engineOptions(store))
	if err != nil {
		return nil, err
	}
	for _, p := range f.Pipelines {
		for _, s := range p.Steps {
			if s.Status == engine.PlanCached {
				add(s.ActionID)
			}
		}
	}
	return out, nil
}

func (a *app) cachePullCmd() *cobra.Command {
	var l loadFlags
	c := &cobra.Command{
		Use: "pull [FILE|DIR]...", Short: "Fetch what the pipelines need from the shared cache",
		Long: `pull fetches every result that the pipelines need and the shared cache has, without running anything, and prints what is
left to run. A pull that was cut off goes on where it was.

EXIT STATUS
  0  fetched what there was
  2  there is no shared cache, or a pipeline file is wrong
  3  the shared cache can't be reached`,
		Example: "  rein cache pull pipelines",
		RunE:    func(c *cobra.Command, args []string) error { return a.pull(c.Context(), args, &l) },
	}
	l.register(c)
	a.complete(c, &l)
	return c
}

func (a *app) pull(ctx context.Context, args []string, l *loadFlags) error {
	p, err := a.loadToRun(ctx, args, l)
	if err != nil {
		return err
	}
	store, err := a.store(false)
	if err != nil {
		return err
	}
	defer store.Close()
	s, err := a.needShared(ctx, store, p)
	if err != nil {
		return err
	}
	o := a.engineOptions(store)
	o.Remote = s.Behind(ctx)
	if err := a.useExecutors(&o, p, "", s); err != nil {
		return errors.Join(err, s.close())
	}
	f, err := engine.Pull(ctx, p.Graph, o)
	if err := errors.Join(err, s.close()); err != nil {
		return err
	}
	fmt.Fprintln(a.out, planSummary(f))
	return nil
}

// pruneFlags say what a shared cache may forget.
type pruneFlags struct {
	unused, age string
	max         string
	yes         bool
}

func (a *app) cachePruneCmd() *cobra.Command {
	var f pruneFlags
	c := &cobra.Command{
		Use: "prune", Short: "Remove old results from the shared cache", Args: cobra.NoArgs,
		Long: `prune prints what would go from the shared cache and, after a yes, removes it: results that nobody has fetched or sent for
so long, or that were made so long ago, and the least recently used ones beyond a size. What no result names goes too,
once it is a day old. Last uses are known by the day. A result that went is made, and sent, again when it is needed.

EXIT STATUS
  0  removed, or there was nothing to remove, or the answer was no
  2  there is no shared cache that may be written, or a flag is wrong
  3  the shared cache can't be reached`,
		Example: "  rein cache prune --unused 30d\n  rein cache prune --max-size 200GiB --yes",
		RunE:    func(c *cobra.Command, _ []string) error { return a.prune(c.Context(), &f) },
	}
	c.Flags().StringVar(&f.unused, "unused", "", "results that were not used for this `TIME` (30d, 12h)")
	c.Flags().StringVar(&f.age, "age", "", "results that were made longer ago than this `TIME`")
	c.Flags().StringVar(&f.max, "max-size", "0", "the least recently used results, until this `SIZE` is left (200GiB)")
	c.Flags().BoolVar(&f.yes, "yes", false, "don't ask")
	c.Flags().BoolVar(&a.json, "json", false, "the plan as JSON; removes nothing without --yes")
	return c
}

func (a *app) prune(ctx context.Context, f *pruneFlags) error {
	rules, err := f.rules()
	if err != nil {
		return configError(err)
	}
	p, err := a.loadProject(nil, &loadFlags{})
	if err != nil {
		return err
	}
	store, err := a.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	s, err := a.needShared(ctx, store, p)
	if err != nil {
		return err
	}
	defer s.close()
	plan, err := s.PlanPrune(ctx, rules, time.Now())
	if err != nil {
		return err
	}
	if err := a.printPrune(plan); err != nil {
		return err
	}
	if len(plan.Entries)+plan.Loose == 0 || !f.yes && (a.json || !a.agreed("remove them?")) {
		return nil
	}
	if p.Project.Cache.ReadOnly {
		return configError(fmt.Errorf("%s: the shared cache is read-only here", p.Project.Cache.Pos))
	}
	if err := s.Apply(ctx, plan); err != nil {
		return err
	}
	fmt.Fprintln(a.err, "removed")
	return nil
}

func (a *app) printPrune(plan *remote.Prune) error {
	if a.json {
		return writeJSON(a.out, plan)
	}
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, e := range plan.Entries {
		fmt.Fprintf(t, "%s\t%s\tused %s\t%s\n", e.Action.Short(), e.Step, e.Used.Format(time.DateOnly), e.Reason)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s and %d loose objects to remove, %s; %s to keep, %s\n", results(int64(len(plan.Entries))), plan.Loose,
		human.Bytes(plan.Bytes), results(int64(plan.Kept)), human.Bytes(plan.KeptB))
	return err
}

// agreed asks a yes-or-no question. No answer means no.
func (a *app) agreed(question string) bool {
	fmt.Fprintf(a.err, "%s [y/N] ", question)
	line, _ := bufio.NewReader(a.in).ReadString('\n')
	yes := strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y")
	if !yes {
		fmt.Fprintln(a.err, "nothing was removed")
	}
	return yes
}

func (f *pruneFlags) rules() (remote.Rules, error) {
	r := remote.Rules{Grace: 24 * time.Hour}
	var err error
	if r.MaxBytes, err = lang.ParseBytes(f.max); err != nil {
		return r, fmt.Errorf("--max-size: %w", err)
	}
	for _, x := range []struct {
		flag, text string
		to         *time.Duration
	}{{"--unused", f.unused, &r.Unused}, {"--age", f.age, &r.Age}} {
		if x.text == "" {
			continue
		}
		if *x.to, err = parseDays(x.text); err != nil {
			return r, fmt.Errorf("%s: %w", x.flag, err)
		}
	}
	return r, nil
}

// parseDays reads "30d", "12h".
func parseDays(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n float64
		if _, err := fmt.Sscanf(days+" ", "%g ", &n); err == nil && n > 0 {
			return time.Duration(n * float64(24*time.Hour)), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return d, nil
	}
	return 0, fmt.Errorf("%q is not a time; want one like 30d or 12h", s)
}
