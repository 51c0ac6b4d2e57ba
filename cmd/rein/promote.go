package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rein/cache"
	"rein/cmd/rein/internal/runlog"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/lang"
)

// championsFile is the list of promoted strategies, one line each. It lies beside go.mod or .git and is meant for git.
const championsFile = "champions.jsonl"

// defaultChampion is the name under which a strategy is promoted if none is given.
const defaultChampion = "champion"

// champion is a line of the list: an approved strategy, and the champion that it was measured against.
type champion struct {
	As          string                    `json:"as"`
	At          time.Time                 `json:"at"`
	Strategy    string                    `json:"strategy"`
	File        string                    `json:"file"`
	Revision    string                    `json:"revision,omitempty"`
	Dirty       bool                      `json:"dirty,omitempty"`
	Verdict     string                    `json:"verdict"`
	Run         string                    `json:"run"`                   // whose record has every step and key
	Package     string                    `json:"package,omitempty"`     // digest of what is shipped
	Figures     map[string]compare.Figure `json:"figures"`               // the main ones
	Predecessor string                    `json:"predecessor,omitempty"` // run of the champion before it
	Test        *render.Test              `json:"test,omitempty"`        // against the previous champion, on the metric that decides
	Forced      string                    `json:"forced,omitempty"`      // why it was promoted although it was refused
	Rollback    bool                      `json:"rollback,omitempty"`
}

// promoteFlags say under which name a strategy is promoted.
type promoteFlags struct {
	load     loadFlags
	as       string
	force    string
	rollback bool
}

func (a *app) promoteCmd() *cobra.Command {
	var f promoteFlags
	c := &cobra.Command{
		Use:   "promote FILE | --rollback",
		Short: "Write down that a strategy is the champion, with what it was measured beside",
		Long: `promote appends a line to champions.jsonl beside go.mod or .git: the strategy, its revision, its verdict and figures, the
digest of its package, its predecessor and the paired test against it. Commit the file: rein compare --against champion and
expectations with not_above = "last approved" read it. What isn't approved, or was made from files with uncommitted changes,
is refused unless --force gives a reason, which is written down. --rollback makes the predecessor the champion again.

EXIT STATUS
  0  written
  1  refused: not approved, or made from uncommitted changes
  2  the command line or a pipeline file is wrong, or there is nothing to promote`,
		Example: "  rein promote pipelines/hybrid.hcl\n  rein promote pipelines/hybrid.hcl --as canary\n  rein promote --rollback",
		Args: func(c *cobra.Command, args []string) error {
			if f.rollback {
				return cobra.NoArgs(c, args)
			}
			return cobra.ExactArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if f.rollback {
				return a.rollback(c.Context(), f.as)
			}
			return a.promote(c.Context(), args[0], &f)
		},
	}
	f.load.register(c)
	a.complete(c, &f.load)
	c.Flags().StringVar(&f.as, "as", defaultChampion, "promote it under this `NAME`")
	c.Flags().StringVar(&f.force, "force", "", "promote it although it isn't approved or clean, for this `REASON`")
	c.Flags().BoolVar(&f.rollback, "rollback", false, "make the champion's predecessor the champion again")
	must(c.RegisterFlagCompletionFunc("as", completeChampions))
	return c
}

func (a *app) promote(ctx context.Context, file string, f *promoteFlags) error {
	p, err := a.load([]string{file}, &f.load)
	if err != nil {
		return err
	}
	if len(p.Graph.Pipelines) != 1 {
		return configError(fmt.Errorf("%s: name one pipeline file", file))
	}
	store, err := a.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	now, err := a.present(ctx, store, p)
	if err != nil {
		return err
	}
	run, own := ranLast(store, p.Graph.Pipelines[0].Name, now[0])
	if run == nil {
		return configError(fmt.Errorf("%s as it is now was never run: rein run %s", p.Graph.Pipelines[0].Name, file))
	}
	had, err := currentChampion(f.as)
	if err != nil {
		return err
	}
	own.Meta = p.Graph.Pipelines[0].Meta
	line, err := a.measure(ctx, store, run, own, had)
	if err != nil {
		return err
	}
	line.As, line.Forced = f.as, f.force
	if why := line.refused(); why != "" && f.force == "" {
		return &exitError{exitVerdict, fmt.Errorf("%s: %s; --force REASON promotes it all the same", line.Strategy, why)}
	}
	if err := appendChampion(line); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s is the %s: FP rate %s, recall %s\n", line.Strategy, line.As, figureText(line, "fp_rate"), figureText(line, "tp_rate"))
	if line.Test != nil {
		fmt.Fprintf(a.out, "against %s, %s: %s\n", had.Strategy, render.Label(line.Test.Metric), render.Conclusion(line.Test.Conclusion))
	}
	fmt.Fprintf(a.out, "next: git add %s\n", championsFile)
	return nil
}

func figureText(c champion, metric string) string {
	if f, ok := c.Figures[metric]; ok {
		return render.Format(metric, f)
	}
	return "not measured"
}

// refused is the reason why a strategy isn't promoted; "" if it is.
func (c *champion) refused() string {
	switch {
	case c.Verdict != compare.Approve:
		return "its verdict is " + c.Verdict
	case c.Dirty:
		return "it was run from files with uncommitted changes"
	}
	return ""
}

// ranLast is the newest run that made what a pipeline's file describes now; nil if none did.
func ranLast(store *cache.Store, name string, now present) (*record.Run, record.Pipeline) {
	if len(now.pending) > 0 {
		return nil, record.Pipeline{}
	}
	for r := range newestFirst(store) {
		for _, p := range r.Pipelines {
			if p.Name == name && now.changed(p.Steps) == "" {
				return r, p
			}
		}
	}
	return nil, record.Pipeline{}
}

