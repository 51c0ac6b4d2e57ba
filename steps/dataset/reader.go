package dataset

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/zeebo/blake3"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/table"
)

// reader turns records into rows and counts what it finds on the way.
type reader struct {
	c     Config
	env   *steps.Env
	keep  func(artifact.Row) error
	files int
	most  int  // largest number of rows to read from a file; 0: all
	more  bool // some file has more rows than that

	tests   []test
	dropped []int            // number of rows that each filter left out
	ids     map[uint64]int32 // by hash of an id: the last number appended to it, or 1 if it was used as it is
	labels  map[uint64]bool  // by hash of a text: whether its first row is malicious
	bad     problems
	values  values              // values of the label columns
	classes map[string][]string // names that the data set gives to the numbers in its columns

	rows, benign, repaired, renumbered, notNumbers, assistants int
	contradictions                                             int            // number of rows whose text an earlier row has with the other label
	contradiction                                              string         // text of the first such row
	nothings                                                   map[string]int // number of rows whose whole text is a word for "no value", by word

	noted map[string]bool // keys of the notes that were made

	// The fields below belong to the current file.
	names                []string          // column names of the record that the columns were chosen for
	part                 string            // name of the list that is being read in a JSON file
	columns              map[string]string // column of each field
	textColumn           string
	moreColumn           string   // column of an instruction's input, which is appended to the instruction
	labelColumns         []string // columns of the label; the first with a value counts
	labelSeen            bool     // some record has one of them
	fileLabel, partLabel string   // labels in the names of the file and of the list
	against              string   // outer folder whose name says the other label
	fileSource           string
}

func newReader(c Config, env *steps.Env, keep func(artifact.Row) error, files int, classes map[string][]string) *reader {
	return &reader{c: c, env: env, keep: keep, files: files, classes: classes, values: newValues(), tests: newTests(c.Filters), dropped: make([]int, len(c.Filters)), ids: map[uint64]int32{}, labels: map[uint64]bool{}, noted: map[string]bool{}, nothings: map[string]int{}}
}

// noteOnce makes a note unless one with the same key was made before.
func (r *reader) noteOnce(key, format string, args ...any) {
	if !r.noted[key] {
		r.noted[key] = true
		r.env.Notef(format, args...)
	}
}

func (r *reader) options() table.Options {
	return table.Options{Format: table.Format(r.c.Format), Lists: r.c.Splits, IsPart: func(name string) bool { return said(nameWords(name)).label != "" }}
}

