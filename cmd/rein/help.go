package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The groups in which rein --help lists the commands.
const (
	groupWork   = "work"
	groupLook   = "look"
	groupFiles  = "files"
	groupHouse  = "house"
	exitHeading = "\n\nEXIT STATUS\n" // ends each command's long text
)

var groups = []*cobra.Group{
	{ID: groupWork, Title: "Plan, run, compare"},
	{ID: groupLook, Title: "Look at results"},
	{ID: groupFiles, Title: "Pipeline files"},
	{ID: groupHouse, Title: "Housekeeping"},
}

// printHelp writes a command's help: what it does, how it is called, examples, flags, exit statuses, in this order.
func printHelp(w io.Writer, c *cobra.Command) {
	text, status, _ := strings.Cut(c.Long, exitHeading)
	if text == "" {
		text = c.Short
	}
	fmt.Fprintf(w, "%s\n\nUsage:\n  %s\n", strings.TrimSpace(text), usageLine(c))
	if c.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", c.Example)
	}
	printCommands(w, c)
	printFlags(w, "Flags", c.NonInheritedFlags())
	printFlags(w, "Flags of all commands", c.InheritedFlags())
	if status != "" {
		fmt.Fprintf(w, "\nExit status:\n%s\n", status)
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n%s COMMAND --help says more.\n", c.CommandPath())
	}
}

// usageLine is a command's syntax. A command that only has subcommands takes no flags of its own.
func usageLine(c *cobra.Command) string {
	switch {
	case !c.HasParent():
		return c.Use
	case c.HasAvailableSubCommands():
		return c.CommandPath() + " COMMAND"
	}
	return c.UseLine()
}

func printCommands(w io.Writer, c *cobra.Command) {
	if !c.HasAvailableSubCommands() {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) // one for all groups, so that their columns have equal widths
	list := func(title, group string) {
		fmt.Fprintf(t, "\n%s:\n", title)
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() && sub.GroupID == group {
				fmt.Fprintf(t, "  %s\t%s\n", sub.Name(), sub.Short)
			}
		}
	}
	for _, g := range c.Groups() {
		list(g.Title, g.ID)
	}
	if len(c.Groups()) == 0 {
		list("Commands", "")
	}
	_ = t.Flush()
}

func printFlags(w io.Writer, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(w, "\n%s:\n%s", title, flags.FlagUsages())
	}
}
