package human

import (
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Table is a table for a person: columns are aligned, with two blanks between and none at the ends of lines. If the terminal's width is
// known, the last column is wrapped.
type Table struct {
	Width int // of the terminal; 0: not known

	rows []tableRow
	cuts []int // indices of rows at which the column widths start afresh
}

type tableRow struct {
	cells []string
	paint func(string) string
	alone bool // a line of its own, no part of the columns
}

// Row adds a row.
func (t *Table) Row(cells ...string) { t.Painted(nil, cells...) }

// Painted adds a row in a colour (nil: in none). Like Line, it isn't inlined: texts are written by hundreds of calls.
//
//go:noinline
func (t *Table) Painted(paint func(string) string, cells ...string) {
	t.rows = append(t.rows, tableRow{cells: cells, paint: paint})
}

// Cut gives the rows from here on column widths of their own.
func (t *Table) Cut() { t.cuts = append(t.cuts, len(t.rows)) }

// Line adds a line that is no part of the columns.
//
//go:noinline
func (t *Table) Line(paint func(string) string, text string) {
	t.rows = append(t.rows, tableRow{cells: []string{text}, paint: paint, alone: true})
}

// Gap is how many blanks stand between columns.
const Gap = 2

// narrowest is the least width of the last column. If less of the line is left, its text goes below the row.
const narrowest = 24

// Write writes the table.
func (t *Table) Write(w io.Writer) error {
	var b strings.Builder
	from := 0
	for _, to := range append(t.cuts, len(t.rows)) {
		t.write(&b, t.rows[from:to])
		from = to
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// write writes rows in columns of the same widths.
func (t *Table) write(b *strings.Builder, rows []tableRow) {
	var widths []int
	for _, r := range rows {
		for i := 0; i < len(r.cells)-1; i++ {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(r.cells[i]))
		}
	}
	for _, r := range rows {
		for _, l := range t.lines(r, widths) {
			l = strings.TrimRight(l, " ")
			if r.paint != nil {
				l = r.paint(l)
			}
			b.WriteString(l + "\n")
		}
	}
}

func (t *Table) lines(r tableRow, widths []int) []string {
	last := r.cells[len(r.cells)-1]
	if r.alone {
		if t.Width == 0 {
			return []string{last}
		}
		rest := strings.TrimLeft(last, " ")
		return Wrap(last, t.Width, strings.Repeat(" ", len(last)-len(rest)+2))
	}
	const indent = "      "
	var done []string // finished lines of a row that is too wide for one line
	lead := ""
	for i, c := range r.cells[:len(r.cells)-1] {
		if t.Width > 0 && lead != "" && runewidth.StringWidth(lead)+runewidth.StringWidth(c) > t.Width {
			done, lead = append(done, lead), indent
		}
		lead += runewidth.FillRight(c, widths[i]) + strings.Repeat(" ", Gap)
	}
	column := runewidth.StringWidth(lead)
	if t.Width == 0 || column+runewidth.StringWidth(last) <= t.Width {
		return append(done, lead+last)
	}
	if t.Width-column < narrowest {
		done = append(done, lead)
		for _, l := range Wrap(last, max(t.Width-len(indent), 2), "") {
			done = append(done, indent+l)
		}
		return done
	}
	hang := strings.Repeat(" ", column)
	lines := Wrap(last, t.Width-column, "")
	for i := range lines {
		lines[i] = hang + lines[i]
	}
	lines[0] = lead + lines[0][column:]
	return append(done, lines...)
}