// file reads one file's records.
func (r *reader) file(ctx context.Context, src table.Source) error {
	r.names, r.textColumn, r.labelColumns, r.labelSeen, r.part = nil, "", nil, false, ""
	r.fileLabel, r.against, r.partLabel, r.fileSource = "", "", "", r.c.Source
	if r.files > 1 { // the name of a single file isn't part of the key and may be temporary, so rows must not depend on it
		r.fileLabel, r.against = byName(src.Name)
		if r.fileSource == "" {
			r.fileSource = table.SourceOf(src.Name, func(base string) bool { return len(said(nameWords(base)).other) == 0 })
		}
	}
	if err := r.findLabel(src); err != nil {
		return err
	}
	before, bad := r.rows, r.bad.n
	for rec, err := range table.Scan(src, r.options()) {
		if r.most > 0 && r.rows-before+r.bad.n-bad >= r.most {
			r.more = true
			break
		}
		var broken *table.BadRecord
		if errors.As(err, &broken) {
			r.bad.add(broken.Place, broken.Err.Error())
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
	if r.rows == before && r.bad.n == bad && !r.filtered() {
		r.noteOnce("empty "+src.Name, "%s has no rows", src.Name)
		return nil
	}
	if r.rows == before { // there may be no columns
		r.env.Logf("%s: no usable row", src.Name)
		return nil
	}
	r.env.Logf("%s: %d rows, text from %q, label from %s", src.Name, r.rows-before, r.textColumn, r.labelFrom())
	return nil
}

// filtered tells whether a filter has left out any row.
func (r *reader) filtered() bool {
	return slices.ContainsFunc(r.dropped, func(n int) bool { return n > 0 })
}

// findLabel finds the columns of a file that hold the label, unless the step's arguments name one.
func (r *reader) findLabel(src table.Source) error {
	if name, ok := r.c.Columns["label"]; ok {
		r.labelColumns = []string{name}
		return nil
	}
	p, err := r.profileOf(src)
	if err != nil {
		return err
	}
	columns, notes, err := p.choose(&r.c)
	if err != nil {
		return err
	}
	for _, n := range notes {
		r.noteOnce(n, "%s", n)
	}
	if r.labelColumns = columns; len(columns) == 0 {
		if r.c.Label == "" && r.against != "" {
			return fmt.Errorf("%s: its name says %s, its folder %q says %s, and no column says which. Rename one of them, or read the folder in a step of its own with label = \"benign\" or \"malicious\"",
				src.Name, r.fileLabel, r.against, opposite(r.fileLabel))
		}
		if r.c.Label == "" && r.fileLabel == "" && !p.namedParts {
			r.labelColumns = p.guess()
		}
		if r.c.Label != "" && r.fileLabel != "" && r.c.Label != r.fileLabel {
			r.noteOnce("name "+src.Name, "%s: its name says %s; its rows are %s, as the step's label argument says", src.Name, r.fileLabel, r.c.Label)
		}
		return nil
	}
	return p.against(src.Name, r.fileLabel, columns[0])
}

// against refuses a file whose name says one label while its column says the other in every row. One of them must be wrong.
func (p *profile) against(file, label, column string) error {
	base := table.Unnumbered(path.Base(table.Stem(file)))
	if s := said(nameWords(base)); label == "" || s.label != label || len(s.other) > 0 {
		return nil
	}
	for _, c := range p.candidates {
		of := map[string]int{artifact.Benign: c.benign, artifact.Malicious: c.malicious}
		if c.name == column && of[label] == 0 && of[opposite(label)] > 0 {
			return fmt.Errorf("%s: the file's name says %s, and %q says %s in every row. If the column is the wrong way round, say what its values mean, labels = { \"0\" = \"malicious\", \"1\" = \"benign\" }; if the name is wrong, name the column, columns = { label = %q }",
				file, label, column, opposite(label), column)
		}
	}
	return nil
}

func (r *reader) labelFrom() string {
	switch {
	case r.labelSeen:
		return listed(quoted(r.labelColumns))
	case r.c.Label != "":
		return "the step's label argument"
	case r.partLabel != "":
		return "the list's name (" + r.partLabel + ")"
	}
	return "the file's name (" + r.fileLabel + ")"
}

func quoted(names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, strconv.Quote(n))
	}
	return out
}

// record turns a record into a row, or counts why it can't. It returns an error only for a mistake that affects every row; that ends the
// step.
func (r *reader) record(rec table.Record) error {
	if err := r.recognise(rec); err != nil {
		return err
	}
	if column, why := r.broken(rec); why != "" {
		if r.c.UTF8 == "error" {
			convert := ""
			if why == table.BadUTF8 {
				convert = "convert the file (iconv -f windows-1252 -t utf-8), or "
			}
			r.bad.add(rec.Place, fmt.Sprintf(`%s in %q: %sreplace them, utf8 = "repair"`, why, column, convert))
			return nil
		}
		r.repaired++
	}
	r.notNumbers += min(rec.NotNumbers, 1)
	if !r.kept(rec, artifact.Row{}, false) {
		return nil
	}
	row, problem := r.row(rec)
	if problem != "" {
		r.bad.add(rec.Place, problem)
		return nil
	}
	if !r.kept(rec, row, true) {
		return nil
	}
	if row.Role == artifact.RoleAssistant && len(r.c.Roles) == 0 {
		r.assistants++
	}
	if isMissing(row.Text) {
		r.nothings[row.Text]++
	}
	r.identify(&row)
	r.rows++
	if row.Label == artifact.Benign {
		r.benign++
	}
	return r.keep(row)
}

// kept applies the filters on the row's fields if fields is true, else those on the data's own columns. The latter are applied first,
// because a record that they leave out need not be a valid row.
func (r *reader) kept(rec table.Record, row artifact.Row, fields bool) bool {
	for i := range r.tests {
		if fields == rowFields[r.tests[i].Column] && !r.tests[i].keeps(row, rec) {
			r.dropped[i]++
			return false
		}
	}
	return true
}

// broken returns a column that the row needs and that holds something other than text, and what it holds.
func (r *reader) broken(rec table.Record) (column, why string) {
	if rec.Broken == nil {
		return "", ""
	}
	used := append([]string{r.textColumn, r.moreColumn}, r.labelColumns...)
	for _, c := range append(used, slices.Sorted(maps.Values(r.columns))...) {
		if why := rec.Broken[c]; why != "" {
			return c, why
		}
	}
	return "", ""
}

