package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rein/cmd/rein/internal/view"
	"rein/pipelines/human"
	"rein/pipelines/lang/diag"
)

// app is what all commands share: the streams and the flags that mean the same everywhere.
type app struct {
	streams
	ctx     context.Context // context of the running command; nil before
	state   string          // --state
	noColor bool
	json    bool
	quiet   bool
	live    *view.TTY // the live view of a run, if there is one
}

// newRoot makes the command tree. Nothing runs before Execute.
func newRoot(s streams) *cobra.Command {
	a := &app{streams: s}
	root := &cobra.Command{
		Use:   "rein COMMAND [FILE|DIR]... [flags]",
		Short: "Run, plan and compare pipelines that rein in a classifier's false positives",
		Long: `rein runs pipelines written in HCL: what they sample, augment, train and evaluate.
Results are kept by the content of their inputs, so only what changed runs again.

EXIT STATUS
  0    fine
  1    a verdict: an assertion, a gate, a binding expectation said no
  2    the command line or a pipeline file is wrong
  3    a fault: a step failed, the disk is full
  4    plan --exit-code: there is something to do
  130  interrupted; what was finished is kept`,
		Example: `  rein compare pipelines
  rein plan pipelines/hybrid.hcl
  rein run pipelines/hybrid.hcl --var variations=10`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          oneOfItsCommands,
		RunE: func(c *cobra.Command, _ []string) error {
			if version, err := c.Flags().GetBool("version"); err != nil || !version {
				return errors.Join(err, c.Help())
			}
			_, err := fmt.Fprintln(s.out, "rein", buildVersion())
			return err
		},
	}
	root.PersistentPreRun = func(c *cobra.Command, _ []string) {
		a.ctx = c.Context()
		a.plainOutput(c)
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		_, width := isTerminal(s.out)
		printHelp(s.out, c, width)
	})
	cobra.EnableCommandSorting = false // commands are listed in the order in which they are added
	root.AddGroup(groups...)
	f := root.PersistentFlags()
	f.StringVar(&a.state, "state", "", "state folder, `DIR` (default .rein beside go.mod or .git; also REIN_STATE)")
	f.BoolVar(&a.noColor, "no-color", false, "no colours (also NO_COLOR)")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress")
	root.Flags().Bool("version", false, "print the version on one line")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(a.commands()...)
	root.SetHelpCommandGroupID(groupHouse)
	root.SetCompletionCommandGroupID(groupHouse)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("")
	strictCommands(root)
	wrapArgs(root)
	return root
}

// oneOfItsCommands refuses an unknown subcommand of c, and suggests the one that was probably meant.
func oneOfItsCommands(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.Name() == args[0] {
			return fmt.Errorf("%q stands behind --, where no command is looked for", args[0])
		}
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if near := diag.Nearest(args[0], names); near != "" {
		return fmt.Errorf("%s has no command %q; did you mean %s?", c.CommandPath(), args[0], near)
	}
	return fmt.Errorf("%s has no command %q", c.CommandPath(), args[0])
}

// strictCommands makes commands that only have subcommands refuse unknown ones, so that a script with a mistake fails.
func strictCommands(root *cobra.Command) {
	for _, c := range root.Commands() {
		switch {
		case c.Name() == "help":
			c.RunE = func(_ *cobra.Command, args []string) error {
				found, rest, err := root.Find(args)
				if err != nil || len(rest) > 0 {
					return configError(cmp.Or(oneOfItsCommands(found, rest), err))
				}
				return found.Help()
			}
			c.Run = nil
		case c.HasSubCommands():
			c.Args, c.Run = oneOfItsCommands, nil
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}

// flagError describes an error in a flag in words that need no knowledge of Go.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := diag.Nearest(unknown.GetSpecifiedName(), names); near != "" && unknown.GetSpecifiedShortnames() == "" {
			err = fmt.Errorf("%w; did you mean --%s?", err, near)
		}
	case errors.As(err, &invalid):
		wants := map[string]string{"int": "a whole number", "duration": "a time like 90s, 20m or 2h", "bool": "true or false"}
		f := invalid.GetFlag()
		if want := wants[f.Value.Type()]; want != "" {
			err = fmt.Errorf("--%s %q: want %s", f.Name, invalid.GetValue(), want)
		}
	}
	return configError(fmt.Errorf("%w; see %s --help", err, c.CommandPath()))
}

// wrapArgs makes every error about arguments a configuration error, in subcommands too.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			if err == nil {
				return nil
			}
			if c.HasParent() && !c.HasSubCommands() { // a count says little
				_, wanted, _ := strings.Cut(c.Use, " ")
				err = fmt.Errorf("want %s, got %s", strings.TrimSpace(c.CommandPath()+" "+cmp.Or(wanted, "without arguments")), human.Many(len(args), "argument"))
			}
			return configError(fmt.Errorf("%w; see %s --help", err, c.CommandPath()))
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}

// complain prints an error. An error that has been printed already has no text.
func complain(w io.Writer, err error) {
	if err != nil && err.Error() != "" {
		printError(w, err.Error())
	}
}

// printError prints an error. On a terminal, lines that are too long end between words.
func printError(w io.Writer, msg string) {
	lines := strings.Split("error: "+strings.TrimRight(msg, "\n"), "\n")
	if _, width := isTerminal(w); width > 0 {
		for i, l := range lines {
			indent := strings.Repeat(" ", len("error: ")) // below what the first line says
			if i > 0 {
				indent = l[:len(l)-len(strings.TrimLeft(l, " "))] + "  "
			}
			lines[i] = strings.Join(human.WrapWhole(l, width, indent), "\n")
		}
	}
	fmt.Fprintln(w, strings.Join(lines, "\n"))
}

// color tells whether to colour what goes to w.
func (a *app) color(w io.Writer) bool {
	if a.noColor || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	tty, _ := isTerminal(w)
	return tty
}

// longFlags accepts flags of fmt and test in the form that terraform, gofmt and go test have: -check, -diff, -run X.
func longFlags(args []string) []string {
	flags := map[string][]string{"fmt": {"-check", "-diff"}, "test": {"-run", "-json", "-junit", "-update"}}
	if len(args) == 0 || flags[args[0]] == nil {
		return args
	}
	out := slices.Clone(args)
	for i, a := range out {
		if name, _, _ := strings.Cut(a, "="); slices.Contains(flags[args[0]], name) {
			out[i] = "-" + a
		}
	}
	return out
}
