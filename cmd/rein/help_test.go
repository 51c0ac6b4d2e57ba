package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
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
		printHelp(&b, c)
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
