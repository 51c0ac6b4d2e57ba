package dataset

import (
	"bufio"
	"context"
	"slices"
	"strconv"

	"rein/engine"
	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/table"
)

// Glimpse describes how the step would read some data, judged by the first rows of each file.
type Glimpse struct {
	Files   int
	Rows    int                 // number of rows that were read
	Benign  int                 // number of benign rows among them
	More    bool                // there are more rows than were read
	Text    []string            // columns that hold the text, in the order of the files
	Label   []string            // where the label comes from: `"label"`, "the file's name (benign)"
	Fields  map[string][]string // columns of the other fields, such as "source", "category"
	Sources int                 // number of different sources among the rows
	Notes   []string            // the notes that the step would make
}

// Look reads the first rows of a file or folder as the step would with the configuration c: at most most rows of each file. It returns the
// error with which the step would fail. It writes nothing.
func Look(ctx context.Context, path string, c Config, most int) (*Glimpse, error) {
	if c.UTF8 == "" {
		c.UTF8 = "error" // default of the argument
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	g := &Glimpse{Fields: map[string][]string{}}
	env := steps.NewEnv(&engine.Call{Emit: func(e engine.Event) {
		if e.Action == engine.ActionNote {
			g.Notes = append(g.Notes, e.Text)
		}
	}})
	files, classes, err := c.sources(ctx, env, In{Data: artifact.File{Path: path}})
	if err != nil {
		return nil, err
	}
	sources := map[string]bool{}
	r := newReader(c, env, func(row artifact.Row) error {
		sources[row.Source] = true
		return nil
	}, len(files), classes)
	r.most = most
	for _, src := range files {
		before := r.rows
		if err := r.file(ctx, src); err != nil {
			return nil, err
		}
		if r.rows == before { // no row said which columns count
			continue
		}
		g.Text, g.Label = withNew(g.Text, strconv.Quote(r.textColumn)), withNew(g.Label, r.labelFrom())
		for field, column := range r.columns {
			g.Fields[field] = withNew(g.Fields[field], strconv.Quote(column))
		}
	}
	delete(g.Fields, "text")
	delete(g.Fields, "label")
	if err := r.finish(); err != nil {
		return nil, err
	}
	delete(sources, "")
	g.Files, g.Rows, g.Benign, g.More, g.Sources = len(files), r.rows, r.benign, r.more, len(sources)
	return g, nil
}

// withNew adds a word to a list unless the list has it.
func withNew(list []string, word string) []string {
	if slices.Contains(list, word) {
		return list
	}
	return append(list, word)
}

// CheckLines refuses a file of prompts whose first bytes or name show that its lines are none, and says what to do with it.
func CheckLines(r *bufio.Reader, name string, objects bool) error {
	return table.CheckLines(r, name, objects)
}
