package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rein/pipelines"
	"rein/pipelines/human"
	"rein/pipelines/lang/scaffold"
	"rein/steps/artifact"
	"rein/steps/dataset"
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

init reads the first rows of each path and says which columns it takes. It refuses data that a run could not read. --columns
and --labels say what columns and labels mean whose names aren't usual ones.

EXIT STATUS
  0  written
  2  something is there already, or the data isn't there or can't be read`,
		Example: `  rein init
  rein init --train data/prompts.jsonl strategies
  rein init --train data/prompts.csv --columns text=body,label=flag --labels spam=malicious,ham=benign strategies
  rein init --train data/prompts.jsonl --name careful strategies`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := defaultFolder
			if len(args) == 1 {
				dir = args[0]
			}
			if err := notNegative("--max-bad", o.Reading.MaxBad); err != nil {
				return err
			}
			if !c.Flags().Changed("train") {
				if err := a.ask(c.Context(), &o); err != nil {
					return err
				}
			} else if err := a.lookAtAll(c.Context(), &o); err != nil {
				return err
			}
			return a.writeProject(dir, o, force)
		},
	}
	c.Flags().StringVar(&o.Name, "name", "", "`NAME` of the strategy (default \"first\")")
	c.Flags().StringVar(&o.Train, "train", "", "labelled prompts: a JSONL, CSV or Parquet `FILE` or a folder")
	c.Flags().StringVar(&o.Pool, "pool", "", "benign prompts to mine for false positives: a `FILE` or a folder")
	c.Flags().StringVar(&o.Test, "test", "", "labelled prompts to report on: a `FILE` or a folder")
	c.Flags().StringToStringVar(&o.Reading.Columns, "columns", nil, "columns whose names aren't usual ones: `FIELD=COLUMN,...`; fields are text, label, source, category and others")
	c.Flags().StringToStringVar(&o.Reading.Labels, "labels", nil, "what label values mean that aren't usual words: `VALUE=benign,VALUE=malicious`")
	for _, name := range []string{"columns", "labels"} {
		c.Flags().Lookup(name).DefValue = "" // else the help shows []
	}
	c.Flags().IntVar(&o.Reading.MaxBad, "max-bad", 0, "leave out at most `N` unusable rows")
	c.Flags().BoolVar(&force, "force", false, "overwrite what is there")
	return c
}

// dataPath is one of the paths that init takes.
type dataPath struct {
	flag, question string
	at             *string
	benign         bool // rows without a label are benign
}

func dataPaths(o *scaffold.Options) []dataPath {
	return []dataPath{
		{"train", "Labelled prompts (JSONL, CSV, Parquet; a file or folder; empty for the built-in corpus): ", &o.Train, false},
		{"pool", "Benign prompts to mine (empty: split off those): ", &o.Pool, true},
		{"test", "Labelled prompts to report on (empty: split off those): ", &o.Test, false},
	}
}

// ask asks for the data if a person can answer, and checks each answer at once.
func (a *app) ask(ctx context.Context, o *scaffold.Options) error {
	in, ok := a.in.(*os.File)
	if !ok {
		return a.lookAtAll(ctx, o)
	}
	if tty, _ := isTerminal(in); !tty {
		return a.lookAtAll(ctx, o)
	}
	r := bufio.NewReader(in)
	for _, p := range dataPaths(o) {
		if *p.at != "" {
			if err := a.lookAt(ctx, p, o.Reading); err != nil {
				return err
			}
			continue
		}
		if p.at != &o.Train && o.Train == "" {
			continue
		}
		for {
			fmt.Fprint(a.err, p.question)
			line, err := r.ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if *p.at = strings.TrimSpace(line); *p.at == "" {
				break
			}
			wrong := a.lookAt(ctx, p, o.Reading)
			if wrong == nil {
				break
			} else if err != nil || ctx.Err() != nil { // nobody is left to ask again
				return wrong
			}
			complain(a.err, wrong)
		}
	}
	return nil
}

// lookAtAll looks at the data that flags name.
func (a *app) lookAtAll(ctx context.Context, o *scaffold.Options) error {
	for _, p := range dataPaths(o) {
		if *p.at != "" {
			if err := a.lookAt(ctx, p, o.Reading); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstRows is how many rows of each file init looks at.
const firstRows = 1000

// lookAt reads the first rows of a path as a run would, and prints what was recognised.
func (a *app) lookAt(ctx context.Context, p dataPath, how scaffold.Reading) error {
	if _, err := os.Stat(*p.at); err != nil {
		return configError(err)
	}
	c := dataset.Config{Columns: how.Columns, Labels: how.Labels, MaxBad: how.MaxBad}
	if p.benign {
		c.Label = artifact.Benign
	}
	g, err := dataset.Look(ctx, *p.at, c, firstRows)
	if err != nil {
		return configError(fmt.Errorf("--%s %s: %w\n  init takes --columns FIELD=COLUMN,..., --labels VALUE=benign,... and --max-bad N", p.flag, *p.at, err))
	}
	a.say("read  %s: %s", *p.at, glimpsed(g))
	for _, n := range g.Notes {
		a.say("note: %s", n)
	}
	switch malicious := g.Rows - g.Benign; {
	case p.benign:
	case !g.More && (g.Benign == 0 || malicious == 0):
		return configError(fmt.Errorf("--%s %s: every row is %s; a classifier is trained and tested on both kinds", p.flag, *p.at, kindOf(g)))
	case g.Benign == 0 || malicious == 0:
		a.say("note: all of these first rows are %s; both kinds are needed", kindOf(g))
	}
	if g.Fields["source"] == "" && g.Sources < 2 && p.flag == "train" {
		a.say("note: no column says where a row is from. With one (source), rein keeps the sources of training and test apart, and says what the model does on new ones; --columns source=NAME names it")
	}
	return nil
}

// kindOf is the label that all rows have.
func kindOf(g *dataset.Glimpse) string {
	if g.Benign > 0 {
		return artifact.Benign
	}
	return artifact.Malicious
}

// glimpsed is what was seen of data, in words.
func glimpsed(g *dataset.Glimpse) string {
	taken := []string{"text from " + g.Text, "label from " + g.Label}
	for _, field := range sortedKeys(g.Fields) {
		taken = append(taken, fmt.Sprintf("%s from %q", field, g.Fields[field]))
	}
	rows := human.Many(g.Rows, "row")
	if g.More {
		rows = "its first " + rows
		if g.Files > 1 {
			rows = fmt.Sprintf("the first %s of %s", human.Many(g.Rows, "row"), human.Many(g.Files, "file"))
		}
	}
	out := fmt.Sprintf("%s; %s: %s benign, %s malicious", strings.Join(taken, ", "), rows, human.Count(int64(g.Benign)), human.Count(int64(g.Rows-g.Benign)))
	if g.Sources > 0 {
		out += ", of " + human.Many(g.Sources, "source")
	}
	return out
}

func (a *app) writeProject(dir string, o scaffold.Options, force bool) error {
	var err error
	if o.Folder, err = filepath.Abs(dir); err != nil {
		return err
	}
	o.Typed = shellWord(filepath.ToSlash(filepath.Clean(dir)))
	for _, p := range []*string{&o.Train, &o.Pool, &o.Test} {
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
