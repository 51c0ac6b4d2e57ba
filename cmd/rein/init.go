package main

import (
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
	var asked scaffold.Reading
	var force bool
	c := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a commented starter project on your own data",
		Long: `init writes a base and a strategy into DIR (default "pipelines"). On a terminal it asks where the data is, unless
flags say so; without data the built-in corpus stands in. The data are written into the base, so that every strategy of the
folder has them. Nothing that exists is overwritten: in a folder with a base, only a further strategy is written.

init reads the first rows of each path and says which columns it takes. It refuses data that a run could not read. --columns
and --labels say what columns and labels mean whose names aren't usual ones. If pool or test have other columns than the
labelled prompts, put its name before the field: --columns text=body,test.text=message.

EXIT STATUS
  0  written
  2  something is there already, or the data isn't there or can't be read`,
		Example: `  rein init
  rein init --train data/prompts.jsonl strategies
  rein init --train data/prompts.csv --columns text=body,label=flag --labels spam=malicious,ham=benign strategies
  rein init --train data/prompts.jsonl --name careful strategies`,
		RunE: func(c *cobra.Command, args []string) error {
			dir := defaultFolder
			if len(args) > 0 {
				dir = args[len(args)-1]
			}
			if st, err := os.Stat(dir); len(args) > 1 || err == nil && !st.IsDir() { // a shell may have made several words of data/*.csv
				return configError(fmt.Errorf("want rein init [DIR], got %s; several files of data are given as their folder: --train FOLDER", strings.Join(args, " ")))
			}
			if err := notNegative("--max-bad", asked.MaxBad); err != nil {
				return err
			}
			if err := a.findData(c.Context(), &o, asked, !c.Flags().Changed("train")); err != nil {
				return err
			}
			return a.writeProject(dir, o, force)
		},
	}
	c.Flags().StringVar(&o.Name, "name", "", "`NAME` of the strategy (default \"first\")")
	c.Flags().Var(onePath{&o.Train.Path}, "train", "labelled prompts: a JSONL, CSV or Parquet `FILE` or a folder")
	c.Flags().Var(onePath{&o.Pool.Path}, "pool", "benign prompts to mine for false positives: a `FILE` or a folder")
	c.Flags().Var(onePath{&o.Test.Path}, "test", "labelled prompts to report on: a `FILE` or a folder")
	c.Flags().StringToStringVar(&asked.Columns, "columns", nil, "columns whose names aren't usual ones: `FIELD=COLUMN,...`; fields are text, label, source, category and others")
	c.Flags().StringToStringVar(&asked.Labels, "labels", nil, "what label values mean that aren't usual words: `VALUE=benign,VALUE=malicious`")
	for _, name := range []string{"columns", "labels"} {
		c.Flags().Lookup(name).DefValue = "" // else the help shows []
	}
	c.Flags().IntVar(&asked.MaxBad, "max-bad", 0, "leave out at most `N` unusable rows")
	c.Flags().BoolVar(&force, "force", false, "overwrite what is there")
	return c
}

// onePath is a flag that takes one path. A second one would replace the first without a word.
type onePath struct{ at *string }

func (p onePath) String() string { return "" }
func (p onePath) Type() string   { return "string" }
func (p onePath) Set(path string) error {
	if *p.at != "" {
		return fmt.Errorf("it is %s already; several files are given as their folder", *p.at)
	}
	*p.at = path
	return nil
}

func (a *app) writeProject(dir string, o scaffold.Options, force bool) error {
	var err error
	if o.Folder, err = filepath.Abs(dir); err != nil {
		return err
	}
	o.Typed = shellWord(filepath.ToSlash(filepath.Clean(dir)))
	for _, p := range []*string{&o.Train.Path, &o.Pool.Path, &o.Test.Path} {
		if *p == "" {
			continue
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
		fmt.Fprintf(a.out, "kept  %s\n", base) // the base is there already: this is a further strategy
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
	fmt.Fprintf(a.out, "next: rein plan %s\n", shellWord(filepath.Join(dir, files[len(files)-1].Path)))
	return nil
}
