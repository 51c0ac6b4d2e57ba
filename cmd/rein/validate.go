package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"rein/pipelines/human"
	"rein/pipelines/lang"
)

func (a *app) validateCmd() *cobra.Command {
	var l loadFlags
	c := &cobra.Command{
		Use:   "validate [FILE|DIR]...",
		Short: "Check pipeline files without running anything",
		Long: `validate reads pipeline files and reports all that is wrong with them at once.

EXIT STATUS
  0  valid
  2  something is wrong`,
		Example: "  rein validate pipelines\n  rein validate --json",
		RunE: func(_ *cobra.Command, args []string) error {
			if a.json {
				return a.validateJSON(args, &l)
			}
			p, diags := lang.Load(a.targets(args), a.langOptions(args, &l))
			if err := a.report(p, diags); err != nil {
				return err
			}
			if len(p.Graph.Pipelines) == 0 && (len(args) != 1 || filepath.Base(args[0]) != lang.ProjectFile) {
				return noPipelines(a.targets(args))
			}
			steps := 0
			for _, pipe := range p.Graph.Pipelines {
				steps += len(pipe.Nodes)
			}
			fmt.Fprintf(a.out, "valid: %s, %s\n", human.Many(len(p.Graph.Pipelines), "pipeline"), human.Many(steps, "step"))
			return nil
		},
	}
	l.register(c)
	a.complete(c, &l)
	c.Flags().BoolVar(&a.json, "json", false, "diagnostics as JSON")
	return c
}

func (a *app) validateJSON(args []string, l *loadFlags) error {
	p, diags := lang.Load(a.targets(args), a.langOptions(args, l))
	errors := 0
	described := lang.Describe(p.Sources, diags)
	for _, d := range described {
		if d.Severity == "error" {
			errors++
		}
	}
	if err := writeJSON(a.out, struct {
		Valid       bool              `json:"valid"`
		ErrorCount  int               `json:"error_count"`
		Diagnostics []lang.Diagnostic `json:"diagnostics"`
	}{errors == 0, errors, described}); err != nil {
		return err
	}
	if errors > 0 {
		return &exitError{exitConfig, nil}
	}
	return nil
}
