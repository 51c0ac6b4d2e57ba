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
	URL        string            `hcl:"url,optional" doc:"URL to download in place of data; needs sha256."`
	SHA256     string            `hcl:"sha256,optional" doc:"SHA-256 that the content of the url must have."`
	Hub        string            `hcl:"hub,optional" doc:"Data set of the Hugging Face hub, OWNER/NAME, in place of data; needs revision."`
	Revision   string            `hcl:"revision,optional" doc:"Commit of the hub data set."`
	Splits     []string          `hcl:"splits,optional" doc:"Splits to read; other files are skipped. train stands for train-00000-of-00002.parquet, train.csv or the files in a folder train."`
	Columns    map[string]string `hcl:"columns,optional" doc:"Columns of the data whose names aren't usual ones, by the row's field: { text = \"user_prompt\", label = \"flag\" }. Fields: id, text, label, category, source, root, weight, time, role, channel."`
	Roles      []string          `hcl:"roles,optional" doc:"Turns of a conversation to read: user, system, tool, document, assistant. Default: the user's. If there are none, those of tools and documents; if there are none of these either, the system's."`
	Labels     map[string]string `hcl:"labels,optional" doc:"Meaning of the data's label values: { spam = \"malicious\", \"2\" = \"benign\" }. The usual words are known."`
	Categories map[string]string `hcl:"categories,optional" doc:"New names for the data's categories: { \"DAN\" = \"jailbreak\" }. Other categories keep their names."`
	Label      string            `hcl:"label,optional" doc:"Label of rows without one." enum:"benign,malicious"`
	Source     string            `hcl:"source,optional" doc:"Source of rows without one."`
	Format     string            `hcl:"format,optional" doc:"Format of the files. Default: recognised by their content." enum:"jsonl,json,csv,tsv,text,parquet"`
	UTF8       string            `hcl:"utf8" default:"error" doc:"What happens to bytes that aren't UTF-8. error: the row counts as bad; repair: they are replaced by U+FFFD, and a note says how many were." enum:"error,repair"`
	MaxBad     int               `hcl:"max_bad" default:"0" doc:"Largest number of unusable rows. They are listed and left out; more of them are an error."`
	Filters    []Filter          `hcl:"filter,block" doc:"A condition for rows to be kept. With several filters, a row has to meet all of them."`
}

// Validate checks the names of fields and labels in the maps, and the filters.
func (c *Config) Validate() error {
	var check steps.Checks
	for _, field := range slices.Sorted(maps.Keys(c.Columns)) {
		check.Known("columns", field, fields())
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
	Rows artifact.Rows `port:"rows" doc:"the rows, ordered by file name and line"`
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
