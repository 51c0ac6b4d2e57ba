package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rein/cache"
	"rein/engine"
	"rein/engine/record"
	"rein/pipelines"
	"rein/pipelines/compare/diff"
	"rein/pipelines/compare/render"
	"rein/pipelines/lang"
	"rein/steps/all"
)

// diffFlags say what is read and how it is shown.
type diffFlags struct {
	load    loadFlags
	driver  bool
	details bool
}

func (a *app) diffCmd() *cobra.Command {
	var f diffFlags
	c := &cobra.Command{
		Use:   "diff A.hcl B.hcl | REV [REV] FILE | REV..REV FILE",
		Short: "Tell two strategies apart, or one at two git revisions: configuration, data, results",
		Long: `diff compares two strategies on three levels: what their files say after inheritance, the rows their steps made, and
what they measured, with paired tests. It also says which steps the change re-runs. It writes nothing and runs nothing:
what was never made isn't compared. At two revisions the pipeline files are read from git, the data as it is now. One
revision alone, or an empty one (main..), is compared with the working tree; A...B starts where A and B parted.

With --git it is a diff driver for git, which calls it with its own seven arguments; files that the changed one extends are
read from the working tree:

  git config diff.rein.command "rein diff --git"
  echo "pipelines/*.hcl diff=rein" >> .gitattributes

and so a tool for git difftool -t rein:

  git config difftool.rein.cmd 'rein diff --git "$MERGED" "$LOCAL" . . "$REMOTE" . .'

EXIT STATUS
  0  compared, whether they differ or not
  2  the command line, a revision or a pipeline file is wrong`,
		Example: "  rein diff pipelines/balanced.hcl pipelines/hybrid.hcl\n  rein diff main pipelines/hybrid.hcl\n  rein diff HEAD~1..HEAD pipelines/hybrid.hcl --json",
		Args: func(c *cobra.Command, args []string) error {
			if f.driver {
				return cobra.RangeArgs(7, 9)(c, args)
			}
			return cobra.RangeArgs(2, 3)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if f.driver {
				return a.diffForGit(c.Context(), args, &f)
			}
			return a.diff(c.Context(), args, &f)
		},
	}
	f.load.register(c)
	a.completeRevisions(c, &f.load, 2)
	c.Flags().BoolVar(&f.details, "details", false, "all figures that differ, and all shares of rows that moved")
	c.Flags().BoolVar(&f.driver, "git", false, "be git's diff driver: PATH OLD-FILE OLD-HEX OLD-MODE NEW-FILE NEW-HEX NEW-MODE")
	c.Flags().BoolVar(&a.json, "json", false, "as JSON")
	return c
}

func (a *app) diff(ctx context.Context, args []string, f *diffFlags) error {
	before, after, err := diffed(ctx, args)
	if err != nil {
		return err
	}
	return a.diffSides(ctx, f, before, after)
}

// diffed reads arguments in the forms of git diff: two files; REV FILE against the working tree; REV REV FILE; REV..REV FILE; and REV...REV
// FILE, which starts from the merge base.
func diffed(ctx context.Context, args []string) (before, after revised, err error) {
	file := args[len(args)-1]
	first, second, isRange := strings.Cut(args[0], "..")
	switch {
	case len(args) == 3 && (isRange || isPipelinePath(args[0])):
		return before, after, configError(fmt.Errorf("want two files, or REV REV FILE; got %s", strings.Join(args, " ")))
	case len(args) == 3:
		return revised{rev: args[0], file: file}, revised{rev: args[1], file: file}, nil
	case isPipelinePath(args[0]):
		return revised{file: args[0]}, revised{file: file}, nil
	case !isRange:
		return revised{rev: args[0], file: file}, revised{file: file}, nil
	}
	if since, ok := strings.CutPrefix(second, "."); ok {
		second = since
		base, err := git(ctx, ".", "merge-base", "--end-of-options", cmp.Or(first, "HEAD"), cmp.Or(second, "HEAD"))
		if err != nil {
			return before, after, configError(fmt.Errorf("%s: no revision that both come from was found: %w", args[0], err))
		}
		first = strings.TrimSpace(base)
	}
	return revised{rev: first, file: file}, revised{rev: second, file: file}, nil
}

