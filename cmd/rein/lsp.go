package main

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"rein/cache"
	"rein/cmd/rein/internal/lsp"
	"rein/engine"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/human"
	"rein/pipelines/lang"
	"rein/steps/all"
)

func (a *app) lspCmd() *cobra.Command {
	var l loadFlags
	c := &cobra.Command{
		Use:   "lsp",
		Short: "Answer an editor: a language server on standard input and output",
		Long: `lsp is a language server (LSP 3.17): diagnostics as validate has them, completion, hover, definitions, references and
renaming across extends, symbols, formatting, folding, semantic tokens, quick fixes, and what the cache knows of each step. An
editor starts it; docs/editor.md has the settings for some. It never runs a step.

EXIT STATUS
  0  the editor ended the session
  3  the editor went away without ending it`,
		Example: "  rein lsp",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			debug.SetGCPercent(400) // each edit loads a program; fewer collections make answers faster
			return lsp.Serve(c.Context(), stdio{a.in, a.out}, lsp.Config{
				Version: buildVersion(),
				Log:     a.err,
				Status:  a.statuses, StatusDelay: statusDelay,
				Options: func(root string) lang.Options {
					return lang.Options{Types: all.Types, Vars: l.vars, VarFiles: l.varFiles, Project: projectFileIn(root)}
				},
			})
		},
	}
	l.register(c)
	c.Flags().Bool("stdio", true, "for editors that say so; there is no other way")
	must(c.Flags().MarkHidden("stdio"))
	return c
}

// statusDelay is how long a user must pause before the store is asked, because a plan hashes changed files.
const statusDelay = 300 * time.Millisecond

// statuses are the planned states of a program's steps, and the results that the store has. It writes nothing.
func (a *app) statuses(ctx context.Context, root string, p *lang.Program) (lsp.Statuses, error) {
	dir, err := a.stateDirFor(root)
	if err != nil {
		return nil, err
	}
	store, err := cache.Open(dir, cache.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	o := a.engineOptions(store)
	if err := a.useExecutors(&o, p, "", nil); err != nil {
		return nil, err
	}
	f, err := engine.Plan(ctx, p.Graph, o)
	if err != nil {
		return nil, err
	}
	out := lsp.Statuses{}
	for _, pipe := range f.Pipelines {
		for _, s := range pipe.Steps {
			x := lsp.Status{Plan: s}
			if action, err := cache.ParseDigest(s.ActionID); err == nil && s.Status == engine.PlanCached {
				if e, err := store.Get(ctx, action); err == nil {
					x.Made, x.Took, x.Figures = e.Result.Made, human.Duration(time.Duration(e.Result.RunMS)*time.Millisecond), metricsText(e.Result)
					if f, ok := compare.FiguresOf(e.Result.Metrics)[headline]; ok {
						x.Headline = render.Label(headline) + " " + render.Format(headline, f)
					}
				}
			}
			out[s.Name] = x
		}
	}
	return out, nil
}

// headline is the metric that is shown above a step that measures it.
const headline = "fp_rate"

// stdio is both streams as one.
type stdio struct {
	io.Reader
	io.Writer
}

// Close implements io.Closer.
func (s stdio) Close() error {
	var errs []error
	for _, x := range []any{s.Reader, s.Writer} {
		if c, ok := x.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
