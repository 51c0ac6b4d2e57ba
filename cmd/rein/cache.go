package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rein/cache"
	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/human"
	"rein/pipelines/lang"
)

func (a *app) cacheCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "cache",
		Short: "Look into the store of results, check it, tidy it up",
		Long: `cache looks after the state folder: its size, its soundness, what may go.

EXIT STATUS
  0  done; nothing is damaged
  1  cache verify found damage that is still there
  3  a fault`,
		Example: "  rein cache stats\n  rein cache verify --repair\n  rein cache gc --dry-run",
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.cacheStatsCmd(), a.cacheVerifyCmd(), a.cacheGCCmd(), a.cacheRebuildCmd(), a.cacheKeyCmd(),
		a.cachePushCmd(), a.cachePullCmd(), a.cachePruneCmd())
	return c
}

func (a *app) cacheStatsCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "stats", Short: "Print the size of the store", Args: cobra.NoArgs,
		Long: `stats counts what is in the state folder, and its size. It writes nothing.

EXIT STATUS
  0  printed
  3  the state folder can't be read`,
		Example: "  rein cache stats --json",
		RunE: func(c *cobra.Command, _ []string) error {
			store, err := a.store(true)
			if err != nil {
				return err
			}
			defer store.Close()
			st, err := store.Stats(c.Context())
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, st)
			}
			t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			fmt.Fprintf(t, "folder\t%s\n", st.Dir)
			fmt.Fprintf(t, "results\t%d\n", st.Entries)
			fmt.Fprintf(t, "blobs\t%d, %s\n", st.Blobs, human.Bytes(st.BlobBytes))
			fmt.Fprintf(t, "runs\t%d\n", st.Runs)
			fmt.Fprintf(t, "index\t%s\n", human.Bytes(st.IndexBytes))
			fmt.Fprintf(t, "checkpoints\t%s\n", human.Bytes(st.CheckpointBytes))
			fmt.Fprintf(t, "scratch\t%s\n", human.Bytes(st.ScratchBytes))
			fmt.Fprintf(t, "logs\t%s\n", human.Bytes(st.LogBytes))
			return t.Flush()
		},
	}
	c.Flags().BoolVar(&a.json, "json", false, "as JSON")
	return c
}

func (a *app) cacheVerifyCmd() *cobra.Command {
	var repair bool
	c := &cobra.Command{
		Use: "verify", Short: "Read everything in the store and say what is damaged", Args: cobra.NoArgs,
		Long: `verify hashes every blob and checks every value of the index. With --repair it removes what is damaged: the next
run makes it again.

EXIT STATUS
  0  nothing is damaged, or it was repaired
  1  something is damaged`,
		Example: "  rein cache verify --repair",
		RunE: func(c *cobra.Command, _ []string) error {
			store, err := a.store(!repair)
			if err != nil {
				return err
			}
			defer store.Close()
			problems, err := store.Verify(c.Context(), repair, nil)
			if err != nil {
				return err
			}
			return a.printProblems(problems)
		},
	}
	c.Flags().BoolVar(&repair, "repair", false, "remove what is damaged")
	c.Flags().BoolVar(&a.json, "json", false, "as JSON")
	return c
}

func (a *app) printProblems(problems []cache.Problem) error {
	left := 0
	for _, p := range problems {
		word := "damaged"
		if p.Repaired {
			word = "removed"
		} else {
			left++
		}
		if !a.json {
			fmt.Fprintf(a.out, "%s: %s %s: %s\n", word, p.What, p.Name, p.Text)
		}
	}
	if a.json {
		if problems == nil {
			problems = []cache.Problem{}
		}
		if err := writeJSON(a.out, problems); err != nil {
			return err
		}
	} else if len(problems) == 0 {
		fmt.Fprintln(a.out, "nothing is damaged")
	}
	if left > 0 {
		return &exitError{exitVerdict, fmt.Errorf("%d damaged; rein cache verify --repair removes what is damaged, the next run makes it again", left)}
	}
	return nil
}

func (a *app) cacheRebuildCmd() *cobra.Command {
	return &cobra.Command{
		Use: "rebuild", Short: "Make the index again from run records and blobs", Args: cobra.NoArgs,
		Long: `rebuild makes a lost or broken index again: every recorded result whose outputs are all there and proven is a cache hit.
What the row memo and the file memo knew is lost; they only save time.

EXIT STATUS
  0  rebuilt
  3  the state folder can't be read or written`,
		Example: "  rein cache rebuild",
		RunE: func(c *cobra.Command, _ []string) error {
			store, err := a.store(false)
			if err != nil {
				return err
			}
			defer store.Close()
			n, err := store.Rebuild(c.Context())
			if err == nil {
				fmt.Fprintf(a.out, "%d results are in the index\n", n)
			}
			return err
		},
	}
}

// gcFlags say what a collection keeps.
type gcFlags struct {
	load   loadFlags
	dryRun bool
	runs   int
	pinned []string
	max    string
	idle   time.Duration
}

