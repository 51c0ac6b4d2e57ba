package main

import (
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
