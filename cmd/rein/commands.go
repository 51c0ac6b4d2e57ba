package main

import (
	"cmp"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

// commands are all commands, in the order of the help.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.compareCmd(), a.runCmd(), a.planCmd(), a.whyCmd(), a.diffCmd(), a.watchCmd(),
		a.showCmd(), a.logCmd(), a.getCmd(), a.scoreCmd(), a.reviewCmd(),
		a.validateCmd(), a.fmtCmd(), a.graphCmd(), a.stepsCmd(), a.initCmd(),
		a.cacheCmd(), a.doctorCmd(), a.versionCmd(), a.manCmd(), a.stepCmd(),
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
