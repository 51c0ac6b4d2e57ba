package main

import (
	"cmp"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

// commands are all commands, in the order of the help.
func (a *app) commands() []*cobra.Command {
	var all []*cobra.Command
	in := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
		}
		all = append(all, commands...)
	}
	in(groupWork, a.planCmd(), a.runCmd(), a.compareCmd(), a.watchCmd(), a.whyCmd(), a.diffCmd(), a.bisectCmd(), a.promoteCmd())
	in(groupLook, a.logCmd(), a.showCmd(), a.getCmd(), a.scoreCmd(), a.calibrateCmd(), a.reviewCmd(), a.uiCmd())
	in(groupFiles, a.initCmd(), a.validateCmd(), a.testCmd(), a.fmtCmd(), a.graphCmd(), a.stepsCmd(), a.lspCmd())
	in(groupHouse, a.cacheCmd(), a.doctorCmd(), a.versionCmd(), a.manCmd(), a.stepCmd())
	return all
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
