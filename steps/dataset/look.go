package dataset

import (
	"context"
	"fmt"
	"maps"

	"rein/engine"
	"rein/steps"
	"rein/steps/artifact"
)

// Glimpse is what the step takes of data, seen on the first rows of each file.
type Glimpse struct {
	Files   int
	Rows    int  // that were looked at
	Benign  int  // of them
	More    bool // there are further rows
	Text    string
	Label   string            // what says the label: `"label"`, "the file's name (benign)"
	Fields  map[string]string // columns of the other fields: "source", "category"
	Sources int               // different ones among the rows
	Notes   []string          // what the step would note
}

// Look reads the first rows of a file or folder, at most so many of each file, as the step would with that configuration. Its
// error is what the step would fail with. It writes nothing.
func Look(ctx context.Context, path string, c Config, most int) (*Glimpse, error) {
	if c.UTF8 == "" {
		c.UTF8 = "error" // the argument's default
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	g := &Glimpse{Fields: map[string]string{}}
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
	for i, src := range files {
		if err := r.file(ctx, src); err != nil {
			return nil, err
		}
		if i == 0 && r.rows > 0 {
			g.Text, g.Label = fmt.Sprintf("%q", r.textColumn), r.labelFrom()
		}
		maps.Copy(g.Fields, r.columns)
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
