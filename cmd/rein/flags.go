package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
)

// loadFlags are the flags of everything that reads pipeline files.
type loadFlags struct {
	vars     []string // k=v
	varFiles []string
}

func (l *loadFlags) register(c *cobra.Command) {
	c.Flags().StringArrayVar(&l.vars, "var", nil, "set a variable: `NAME=VALUE`; may be given several times")
	c.Flags().StringArrayVar(&l.varFiles, "var-file", nil, "read variables from a .hcl or .json `FILE`")
}

// notNegative refuses a count below 0: it would be taken for "all" without a word.
func notNegative(flag string, n int) error {
	if n < 0 {
		return configError(fmt.Errorf("%s %d: want 0 or more", flag, n))
	}
	return nil
}

// formatFor is the format that a flag names or, without it, the one that the ending of the file to write stands for.
func formatFor(c *cobra.Command, format, out string, endings map[string]string) string {
	if f := endings[filepath.Ext(out)]; f != "" && !c.Flags().Changed("format") {
		return f
	}
	return format
}
