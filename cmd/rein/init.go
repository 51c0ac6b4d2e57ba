package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rein/pipelines"
	"rein/pipelines/lang/scaffold"
)

func (a *app) initCmd() *cobra.Command {
	var o scaffold.Options
	var force bool
	c := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a commented starter project on your own data",
		Long: `init writes a base and a strategy into DIR (default "pipelines"). On a terminal it asks where the data is, unless
flags say so; without data the built-in corpus stands in. The data are written into the base, so that every strategy of the
folder has them. Nothing that exists is overwritten: in a folder with a base, only a further strategy is written.

EXIT STATUS
  0  written
  2  something is there already, or the data isn't there`,
		Example: "  rein init\n  rein init --train data/prompts.jsonl strategies\n  rein init --train data/prompts.jsonl --name careful strategies",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := defaultFolder
			if len(args) == 1 {
				dir = args[0]
			}
			if !c.Flags().Changed("train") {
				if err := a.ask(&o); err != nil {
					return err
				}
			}
			return a.writeProject(dir, o, force)
		},
	}
	c.Flags().StringVar(&o.Name, "name", "", "name of the strategy (default \"first\")")
	c.Flags().StringVar(&o.Train, "train", "", "labelled prompts: a JSONL, CSV or Parquet `FILE` or a folder")
	c.Flags().StringVar(&o.Pool, "pool", "", "benign prompts to mine for false positives")
	c.Flags().StringVar(&o.Test, "test", "", "labelled prompts to report on")
	c.Flags().BoolVar(&force, "force", false, "overwrite what is there")
	return c
}

// ask asks for the data where a person can answer.
func (a *app) ask(o *scaffold.Options) error {
	in, ok := a.in.(*os.File)
	if !ok {
		return nil
	}
	if tty, _ := isTerminal(in); !tty {
		return nil
	}
	r := bufio.NewReader(in)
	for _, q := range []struct {
		text string
		to   *string
	}{
		{"Labelled prompts (JSONL, CSV, Parquet; a file or folder; empty for the built-in corpus): ", &o.Train},
		{"Benign prompts to mine (empty: split off those): ", &o.Pool},
		{"Labelled prompts to report on (empty: split off those): ", &o.Test},
	} {
		if *q.to != "" || q.to != &o.Train && o.Train == "" {
			continue
		}
		for {
			fmt.Fprint(a.err, q.text)
			line, err := r.ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			*q.to = strings.TrimSpace(line)
			if *q.to == "" {
				break
			}
			if _, missing := os.Stat(*q.to); missing == nil {
				break
			} else if err != nil { // nobody is left to ask again
				return configError(missing)
			} else {
				printError(a.err, missing.Error())
			}
		}
	}
	return nil
}

func (a *app) writeProject(dir string, o scaffold.Options, force bool) error {
	var err error
	if o.Folder, err = filepath.Abs(dir); err != nil {
		return err
	}
	for _, p := range []*string{&o.Train, &o.Pool, &o.Test} {
		if *p == "" {
			continue
		}
		if _, err := os.Stat(*p); err != nil {
			return configError(err)
		}
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	if o.Base, err = fs.ReadFile(pipelines.FS, "reinforce.hcl"); err != nil {
		return err
	}
	base := filepath.Join(dir, scaffold.BaseFile)
	o.HasBase = exists(base) && !force
	files, err := scaffold.Files(o)
	if err != nil {
		return configError(err)
	}
	if o.HasBase {
		fmt.Fprintf(a.out, "kept  %s\n", base) // a further strategy beside the others
		files = files[1:]
	}
	for _, f := range files {
		if path := filepath.Join(dir, f.Path); exists(path) && !force {
			return configError(fmt.Errorf("%s exists: --name NAME writes another strategy beside it, --force overwrites it", path))
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Path)
		if err := replaceFile(path, func(w io.Writer) error { _, err := w.Write(f.Text); return err }); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "wrote %s\n", path)
	}
	fmt.Fprintf(a.out, "next: rein plan %s\n", filepath.Join(dir, files[len(files)-1].Path))
	return nil
}
