package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rein/engine"
	"rein/pipelines/lang/draw"
)

func (a *app) graphCmd() *cobra.Command {
	var l loadFlags
	var format, out string
	draws := map[string]func(io.Writer, *engine.Graph) error{"dot": draw.Dot, "mermaid": draw.Mermaid, "svg": draw.SVG}
	c := &cobra.Command{
		Use:   "graph [FILE|DIR]...",
		Short: "Draw pipelines as dot, Mermaid or SVG",
		Long: `graph draws the steps and what flows between them.

EXIT STATUS
  0  drawn
  2  the command line or a pipeline file is wrong`,
		Example: "  rein graph --out hybrid.svg pipelines/hybrid.hcl\n  rein graph --format mermaid pipelines/hybrid.hcl",
		RunE: func(c *cobra.Command, args []string) error {
			format, err := formatFor(c, format, out, map[string]string{".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid"})
			if err != nil {
				return err
			}
			to, ok := draws[format]
			if !ok {
				return configError(fmt.Errorf("--format %q: want dot, mermaid or svg", format))
			}
			p, err := a.load(args, &l)
			if err != nil {
				return err
			}
			return a.writeOut(out, func(w io.Writer) error { return to(w, p.Graph) })
		},
	}
	l.register(c)
	a.complete(c, &l)
	c.Flags().StringVar(&format, "format", "dot", "`FORMAT`: dot, mermaid or svg; without it the ending of --out says")
	c.Flags().StringVarP(&out, "out", "o", "", "write to this `FILE`")
	must(c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"dot", "mermaid", "svg"}, cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// writeOut writes a file atomically or, if path is "" or "-", to the output stream.
func (a *app) writeOut(path string, write func(io.Writer) error) error {
	if path == "" || path == "-" {
		return write(a.out)
	}
	return replaceFile(path, write)
}