func (a *app) cacheGCCmd() *cobra.Command {
	var f gcFlags
	c := &cobra.Command{
		Use: "gc [FILE|DIR]...", Short: "Remove results that nothing needs any more",
		Long: `gc keeps what the current files need, what the last runs of each pipeline made, and pinned runs; the rest goes, what
is cheap to make again for its size first. Of what stays, that which neither the current files nor a pipeline's last run
hold is compressed where it pays, and comes back by itself when it is needed. Checkpoints and logs that were not touched
for long go. Your own input files are never touched. Records of what goes stay, so an equal result still stops a wave
early. What runs that are going on have found or made stays, whatever their age, and nothing is compressed meanwhile.

EXIT STATUS
  0  collected, or nothing was to collect
  2  the command line or a pipeline file is wrong
  3  the state folder can't be read or written`,
		Example: "  rein cache gc --dry-run\n  rein cache gc --runs 3 --max-size 2GiB pipelines",
		RunE:    func(c *cobra.Command, args []string) error { return a.gc(c.Context(), args, &f) },
	}
	f.load.register(c)
	a.complete(c, &f.load)
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "only say what would go, its size, and what making it again would cost")
	c.Flags().IntVar(&f.runs, "runs", 5, "keep what the last `N` runs of each pipeline made")
	c.Flags().StringArrayVar(&f.pinned, "pin", nil, "keep what this `RUN` made; may be given several times")
	c.Flags().DurationVar(&f.idle, "idle", 30*24*time.Hour, "remove checkpoints and logs that were not touched for this `TIME`; 0: none")
	c.Flags().StringVar(&f.max, "max-size", "0", "let this much of the rest stay, a `SIZE` (2GiB)")
	c.Flags().BoolVar(&a.json, "json", false, "as JSON")
	return c
}

// grace is the age up to which a blob is kept because a running step may have made it without having recorded it yet.
const grace = time.Hour

func (a *app) gc(ctx context.Context, args []string, f *gcFlags) error {
	limit, err := lang.ParseBytes(f.max)
	if err != nil {
		return configError(fmt.Errorf("--max-size: %w", err))
	}
	if err := cmp.Or(notNegative("--runs", f.runs), notNegative("--idle", f.idle)); err != nil {
		return err
	}
	store, err := a.store(f.dryRun)
	if err != nil {
		return err
	}
	defer store.Close()
	keep := cache.Keep{Blobs: map[cache.Digest]bool{}, Hot: map[cache.Digest]bool{}, MaxBytes: limit, MinAge: grace, MaxIdle: f.idle}
	if err := a.needed(ctx, args, f, store, &keep); err != nil {
		return err
	}
	living, err := engine.LivingRuns(store)
	if err != nil {
		return err
	}
	if living.Runs > 0 {
		keep.Hot = nil
		maps.Copy(keep.Blobs, living.Blobs)
	}
	c, err := store.PlanGC(ctx, keep)
	if err != nil {
		return err
	}
	if !f.dryRun {
		if err := store.Collect(ctx, c); err != nil {
			return err
		}
	}
	if a.json {
		return writeJSON(a.out, c)
	}
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, e := range c.Evict {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", e.Digest.Short(), human.Bytes(e.Bytes), milliseconds(e.CostMS), e.Step)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	verb, press := "removed", "compressed"
	if f.dryRun {
		verb, press = "would remove", "would compress"
	}
	if len(c.Press) > 0 {
		fmt.Fprintf(a.out, "%s %s nobody used of late, %s smaller\n", press, human.Many(len(c.Press), "blob"), human.Bytes(c.Saved))
	}
	if len(c.Idle) > 0 {
		fmt.Fprintf(a.out, "%s %d checkpoints and logs, %s\n", verb, len(c.Idle), human.Bytes(c.IdleBytes))
	}
	kept := fmt.Sprintf("kept %s, %s", human.Many(c.Kept, "blob"), human.Bytes(c.KeptBytes))
	if len(c.Evict) == 0 {
		fmt.Fprintln(a.out, "nothing to remove; "+kept)
		return nil
	}
	fmt.Fprintf(a.out, "%s %s, %s, %s to make again; %s\n", verb, human.Many(len(c.Evict), "blob"), human.Bytes(c.Bytes), milliseconds(c.CostMS), kept)
	return nil
}

// needed collects the blobs to keep: those of each pipeline's last runs, of pinned runs and of the current files. Among them, those of the
// very last runs and of the current files are in use.
func (a *app) needed(ctx context.Context, args []string, f *gcFlags, store *cache.Store, keep *cache.Keep) error {
	runs, broken, err := readRuns(store, 0)
	if err != nil {
		return err
	}
	if len(broken) > 0 {
		return fmt.Errorf("a run record can't be read, so what it needs isn't known: %w; rein cache verify --repair", errors.Join(broken...))
	}
	seen, pinned := map[string]int{}, map[string]bool{}
	for _, id := range f.pinned {
		pinned[id] = true
	}
	for _, r := range runs {
		for _, p := range r.Pipelines {
			if seen[p.Name]++; seen[p.Name] <= f.runs || pinned[r.ID] {
				keepOutputs(p, keep.Blobs)
			}
			if seen[p.Name] == 1 {
				keepOutputs(p, keep.Hot)
			}
		}
		delete(pinned, r.ID)
	}
	for id := range pinned {
		return configError(fmt.Errorf("--pin: there is no run %q; rein log lists them", id))
	}
	if len(args) == 0 && !isDir(defaultFolder) {
		return nil
	}
	p, err := a.load(args, &f.load)
	if err != nil {
		return err
	}
	forecast, err := engine.Plan(ctx, p.Graph, a.engineOptions(store))
	if err != nil {
		return err
	}
	for _, pipe := range forecast.Pipelines {
		for _, s := range pipe.Steps {
			if action, err := cache.ParseDigest(s.ActionID); err == nil && s.Status == engine.PlanCached {
				if e, err := store.Get(ctx, action); err == nil {
					for _, b := range e.Outputs {
						keep.Blobs[b.Digest], keep.Hot[b.Digest] = true, true
					}
				}
			}
		}
	}
	return nil
}

func keepOutputs(p record.Pipeline, keep map[cache.Digest]bool) {
	for _, s := range p.Steps {
		for _, b := range s.Outputs {
			keep[b.Digest] = true
		}
	}
}