// measure makes a strategy's line: its verdict, its figures, and the test against the present champion.
func (a *app) measure(ctx context.Context, store *cache.Store, run *record.Run, own record.Pipeline, had *champion) (champion, error) {
	line := champion{At: time.Now().UTC().Truncate(time.Second), Strategy: own.Name, File: own.File, Revision: run.Git.Revision, Dirty: run.Git.Dirty, Run: run.ID,
		Figures: map[string]compare.Figure{}}
	in := compare.Input{Pipelines: []record.Pipeline{own}, Blobs: store}
	before := ""
	if had != nil {
		line.Predecessor = had.Run
		if p, err := had.recorded(store); err == nil {
			before = "its predecessor"
			p.Name = before
			in.Pipelines = append(in.Pipelines, p)
		} else {
			fmt.Fprintf(a.err, "note: no test against the predecessor: %v\n", err)
		}
	}
	r, err := compare.Compute(ctx, in)
	if err != nil {
		return line, err
	}
	s := r.Strategy(own.Name)
	line.Verdict = s.Verdict
	for name, f := range s.Measured {
		if runlog.InSummary(name) {
			line.Figures[name] = f
		}
	}
	if before != "" {
		t := cmp.Or(r.TestOf(before, own.Name, compare.Decisive), r.TestOf(own.Name, before, compare.Decisive).Turned())
		if t != nil {
			said := render.NewTest(*t)
			line.Test = &said
		}
	}
	for _, st := range own.Steps {
		if b, ok := st.Outputs["package"]; ok {
			line.Package = b.Digest.String()
		}
	}
	return line, nil
}

// recorded is the champion's pipeline in the record of its run.
func (c *champion) recorded(store *cache.Store) (record.Pipeline, error) {
	r, err := runlog.Read(store, c.Run)
	if errors.Is(err, fs.ErrNotExist) {
		return record.Pipeline{}, fmt.Errorf("the record of run %s, which made %s, is not in this state folder", c.Run, c.Strategy)
	} else if err != nil {
		return record.Pipeline{}, err
	}
	for _, p := range r.Pipelines {
		if p.Name == c.Strategy {
			return p, nil
		}
	}
	return record.Pipeline{}, fmt.Errorf("run %s has no pipeline %s", c.Run, c.Strategy)
}

// championsPath is where the list is.
func championsPath() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return filepath.Join(projectRoot(wd), championsFile), nil
}

// champions reads the list, oldest first.
func champions() ([]champion, error) {
	path, err := championsPath()
	if err != nil {
		return nil, err
	}
	text, err := lang.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var out []champion
	for i, line := range bytes.Split(text, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var c champion
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, configError(fmt.Errorf("%s:%d: not a line of rein promote: %w", path, i+1, err))
		}
		out = append(out, c)
	}
	return out, nil
}

// completeChampions offers the names that have a champion.
func completeChampions(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, _ := champions()
	names := map[string]bool{}
	for _, c := range all {
		names[c.As] = true
	}
	return sortedKeys(names), cobra.ShellCompDirectiveNoFileComp
}

// currentChampion is the newest line of a name; nil without one.
func currentChampion(as string) (*champion, error) {
	all, err := champions()
	if err != nil {
		return nil, err
	}
	return newestAs(all, as), nil
}

// newestAs is the newest line of a name in a list; nil without one.
func newestAs(all []champion, as string) *champion {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].As == as {
			return &all[i]
		}
	}
	return nil
}

func appendChampion(c champion) error {
	path, err := championsPath()
	if err != nil {
		return err
	}
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	text, err := lang.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		line = append([]byte("\n"), line...)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// rollback makes the predecessor of a champion the champion again.
func (a *app) rollback(_ context.Context, as string) error {
	all, err := champions()
	if err != nil {
		return err
	}
	now := newestAs(all, as)
	if now == nil {
		return configError(fmt.Errorf("there is no %s to roll back", as))
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].As == as && all[i].Run == now.Predecessor && now.Predecessor != "" && all[i].Run != now.Run {
			back := all[i]
			back.At, back.Rollback = time.Now().UTC().Truncate(time.Second), true
			if err := appendChampion(back); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s, promoted on %s, is the %s again\nnext: git add %s\n", back.Strategy, all[i].At.Format(time.DateOnly), as, championsFile)
			return nil
		}
	}
	return configError(fmt.Errorf("the %s, %s, has no predecessor", as, now.Strategy))
}

// against is the champion of that name as a column of a comparison.
func (a *app) against(store *cache.Store, as string) (record.Pipeline, error) {
	all, err := champions()
	if err != nil {
		return record.Pipeline{}, err
	}
	c := newestAs(all, as)
	if c == nil {
		var names []string
		for _, x := range all {
			names = append(names, x.As)
		}
		hint := "rein promote FILE makes one"
		if len(names) > 0 {
			hint = "promoted so far: " + strings.Join(names, ", ")
		}
		return record.Pipeline{}, configError(fmt.Errorf("there is no %s; %s", as, hint))
	}
	p, err := c.recorded(store)
	if err != nil {
		return p, configError(err)
	}
	p.Name = as
	p.Title = fmt.Sprintf("%s of %s", c.Strategy, c.At.Format(time.DateOnly))
	return p, nil
}

// approvedFigures are the champion's figures, for expectations that must not get worse than the last approved ones.
func approvedFigures() map[string]float64 {
	c, err := currentChampion(defaultChampion)
	if err != nil || c == nil {
		return nil
	}
	out := map[string]float64{}
	for name, f := range c.Figures {
		out[name] = f.Value
	}
	return out
}