// diffForGit compares what git passes to a diff driver: a path, and files with its two versions. If they can't be compared, it says so and
// doesn't fail, because git would skip all other files.
func (a *app) diffForGit(ctx context.Context, args []string, f *diffFlags) error {
	path, before, after := args[0], args[1], args[4]
	switch {
	case before == os.DevNull:
		fmt.Fprintf(a.out, "%s is new\n", path)
		return nil
	case after == os.DevNull:
		fmt.Fprintf(a.out, "%s is gone\n", path)
		return nil
	}
	err := a.diffSides(ctx, f, revised{"old", path, before}, revised{"new", path, after})
	if ctx.Err() == nil && err != nil {
		fmt.Fprintf(a.out, "%s can't be compared: %v\n", path, err)
		return nil
	}
	return err
}

// revised is a file at a git revision, or in a copy that git made; if both are empty, in the working tree.
type revised struct{ rev, file, copy string }

func (r revised) String() string {
	if r.rev == "" {
		return r.file
	}
	return r.rev + ":" + r.file
}

func (a *app) diffSides(ctx context.Context, f *diffFlags, before, after revised) error {
	store, err := a.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	in := diff.Input{Blobs: store, Scorers: openScorer}
	if in.A, _, err = a.side(ctx, &f.load, store, before); err != nil {
		return err
	}
	if in.B, in.Rerun, err = a.side(ctx, &f.load, store, after); err != nil {
		return err
	}
	r, err := diff.Compute(ctx, in)
	if err != nil {
		return err
	}
	if a.json {
		return render.DiffJSON(a.out, r)
	}
	_, width := isTerminal(a.out)
	return render.Diff(a.out, r, render.Options{Width: width, Color: a.color(a.out), Brief: !f.details})
}

// side loads one side: the content of its file, and the results that the store has for its keys.
func (a *app) side(ctx context.Context, l *loadFlags, store *cache.Store, r revised) (diff.Side, []diff.Rerun, error) {
	s := diff.Side{Label: r.String()}
	p, err := a.loadRevision(ctx, l, r)
	if err != nil {
		return s, nil, err
	}
	if s.Config, err = json.Marshal(p.Pipelines[0].Resolve()); err != nil {
		return s, nil, err
	}
	forecast, err := engine.Plan(ctx, p.Graph, a.engineOptions(store))
	if err != nil {
		return s, nil, err
	}
	pipe := p.Graph.Pipelines[0]
	s.Pipeline = record.Pipeline{Name: pipe.Name, Title: pipe.Title, File: pipe.File, Meta: pipe.Meta}
	rerun := []diff.Rerun{}
	for _, step := range forecast.Pipelines[0].Steps {
		switch step.Status {
		case engine.PlanRun, engine.PlanUnknown:
			rerun = append(rerun, diff.Rerun{Step: step.Name, Reasons: step.Reasons, MS: step.ForecastMS})
		case engine.PlanCached:
			rec, err := storedStep(ctx, store, pipe, step)
			if err != nil {
				return s, nil, err
			}
			if rec != nil {
				s.Pipeline.Steps = append(s.Pipeline.Steps, *rec)
			}
		}
	}
	return s, rerun, nil
}

// loadRevision loads one file, from git if a revision is named.
func (a *app) loadRevision(ctx context.Context, l *loadFlags, r revised) (*lang.Program, error) {
	o := lang.Options{Context: ctx, Types: all.Types, Vars: l.vars, VarFiles: l.varFiles}
	if r.rev == "" && a.shipped([]string{r.file}) {
		o.FS = embedded{pipelines.FS}
	}
	file := r.file
	if r.rev != "" {
		files, root, err := r.files(ctx)
		if err != nil {
			return nil, configError(err)
		}
		abs, err := filepath.Abs(r.file)
		if err != nil {
			return nil, err
		}
		rel, err := filepath.Rel(root, abs)
		if err != nil {
			return nil, err
		}
		file = filepath.ToSlash(rel)
		if _, err := fs.Stat(files, file); err != nil {
			return nil, configError(fmt.Errorf("%s has no %s", r.rev, file))
		}
		o.FS, o.Root = files, root
	}
	p, diags := lang.Load([]string{file}, o)
	if err := a.report(p, diags); err != nil {
		return nil, err
	}
	if len(p.Graph.Pipelines) != 1 {
		return nil, configError(fmt.Errorf("%s: name one pipeline file; this is %d pipelines", r, len(p.Graph.Pipelines)))
	}
	return p, nil
}
