package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"rein/pipelines/compare"
)

// Options are how a comparison is drawn.
type Options struct {
	Width     int      // columns of the terminal; 0: as wide as needed
	Color     bool     // else signs alone
	Rows      []string // only rows whose key or section contains one of these words
	SortBy    string   // order the strategies by this metric
	Transpose bool     // strategies as lines, figures as columns
	Brief     bool     // the recommendation without tests and the check of planned figures, and the rows that answer
	Facts     []string // about the report itself, for the page's head: its date, the revision
	All       bool     // every row, also if brief
	Past      []Past   // what runs measured, oldest first; nil: no trend is shown
}

const (
	widestName   = 27 // of a row
	narrowName   = 21 // where room is short
	leastColumn  = 12
	mostColumn   = 24
	gap          = 3 // " │ "
	defaultWidth = 160
)

// result is a comparison that is being written.
type result struct{ *compare.Result }

// Table draws the comparison for a terminal. Where the columns don't fit side by side, they are drawn in groups, one under
// the other.
func Table(w io.Writer, of *compare.Result, o Options) error {
	r := result{of}
	m := r.matrix()
	if err := m.Arrange(o); err != nil {
		return err
	}
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	p := painter{color: o.Color}
	brief := o.Brief && !o.All && len(o.Rows) == 0
	if brief {
		m.keep(r.brief())
	}
	var same []string
	if len(o.Rows) == 0 && !o.Transpose {
		same = m.fold()
	}
	if _, err := fmt.Fprintf(w, "%s\n\n", p.bold(r.answer())); err != nil {
		return err
	}
	g := m.grid(o.Transpose)
	g.dense = brief
	for i, part := range g.fit(o.Width) {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(w, part.render(p)); err != nil {
			return err
		}
	}
	if len(same) > 0 {
		if _, err := fmt.Fprint(w, "\n", p.dim(strings.TrimRight(paragraph("The same in all: ", strings.Join(same, "; ")+".", o.Width), "\n")), "\n"); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, r.prose(p, o, m))
	return err
}

// grid is a table before it is fitted: the first column names the lines.
type grid struct {
	head    []gridCell
	lines   []gridLine
	width   int // of a column
	nameCol int
	dense   bool // no lines between sections
}

type gridCell struct {
	Cell
	bold  bool
	blank bool // a dash: nothing measured where others have something
}

type gridLine struct {
	section string // of the line; a new one is announced
	name    gridCell
	cells   []gridCell
}

func (m *Matrix) grid(transpose bool) *grid {
	g := &grid{head: []gridCell{{}}}
	if transpose {
		return m.transposed(g)
	}
	for _, c := range m.Columns {
		g.head = append(g.head, heading(c))
	}
	for _, r := range m.Rows {
		l := gridLine{section: r.Section, name: gridCell{Cell: Cell{Text: r.Name}}}
		for i, c := range r.Cells {
			l.cells = append(l.cells, gridCell{Cell: c, blank: c.Text == "" && blank(m.Columns[i], c)})
		}
		g.lines = append(g.lines, l)
	}
	return g
}

// blank tells a cell that something should be in: its column failed, or only the promise is there.
func blank(col Column, c Cell) bool { return col.Missing != "" || c.Planned != "" || c.Expected != "" }

func (m *Matrix) transposed(g *grid) *grid {
	for _, r := range m.Rows {
		name := strings.TrimSpace(r.Name)
		if slices.Contains(sectionsOfRows, r.Section) {
			name += ", " + strings.ToLower(r.Section)
		}
		g.head = append(g.head, gridCell{Cell: Cell{Text: name}, bold: true})
	}
	for i, c := range m.Columns {
		l := gridLine{name: heading(c)}
		for _, r := range m.Rows {
			l.cells = append(l.cells, gridCell{Cell: r.Cells[i], blank: r.Cells[i].Text == "" && blank(c, r.Cells[i])})
		}
		g.lines = append(g.lines, l)
	}
	return g
}

func heading(c Column) gridCell {
	name := c.heading()
	if c.Starred {
		name = "★ " + name
	}
	h := gridCell{Cell: Cell{Text: name}, bold: true}
	if c.Starred {
		h.Tone = Good
	}
	return h
}

// fit sets the column width and splits the grid into groups of columns that fit.
func (g *grid) fit(width int) []*grid {
	n := len(g.head) - 1
	widest := widestName
	if width-widest < n*(mostColumn+gap) {
		widest = narrowName
	}
	for _, l := range g.lines {
		g.nameCol = min(max(g.nameCol, text.StringWidthWithoutEscSequences(l.name.Text), 10), widest)
	}
	room := max(width-g.nameCol-2, leastColumn+gap)
	each := min(n, max(1, room/(leastColumn+gap)))
	groups := (n + each - 1) / max(each, 1)
	if groups > 1 {
		each = (n + groups - 1) / groups // even groups
	}
	var out []*grid
	for from := 0; from < n; from += each {
		to := min(from+each, n)
		part := &grid{head: append([]gridCell{g.head[0]}, g.head[1+from:1+to]...), nameCol: g.nameCol, dense: g.dense}
		part.width = min(room/(to-from)-gap, mostColumn)
		for _, l := range g.lines {
			part.lines = append(part.lines, gridLine{l.section, l.name, l.cells[from:to]})
		}
		out = append(out, part)
	}
	return out
}

func (g *grid) render(p painter) string {
	t := table.NewWriter()
	t.SetStyle(style)
	head := table.Row{}
	for i, h := range g.head {
		width := g.width
		if i == 0 {
			width = g.nameCol
		}
		head = append(head, p.cell(h, width))
	}
	t.AppendHeader(head)
	section := ""
	for _, l := range g.lines {
		if l.section != section {
			section = l.section
			if t.Length() > 0 && !g.dense {
				t.AppendSeparator()
			}
			if !g.dense || slices.Contains(sectionsOfRows, section) {
				t.AppendRow(table.Row{p.bold(section)})
			}
		}
		row := table.Row{p.cell(l.name, g.nameCol)}
		for _, c := range l.cells {
			row = append(row, p.cell(c, g.width))
		}
		t.AppendRow(row)
	}
	return trimLines(t.Render())
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

// style is a table of thin lines between columns and sections, without a frame.
var style = func() table.Style {
	s := table.StyleLight
	s.Name = "matrix"
	s.Box.PaddingLeft, s.Box.PaddingRight = " ", " "
	s.Options = table.Options{SeparateColumns: true, SeparateHeader: true}
	s.Format.Header = text.FormatDefault
	return s
}()
