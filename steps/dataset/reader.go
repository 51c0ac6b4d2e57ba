package dataset

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/zeebo/blake3"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/table"
)

// reader turns records into rows and counts what it meets.
type reader struct {
	c     Config
	env   *steps.Env
	w     *artifact.Writer[artifact.Row]
	files int

	tests   []test
	dropped []int            // by each test
	ids     map[uint64]int32 // by the hash of an id: the last number it was given, 1 for itself
	bad     problems
	values  values              // of label columns
	classes map[string][]string // names of the numbers in the data set's columns

	rows, benign, repaired, renumbered int

	// Of the current file:
	names                   []string          // of the record that columns were worked out for
	columns                 map[string]string // by field
	textColumn, labelColumn string
	moreColumn              string // of an instruction's input, which follows it
	fileLabel, fileSource   string
}

func newReader(c Config, env *steps.Env, w *artifact.Writer[artifact.Row], files int, classes map[string][]string) *reader {
	return &reader{c: c, env: env, w: w, files: files, classes: classes, values: newValues(), tests: newTests(c.Filters), dropped: make([]int, len(c.Filters)), ids: map[uint64]int32{}}
}

// shard is the numbering of a data set's parts: train-00000-of-00005.
var shard = regexp.MustCompile(`[-_.]\d{3,}(-of-\d+)?$`)

// stem is a file's name without folders, extensions and a shard's number.
func stem(name string) string {
	base, _, _ := strings.Cut(path.Base(name), ".")
	return shard.ReplaceAllString(base, "")
}

// file reads one file's records.
func (r *reader) file(ctx context.Context, src table.Source) error {
	r.names, r.textColumn, r.labelColumn = nil, "", ""
	r.fileLabel, r.fileSource = "", r.c.Source
	if r.files > 1 { // one file's name may be a temporary one, and is not part of what the step's key holds
		r.fileLabel = byName(src.Name)
		if name := stem(src.Name); r.fileSource == "" && !splitNames[name] {
			r.fileSource = name
		}
	}
	before := r.rows
	for rec, err := range table.Scan(src, table.Format(r.c.Format)) {
		var bad *table.BadRecord
		if errors.As(err, &bad) {
			r.bad.add(bad.Place, bad.Err.Error())
			continue
		}
		if err != nil {
			return err
		}
		if err := r.record(rec); err != nil {
			return err
		}
		if r.rows%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			r.env.Progress(int64(r.rows), 0, "rows")
		}
	}
	r.env.Logf("%s: %d rows, text from %q, label from %s", src.Name, r.rows-before, r.textColumn, r.labelFrom())
	return nil
}

func (r *reader) labelFrom() string {
	switch {
	case r.labelColumn != "":
		return strconv.Quote(r.labelColumn)
	case r.fileLabel != "":
		return "the file's name (" + r.fileLabel + ")"
	}
	return "the step's label argument"
}

// record makes a row of a record, or counts why not. Its error ends the step: what is wrong is wrong with every row.
func (r *reader) record(rec table.Record) error {
	if err := r.recognise(rec); err != nil {
		return err
	}
	if rec.BadUTF8 {
		if r.c.UTF8 == "error" {
			r.bad.add(rec.Place, `bytes that are no UTF-8: convert the file (iconv -f latin1 -t utf-8), or replace them, utf8 = "repair"`)
			return nil
		}
		r.repaired++
	}
	row, problem := r.row(rec)
	if problem != "" {
		r.bad.add(rec.Place, problem)
		return nil
	}
	for i := range r.tests {
		if !r.tests[i].keeps(row, rec) {
			r.dropped[i]++
			return nil
		}
	}
	r.identify(&row)
	r.rows++
	if row.Label == artifact.Benign {
		r.benign++
	}
	return r.w.Write(row)
}

// recognise finds the columns of a record whose names differ from the last one's. The first record of a file decides
// which columns hold text and label; a later one without them is a bad row.
func (r *reader) recognise(rec table.Record) error {
	if len(rec.Names) > 0 && len(r.names) == len(rec.Names) && &r.names[0] == &rec.Names[0] {
		return nil
	}
	first := r.names == nil
	columns, err := columnsOf(rec.Names, r.c.Columns, r.c.Label != "")
	if err != nil && first {
		return fmt.Errorf("%s: %w", rec.Place, err)
	}
	if r.names = rec.Names; columns == nil {
		columns = map[string]string{}
	}
	if first {
		r.textColumn, r.labelColumn, r.moreColumn = columns["text"], columns["label"], ""
		if _, asked := r.c.Columns["text"]; !asked {
			r.textColumn, r.moreColumn = withInput(r.textColumn, rec.Names)
		}
		if r.labelColumn == "" && r.fileLabel == "" && r.c.Label == "" {
			r.labelColumn = weakLabel(rec, r.c.Labels)
		}
		if r.labelColumn == "" && r.fileLabel == "" && r.c.Label == "" {
			return fmt.Errorf("%s: no label column among %s: name it with columns = { label = \"...\" }, or say label = \"benign\" or \"malicious\" for all rows without one",
				rec.File, strings.Join(rec.Names, ", "))
		}
	}
	columns["text"], columns["label"] = r.textColumn, r.labelColumn
	if columns["category"] == r.labelColumn {
		delete(columns, "category")
	}
	r.columns = columns
	return nil
}

// withInput is the column of instructions, and that of their inputs, where a data set writes prompts in two parts.
func withInput(column string, names []string) (text, more string) {
	if plain(column) != "input" {
		return column, ""
	}
	for _, n := range names {
		if plain(n) == "instruction" {
			return n, column
		}
	}
	return column, ""
}

// identify gives a row an id where it has none, and makes each id the only one of its name. The root's name holds the
// text's hash too: two files that both number their rows from 1 have different rows.
func (r *reader) identify(row *artifact.Row) {
	sum := blake3.Sum256([]byte(row.Text))
	hash := hex.EncodeToString(sum[:8])
	root := row.ID + "@" + hash
	if row.ID == "" {
		row.ID, root = hash, hash
	}
	own, h := row.ID, idHash(row.ID)
	for n := r.ids[h] + 1; r.ids[idHash(row.ID)] > 0; n++ { // an id may look like one that got a number
		row.ID = own + "#" + strconv.Itoa(int(n))
		r.ids[h] = n
	}
	if row.ID != own {
		r.renumbered++
	}
	r.ids[idHash(row.ID)]++
	if row.Root == "" {
		row.Root = root
	}
}

func idHash(id string) uint64 {
	sum := blake3.Sum256([]byte(id))
	var h uint64
	for _, b := range sum[:8] {
		h = h<<8 | uint64(b)
	}
	return h
}
