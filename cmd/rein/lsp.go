package main

import (
	"errors"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"rein/cmd/rein/internal/lsp"
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
			debug.SetGCPercent(400) // a program is loaded for each edit: less collecting, quicker answers
			types := all.Types()
			return lsp.Serve(c.Context(), stdio{a.in, a.out}, lsp.Config{
				Version: buildVersion(),
				Log:     a.err,
				Options: func(root string) lang.Options {
					return lang.Options{Types: types, Vars: l.vars, VarFiles: l.varFiles, Project: projectFileIn(root)}
				},
			})
		},
	}
	l.register(c)
	c.Flags().Bool("stdio", true, "for editors that say so; there is no other way")
	must(c.Flags().MarkHidden("stdio"))
	return c
}

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
