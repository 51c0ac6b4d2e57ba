package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rein/pipelines/compare/render"
	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/manual"
	"rein/steps"
	"rein/steps/all"
	"rein/steps/metric"
)

func (a *app) stepsCmd() *cobra.Command {
	var reference, metrics bool
	c := &cobra.Command{
		Use:   "steps [TYPE]",
		Short: "List the step types, or show one: arguments, ports, an example",
		Long: `steps lists the step types. With a TYPE it prints its arguments with types and defaults, its ports and an example.

EXIT STATUS
  0  printed
  2  there is no such type`,
		Example: "  rein steps\n  rein steps augment\n  rein steps --json",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return typeNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			types := all.Types()
			switch {
			case reference:
				fmt.Fprint(a.out, manual.Reference(types, lang.Functions()))
				return nil
			case metrics:
				fmt.Fprint(a.out, metric.Reference(render.Printed))
				return nil
			}
			if len(args) == 1 {
				t := stepType(types, args[0])
				if t == nil {
					if near := diag.Nearest(args[0], typeNames()); near != "" {
						return configError(fmt.Errorf("there is no step type %q; did you mean %s?", args[0], near))
					}
					return configError(fmt.Errorf("there is no step type %q; there are %s", args[0], strings.Join(typeNames(), ", ")))
				}
				types = []*steps.Type{t}
			}
			return a.printSteps(types, len(args) == 1)
		},
	}
	c.Flags().BoolVar(&a.json, "json", false, "schemas as JSON")
	c.Flags().BoolVar(&metrics, "metrics", false, "all metrics as Markdown: names, units, meanings, formulas")
	c.Flags().BoolVar(&reference, "reference", false, "the whole language reference as Markdown")
	return c
}

func (a *app) printSteps(types []*steps.Type, one bool) error {
	if a.json {
		schemas := []manual.StepSchema{}
		for _, t := range types {
			schemas = append(schemas, manual.SchemaOf(t))
		}
		return writeJSON(a.out, schemas)
	}
	if one {
		_, width := isTerminal(a.out)
		fmt.Fprint(a.out, manual.Text(types[0], width))
		return nil
	}
	t := a.table(a.out)
	for _, typ := range types {
		t.Row(typ.Name, typ.Doc)
	}
	return t.Write(a.out)
}

func stepType(types []*steps.Type, name string) *steps.Type {
	for _, t := range types {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func typeNames() []string {
	var names []string
	for _, t := range all.Types() {
		names = append(names, t.Name)
	}
	return names
}
