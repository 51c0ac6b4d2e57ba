package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every command of ours says how it is called, by example, and what its exit statuses mean, in this order.
func TestEveryCommandHasExamplesAndExitStatus(t *testing.T) {
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Name() != "help" && sub.Name() != "completion" {
				check(sub)
			}
		}
		c.InitDefaultHelpFlag()
		var b bytes.Buffer
		printHelp(&b, c, 0)
		at := -1
		for _, want := range []string{"\nUsage:\n  rein", "\nExamples:\n  ", "\nFlags:\n", "\nExit status:\n  "} {
			if c.HasSubCommands() && c.HasParent() && !strings.Contains(want, "Usage") {
				continue // its commands have them
			}
			i := strings.Index(b.String(), want)
			if i <= at {
				t.Errorf("%s: no %q where it belongs in\n%s", c.CommandPath(), strings.TrimSpace(want), b.String())
			}
			at = i
		}
	}
	check(newRoot(streams{strings.NewReader(""), io.Discard, io.Discard}))
}

// On a terminal nothing but commands to copy is wider than it, and no word is cut.
func TestHelpFitsTheTerminal(t *testing.T) {
	whole := func(c *cobra.Command, width int) string {
		var b bytes.Buffer
		printHelp(&b, c, width)
		return b.String()
	}
	words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			check(sub)
		}
		c.InitDefaultHelpFlag()
		c.Example = ""
		for _, width := range []int{60, 80, 120} {
			text := whole(c, width)
			if words(text) != words(whole(c, 0)) {
				t.Errorf("%s, %d columns: other words than without a terminal\n%s", c.CommandPath(), width, text)
			}
			for l := range strings.Lines(text) {
				if l = strings.TrimSuffix(l, "\n"); len(l) > width && !strings.HasPrefix(l, "  rein ") && !strings.HasPrefix(l, "  git ") {
					t.Errorf("%s: %d columns on a terminal of %d: %s", c.CommandPath(), len(l), width, l)
				}
			}
		}
	}
	check(newRoot(streams{strings.NewReader(""), io.Discard, io.Discard}))
}

// A flag's value has a name, not a type of Go's.
func TestFlagsNameTheirValues(t *testing.T) {
	types := []string{"string", "strings", "stringArray", "int", "float", "duration", "stringToString"}
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			check(sub)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if name, _ := pflag.UnquoteUsage(f); slices.Contains(types, name) {
				t.Errorf("%s --%s %s", c.CommandPath(), f.Name, name)
			}
		})
	}
	check(newRoot(streams{strings.NewReader(""), io.Discard, io.Discard}))
}
