// Package dataset reads the user's labelled prompts from JSON lines, JSON, CSV, TSV or Parquet, from one file or a folder, also compressed.
// It recognises columns and labels by their usual names, or the user maps them. A row that can't be used is reported with its file and
// line. More such rows than max_bad are an error.
package dataset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/table"
)

// Config holds the arguments of the step.
type Config struct {
	URL        string            `hcl:"url,optional" doc:"Address to download in place of data; needs sha256."`
	SHA256     string            `hcl:"sha256,optional" doc:"What the url's content must hash to."`
	Hub        string            `hcl:"hub,optional" doc:"Data set of the Hugging Face hub in place of data: OWNER/NAME; needs revision."`
	Revision   string            `hcl:"revision,optional" doc:"The hub data set's commit."`
	Splits     []string          `hcl:"splits,optional" doc:"Only files of these parts: train for train-00000-of-00002.parquet, train.csv or what lies in a folder train."`
	Columns    map[string]string `hcl:"columns,optional" doc:"Column of the data for a field of the row, where its name isn't a usual one: { text = \"user_prompt\", label = \"flag\" }; fields: id, text, label, category, source, root, weight, time, role, channel."`
	Roles      []string          `hcl:"roles,optional" doc:"Turns of a conversation that are read: user, system, tool, document, assistant. Without it the user's, and of a conversation without any those of tools and documents, or else the system's."`
	Labels     map[string]string `hcl:"labels,optional" doc:"What the data's label values mean: { spam = \"malicious\", \"2\" = \"benign\" }; the usual words are known."`
	Categories map[string]string `hcl:"categories,optional" doc:"New names for the data's categories: { \"DAN\" = \"jailbreak\" }; others stay as they are."`
	Label      string            `hcl:"label,optional" doc:"Label of rows that have none." enum:"benign,malicious"`
	Source     string            `hcl:"source,optional" doc:"Source of rows that have none."`
	Format     string            `hcl:"format,optional" doc:"How the files are written; without it their content tells." enum:"jsonl,json,csv,tsv,text,parquet"`
	UTF8       string            `hcl:"utf8" default:"error" doc:"What to do with bytes that are no UTF-8: error counts the row as bad, repair puts U+FFFD in their place and says how often." enum:"error,repair"`
	MaxBad     int               `hcl:"max_bad" default:"0" doc:"How many rows may be unusable; they are listed and left out."`
	Filters    []Filter          `hcl:"filter,block" doc:"Keeps only rows that pass; several must all pass."`
}

// Validate checks the names of fields and labels in the maps, and the filters.
func (c *Config) Validate() error {
	var check steps.Checks
	for _, field := range slices.Sorted(maps.Keys(c.Columns)) {
		check.Known("columns", field, slices.Sorted(maps.Keys(usual)))
	}
	for _, value := range slices.Sorted(maps.Keys(c.Labels)) {
		label := c.Labels[value]
		check.Want(label == artifact.Benign || label == artifact.Malicious, "labels: %q = %q: want %q or %q", value, label, artifact.Benign, artifact.Malicious)
	}
	for _, role := range c.Roles {
		check.Known("roles", role, artifact.Roles)
	}
	check.Want(c.MaxBad >= 0, "max_bad: must not be negative")
	check.Add(c.validateRemote())
	for i := range c.Filters {
		if err := c.Filters[i].compile(); err != nil {
			check.Add(fmt.Errorf("filter %d: %w", i+1, err))
		}
	}
	return check.Err()
}

// In holds the inputs of the step.
type In struct {
	Data artifact.File `port:"data,optional" doc:"a file or folder: .jsonl, .json, .csv, .tsv, .txt or .parquet, also .gz, .zst or .bz2"`
}

// Out holds the output of the step.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"the rows, in the order of the files' names and their lines"`
}

// Step is the "dataset" step type.
var Step = steps.New("dataset", 6, "Read labelled prompts from files: JSON lines, CSV, TSV or Parquet.", run,
	steps.Stage(steps.Data), steps.Example(`step "dataset" "own" {
  data    = "prompts"                       # a folder with benign.jsonl and malicious.csv.gz
  columns = { text = "user_prompt" }
  labels  = { spam = "malicious" }
  max_bad = 10
}`))

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	sources, classes, err := c.sources(ctx, env, in)
	if err != nil {
		return Out{}, err
	}
	out := Out{artifact.Rows{Path: env.Out("rows")}}
	w, err := artifact.NewWriter[artifact.Row](out.Rows.Path)
	if err != nil {
		return Out{}, err
	}
	r := newReader(c, env, func(row artifact.Row) error { return w.Write(row) }, len(sources), classes)
	for _, src := range sources {
		if err := r.file(ctx, src); err != nil {
			return Out{}, errors.Join(err, w.Close())
		}
	}
	if err := w.Close(); err != nil {
		return Out{}, err
	}
	return out, r.finish()
}

// sources lists the files to read. It also returns the names that the data set gives to the numbers in its columns.
func (c *Config) sources(ctx context.Context, env *steps.Env, in In) (files []table.Source, classes map[string][]string, err error) {
	switch given := in.Data.Path != ""; {
	case given && (c.URL != "" || c.Hub != ""):
		return nil, nil, errors.New("data, url and hub: give one of them")
	case c.URL != "":
		files, err = c.download(ctx, env)
		return files, nil, err
	case c.Hub != "":
		return c.fetchHub(ctx, env)
	case !given:
		return nil, nil, errors.New("no data: give data (a file or folder), url or hub")
	}
	all, err := local(env, in)
	if err != nil {
		return nil, nil, err
	}
	if files = c.ofAsked(all); len(files) == 0 {
		return nil, nil, fmt.Errorf("none of %d data files is%s", len(all), c.ofSplits())
	}
	return files, table.Classes(table.AboutFiles(in.Data.Path)), nil
}

// local lists the files of the port data: one file, or the files of a folder or a glob pattern.
func local(env *steps.Env, in In) ([]table.Source, error) {
	files := env.Files("data")
	if len(files) <= 1 {
		out, left, err := table.List(in.Data.Path)
		noteLeft(env, left)
		return out, err
	}
	var out []table.Source
	for _, f := range files {
		more, left, err := table.List(f.Path)
		if err != nil {
			return nil, err
		}
		noteLeft(env, left)
		if len(more) == 1 && f.Name != "" {
			more[0].Name = f.Name
		}
		out = append(out, more...)
	}
	return out, nil
}

// noteLeft notes which files of a folder look like data but aren't read.
func noteLeft(env *steps.Env, left []string) {
	if len(left) == 0 {
		return
	}
	more := ""
	if n := len(left) - shown; n > 0 {
		left, more = left[:shown], fmt.Sprintf(" and %d more", n)
	}
	env.Notef("not read, because of the name: %s%s", strings.Join(quoted(left), ", "), more)
}
