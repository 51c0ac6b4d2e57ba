package main

import (
	"fmt"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"rein/pipelines/human"
	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
)

func (a *app) validateCmd() *cobra.Command {
	var l loadFlags
	c := &cobra.Command{
		Use:   "validate [FILE|DIR]...",
		Short: "Check pipeline files without running anything",
		Long: `validate reads pipeline files and reports all that is wrong with them at once: what can't be read or doesn't fit, data
that isn't there, and models that would be reported on rows that they are made with. It executes nothing.

EXIT STATUS
  0  valid
  1  leakage: a model would be reported on rows that it is made with
  2  something is wrong`,
		Example: "  rein validate pipelines\n  rein validate --json",
		RunE: func(c *cobra.Command, args []string) error {
			p, diags := lang.Load(a.targets(args), a.langOptions(args, &l))
			if !diags.HasErrors() {
				diags = append(diags, p.CheckPaths()...)
			}
			var leaks error
			if !diags.HasErrors() {
				leaks = leakage(c.Context(), p)
			}
			if a.json {
				return a.validateJSON(p, diags, leaks)
			}
			if err := a.report(p, diags); err != nil {
				return err
			}
			if leaks != nil {
				return leaks
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

func (a *app) validateJSON(p *lang.Program, diags hcl.Diagnostics, leaks error) error {
	errors := 0
	described := diag.Describe(p.Sources, diags)
	for _, d := range described {
		if d.Severity == "error" {
			errors++
		}
	}
	if leaks != nil {
		described = append(described, diag.Diagnostic{Severity: "error", Summary: "Leakage", Detail: leaks.Error()})
		errors++
	}
	if err := writeJSON(a.out, struct {
		Valid       bool              `json:"valid"`
		ErrorCount  int               `json:"error_count"`
		Diagnostics []diag.Diagnostic `json:"diagnostics"`
	}{errors == 0, errors, described}); err != nil {
		return err
	}
	switch {
	case leaks != nil:
		return &exitError{exitStatus(leaks), nil}
	case errors > 0:
		return &exitError{exitConfig, nil}
	}
	return nil
}
