package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rein/pipelines/human"
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

// printHelp writes a command's help: what it does, how it is called, examples, flags, exit statuses, in this order. width is the
// terminal's; 0: none. Examples stay on one line each, to be copied.
func printHelp(w io.Writer, c *cobra.Command, width int) {
	text, status, _ := strings.Cut(c.Long, exitHeading)
	if text == "" {
		text = c.Short
	}
	fmt.Fprintf(w, "%s\n\nUsage:\n  %s\n", fitted(strings.TrimSpace(text), width), usageLine(c))
	if c.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", c.Example)
	}
	printCommands(w, c, width)
	printFlags(w, "Flags", c.NonInheritedFlags(), width)
	printFlags(w, "Flags of all commands", c.InheritedFlags(), width)
	if status != "" {
		fmt.Fprintf(w, "\nExit status:\n%s\n", fitted(status, width))
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

// fitted is a text in lines that fit a width: paragraphs are filled, lines of a list are broken each by itself.
func fitted(text string, width int) string {
	var out []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		lines := strings.Split(paragraph, "\n")
		wide := slices.ContainsFunc(lines, func(l string) bool { return runewidth.StringWidth(l) > width })
		if width > 0 && wide && !laidOut(paragraph) {
			lines = []string{strings.Join(lines, " ")}
		}
		for i, l := range lines {
			if width > 0 {
				lines[i] = strings.Join(human.Wrap(l, width, hanging(l)), "\n")
			}
		}
		out = append(out, strings.Join(lines, "\n"))
	}
	return strings.Join(out, "\n\n")
}

// say prints prose, broken between words on a terminal.
func (a *app) say(format string, args ...any) {
	_, width := isTerminal(a.out)
	fmt.Fprintln(a.out, fitted(fmt.Sprintf(format, args...), width))
}

// laidOut tells whether a paragraph's lines stay as they are: those of a list, or of commands.
func laidOut(paragraph string) bool {
	return strings.HasPrefix(paragraph, " ") || strings.Contains(paragraph, "\n ")
}

// hanging is the indentation of what a line of a list says: that of the text after its first word. Other lines have none.
func hanging(l string) string {
	if at := inList().FindString(l); at != "" {
		return strings.Repeat(" ", len(at))
	}
	return ""
}

var inList = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^ +\S+  +`) })

func printCommands(w io.Writer, c *cobra.Command, width int) {
	if !c.HasAvailableSubCommands() {
		return
	}
	t := &human.Table{Width: width} // one for all groups, so that their columns have equal widths
	list := func(title, group string) {
		t.Line(nil, "")
		t.Line(nil, title+":")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() && sub.GroupID == group {
				t.Row("  "+sub.Name(), sub.Short)
			}
		}
	}
	for _, g := range c.Groups() {
		list(g.Title, g.ID)
	}
	if len(c.Groups()) == 0 {
		list("Commands", "")
	}
	_ = t.Write(w)
}

func printFlags(w io.Writer, title string, flags *pflag.FlagSet, width int) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(w, "\n%s:\n%s", title, flags.FlagUsagesWrapped(width))
	}
}
