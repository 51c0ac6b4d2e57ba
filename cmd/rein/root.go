package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"rein/cmd/rein/internal/view"
)

// app is what all commands share: the streams and the flags that mean the same everywhere.
type app struct {
	streams
	state   string // --state
	noColor bool
	json    bool
	quiet   bool
	live    *view.TTY // the live view of a run, if there is one
}

// newRoot makes the command tree. Nothing runs before Execute.
func newRoot(s streams) *cobra.Command {
	a := &app{streams: s}
	root := &cobra.Command{
		Use:   "rein COMMAND [FILE|DIR]...",
		Short: "Run, plan and compare pipelines that rein in a classifier's false positives",
		Long: `rein runs pipelines written in HCL: what they sample, augment, train and evaluate.
Results are kept by the content of their inputs, so only what changed runs again.

EXIT STATUS
  0    fine
  1    a verdict: an assertion, a gate, a binding expectation said no
  2    the command line or a pipeline file is wrong
  3    a fault: a step failed, the disk is full
  130  interrupted; what was finished is kept`,
		Example: `  rein compare pipelines
  rein plan pipelines/hybrid.hcl
  rein run pipelines/hybrid.hcl --var variations=10`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				return fmt.Errorf("unknown command %q; did you mean %s?", args[0], strings.Join(near, " or "))
			}
			return fmt.Errorf("unknown command %q", args[0])
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SuggestionsMinimumDistance = 2
	f := root.PersistentFlags()
	f.StringVar(&a.state, "state", "", "state folder (default .rein beside go.mod or .git; also REIN_STATE)")
	f.BoolVar(&a.noColor, "no-color", false, "no colours (also NO_COLOR)")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return configError(fmt.Errorf("%w; see %s --help", err, c.CommandPath()))
	})
	root.AddCommand(a.commands()...)
	wrapArgs(root)
	return root
}

// wrapArgs makes every complaint about arguments a configuration error, in subcommands too.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			if err == nil {
				return nil
			}
			if _, wanted, ok := strings.Cut(c.Use, " "); ok && c.HasParent() { // a count says little
				err = fmt.Errorf("want %s %s, got %d arguments", c.CommandPath(), wanted, len(args))
			}
			return configError(fmt.Errorf("%w; see %s --help", err, c.CommandPath()))
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}

func printError(w io.Writer, msg string) {
	fmt.Fprintf(w, "error: %s\n", strings.TrimRight(msg, "\n"))
}

// isTerminal tells whether w is a terminal, and its width in columns (0: not known).
func isTerminal(w io.Writer) (bool, int) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 0
	}
	return true, width
}

// color tells whether to colour what goes to w.
func (a *app) color(w io.Writer) bool {
	if a.noColor || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	tty, _ := isTerminal(w)
	return tty
}
