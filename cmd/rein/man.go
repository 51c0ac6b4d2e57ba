package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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
			if err := manPages(args[0], c.Root()); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "wrote man pages to %s\n", args[0])
			return nil
		},
	}
}

// manPages writes the page of a command and those of its subcommands. The same text gives the same pages: they have no date.
func manPages(dir string, c *cobra.Command) error {
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			if err := manPages(dir, sub); err != nil {
				return err
			}
		}
	}
	var b strings.Builder
	manPage(&b, c)
	return os.WriteFile(filepath.Join(dir, manName(c)+".1"), []byte(b.String()), 0o644)
}

// manName is the name of a command's page.
func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage writes what printHelp writes, in the language of man pages. man fills paragraphs; lists and commands are laid out already.
func manPage(w io.Writer, c *cobra.Command) {
	text, status, _ := strings.Cut(c.Long, exitHeading)
	if text == "" {
		text = c.Short
	}
	fmt.Fprintf(w, ".TH \"%s\" \"1\" \"\" \"rein\" \"\"\n", roff(strings.ToUpper(manName(c))))
	fmt.Fprintf(w, ".SH NAME\n%s \\- %s\n", roff(manName(c)), roff(c.Short))
	section := func(title, text string) {
		if text = strings.Trim(text, "\n"); text != "" {
			fmt.Fprintf(w, ".SH %s\n", title)
			for i, paragraph := range strings.Split(text, "\n\n") {
				if i > 0 {
					fmt.Fprint(w, ".PP\n")
				}
				if laidOut(paragraph) || title == "SYNOPSIS" {
					fmt.Fprintf(w, ".nf\n%s\n.fi\n", roff(paragraph))
				} else {
					fmt.Fprintf(w, "%s\n", roff(paragraph))
				}
			}
		}
	}
	section("SYNOPSIS", usageLine(c))
	section("DESCRIPTION", text)
	section("EXAMPLES", c.Example)
	manFlags(w, "OPTIONS", c.NonInheritedFlags())
	manFlags(w, "OPTIONS OF ALL COMMANDS", c.InheritedFlags())
	section("EXIT STATUS", status)
	var others []string
	if c.HasParent() {
		others = append(others, manName(c.Parent()))
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			others = append(others, manName(sub))
		}
	}
	for i, name := range others {
		others[i] = fmt.Sprintf("\\fB%s\\fP(1)", roff(name))
	}
	if len(others) > 0 {
		fmt.Fprintf(w, ".SH SEE ALSO\n%s\n", strings.Join(others, ", "))
	}
}

func manFlags(w io.Writer, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(w, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(w, ".TP\n\\fB%s\\fP", roff(name))
		if value != "" {
			fmt.Fprintf(w, " \\fI%s\\fP", roff(value))
		}
		fmt.Fprintf(w, "\n%s\n", roff(usage))
	})
}

// roff writes text so that man shows it as it is.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") { // else it would be a command
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
