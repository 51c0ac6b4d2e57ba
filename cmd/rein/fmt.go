package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	textdiff "github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"rein/pipelines/human"
	"rein/pipelines/lang"
)

func (a *app) fmtCmd() *cobra.Command {
	var check, diff bool
	c := &cobra.Command{
		Use:   "fmt [FILE|DIR|-]...",
		Short: "Give pipeline files their canonical layout",
		Long: `fmt rewrites pipeline files in place, folders with all that is in them, and prints the names of those it changed.
"-" reads standard input and writes standard output. Comments stay.

EXIT STATUS
  0  formatted; with --check: all files are
  1  with --check: some are not
  2  a file has a syntax error; it is left as it is`,
		Example: "  rein fmt\n  rein fmt --check pipelines\n  rein fmt --diff pipelines/hybrid.hcl",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "-" {
				return a.fmtStdin(c.Context())
			}
			if len(args) == 0 && !exists(defaultFolder) {
				return configError(fmt.Errorf("no folder %q here: name the files or folders to format", defaultFolder))
			}
			files, err := pipelineFiles(a.targets(args))
			if err != nil {
				return configError(err)
			}
			return a.fmtFiles(files, check, diff)
		},
	}
	c.Flags().BoolVar(&check, "check", false, "change nothing; exit with 1 if something would change")
	c.Flags().BoolVar(&diff, "diff", false, "change nothing; print what would change")
	return c
}

func (a *app) fmtStdin(ctx context.Context) error {
	in, err := io.ReadAll(interruptible(ctx, a.in))
	if err != nil {
		return err
	}
	out, diags := lang.Format("<stdin>", in)
	if err := a.report(&lang.Program{}, diags); err != nil {
		return err
	}
	_, err = a.out.Write(out)
	return err
}

// pipelineFiles are the named files, and all pipeline files in the named folders.
func pipelineFiles(targets []string) ([]string, error) {
	var files []string
	for _, t := range targets {
		st, err := os.Stat(t)
		if err != nil {
			return nil, err
		}
		if !st.IsDir() {
			files = append(files, t)
			continue
		}
		// The separator at its end makes a link to a folder that folder.
		err = filepath.WalkDir(t+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && filepath.Clean(path) != filepath.Clean(t) && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			if err == nil && d.Type().IsRegular() && lang.IsPipelineFile(path) {
				files = append(files, filepath.Clean(path))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (a *app) fmtFiles(files []string, check, diff bool) error {
	changed, broken := 0, false
	for _, name := range files {
		old, err := lang.ReadFile(name)
		if err != nil {
			return configError(err)
		}
		text, diags := lang.Format(name, old)
		if err := a.report(&lang.Program{}, diags); err != nil {
			broken = true
			continue
		}
		if bytes.Equal(old, text) {
			continue
		}
		changed++
		if diff {
			a.printDiff(name, old, text)
			continue
		}
		if !check {
			if err := replaceFile(name, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
				return err
			}
		}
		fmt.Fprintln(a.out, name)
	}
	switch {
	case broken:
		return &exitError{exitConfig, nil}
	case check && changed > 0:
		return &exitError{exitVerdict, nil}
	}
	return nil
}

// printDiff prints the difference between a file and its new text in git's form. It doesn't use git, because a repository's configuration
// may make git run other programs.
func (a *app) printDiff(name string, old, text []byte) {
	for line := range strings.Lines(string(textdiff.Diff(name, old, name, text))) {
		line = strings.TrimRight(line, "\r\n")
		color := map[bool]string{strings.HasPrefix(line, "+"): "\x1b[32m", strings.HasPrefix(line, "-"): "\x1b[31m", strings.HasPrefix(line, "@@"): "\x1b[36m"}[true]
		if line = human.Safe(line); color != "" && a.color(a.out) {
			line = color + line + "\x1b[m"
		}
		fmt.Fprintln(a.out, line)
	}
}