// recognise finds the columns of a record whose column names differ from those of the record before. The first record of a file decides
// which column holds the text. A later record without that column is a bad row.
func (r *reader) recognise(rec table.Record) error {
	if rec.Part != r.part {
		r.part, r.partLabel, r.names = rec.Part, said(nameWords(rec.Part)).label, nil
	}
	if len(rec.Names) > 0 && len(r.names) == len(rec.Names) && &r.names[0] == &rec.Names[0] {
		return nil
	}
	first := r.names == nil
	if is := r.tableOfLines(rec); first && is != "" {
		return fmt.Errorf("%s: the file's name says that each line is a text, and its first line looks like %s. Say which it is, format = %s or format = \"text\"", rec.Place, is, map[bool]string{true: `"jsonl"`, false: `"csv"`}[is == jsonLine])
	}
	named := r.c.Label != "" || r.fileLabel != "" || r.partLabel != ""
	names := rec.Names
	if first {
		names = withoutAnswers(rec)
	}
	columns, err := columnsOf(names, r.c.Columns, named)
	if err != nil && first {
		return fmt.Errorf("%s: %w", rec.Place, err)
	}
	if r.names = rec.Names; columns == nil {
		columns = map[string]string{}
	}
	if first {
		r.textColumn, r.moreColumn = columns["text"], ""
		if _, asked := r.c.Columns["text"]; !asked {
			r.textColumn, r.moreColumn = withInput(r.textColumn, rec.Names)
			if others := otherTexts(rec, r.textColumn, r.moreColumn); len(others) > 0 {
				r.noteOnce("text "+r.textColumn, "%s: the text comes from %q; the file has %s, too: columns = { %s } reads that one",
					rec.File, r.textColumn, listed(quoted(others)), columnsWith(r.c.Columns, "text", others[0], " = ", ", "))
			}
		}
		if len(r.labelColumns) == 0 && !named {
			return fmt.Errorf("%s: no label column among %s: name it with columns = { label = \"...\" }, or say label = \"benign\" or \"malicious\" for all rows without one",
				rec.File, namesOf(rec.Names))
		}
	}
	columns["text"] = r.textColumn
	if slices.Contains(r.labelColumns, columns["category"]) {
		delete(columns, "category")
	}
	r.columns = columns
	r.labelSeen = r.labelSeen || slices.ContainsFunc(r.labelColumns, func(c string) bool { return slices.Contains(rec.Names, c) })
	return nil
}

const jsonLine = "an object of JSON lines"

// tableOfLines looks at the first line of a file that is read as lines of text. It returns what the line looks like if it is more than a
// text: a line of JSON, or the header of a table.
func (r *reader) tableOfLines(rec table.Record) string {
	line, _ := rec.Text("text")
	switch {
	case r.c.Format != "" || !table.IsLines(rec.File) || len(rec.Names) != 1:
		return ""
	case strings.HasPrefix(line, "{") && json.Valid([]byte(line)):
		return jsonLine
	}
	for _, mark := range []string{"\t", ",", ";", "|"} {
		var text, label bool
		for _, f := range strings.Split(line, mark) {
			f = strings.Trim(f, ` "`)
			text = text || slices.Contains(usual["text"], plain(f))
			label = label || nameOf(f).sureness >= flag
		}
		if text && label {
			return "the header of a table"
		}
	}
	return ""
}

// withInput returns the column of instructions and the column of their inputs, if the data set divides prompts into these two.
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

// identify gives the row an id if it has none, and makes the id unique. The root also contains a hash of the text, because two files that
// both number their rows from 1 hold different rows.
func (r *reader) identify(row *artifact.Row) {
	sum := blake3.Sum256([]byte(row.Text))
	hash := hex.EncodeToString(sum[:8])
	root := row.ID + "@" + hash
	if row.ID == "" {
		row.ID, root = hash, hash
	}
	own, h := row.ID, idHash(row.ID)
	for n := r.ids[h] + 1; r.ids[idHash(row.ID)] > 0; n++ { // another row may already have an id that looks like this one with a number
		row.ID = own + "#" + strconv.Itoa(int(n))
		r.ids[h] = n
	}
	if row.ID != own {
		r.renumbered++
	}
	r.ids[idHash(row.ID)]++
	r.contradicts(hash, *row)
	if row.Root == "" {
		row.Root = root
	}
}

// contradicts counts the row if an earlier row has the same text with the other label.
func (r *reader) contradicts(hash string, row artifact.Row) {
	h := idHash(hash)
	if had, ok := r.labels[h]; !ok {
		r.labels[h] = row.Label == artifact.Malicious
	} else if had != (row.Label == artifact.Malicious) {
		if r.contradictions++; r.contradiction == "" {
			r.contradiction = row.Text
		}
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
