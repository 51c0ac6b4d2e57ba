package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (a *app) manCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write man pages, for packagers",
		Long: `man writes a man page of each command into DIR, which it makes.

EXIT STATUS
  0  written
  3  DIR can't be written`,
		Hidden:  true,
		Example: "  rein man /usr/local/share/man/man1",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			c.Root().DisableAutoGenTag = true // the same text gives the same pages
			if err := doc.GenManTree(c.Root(), &doc.GenManHeader{Title: "REIN", Section: "1", Source: "rein"}, args[0]); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "wrote man pages to %s\n", args[0])
			return nil
		},
	}
}
