package main

import (
	"os"

	"github.com/spf13/cobra"

	"rein/cmd/rein/internal/view"
	"rein/engine"
	"rein/steps"
	"rein/steps/all"
)

// childCommand is how this program executes a work order in a process of its own.
func childCommand() []string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return []string{self, "step", "run"}
}

func (a *app) stepCmd() *cobra.Command {
	c := &cobra.Command{
		Use:    "step",
		Short:  "Execute single steps (for executors)",
		Hidden: true,
	}
	c.AddCommand(&cobra.Command{
		Use:   "run ORDER",
		Short: "Execute a work order",
		Long: `run executes one step from its work order: type, version, configuration, input files, output paths.
Events go to the output stream, one JSON object a line.

EXIT STATUS
  0    the step's outputs are written
  1    the step said no
  3    the step failed`,
		Example: "  rein step run .rein/scratch/1f3a/order.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			v := &lockedView{v: view.NewJSON(a.out)}
			return engine.ExecuteOrder(c.Context(), args[0], steps.Resolver(all.Types()), v.Event)
		},
	})
	return c
}
