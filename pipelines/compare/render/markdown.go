package render

import (
	"fmt"
	"io"
	"strings"

	"rein/pipelines/compare"
)

// Markdown writes the comparison for a pull request.
func Markdown(w io.Writer, of *compare.Result, o Options) error {
	r := result{of}
	m := r.matrix()
	if err := m.Arrange(o); err != nil {
		return err
	}
	var b strings.Builder
	if s := r.Strategy(r.Recommendation.Strategy); s != nil {
		fmt.Fprintf(&b, "## Recommended: ★ %s\n\n", escape(s.Title))
	} else {
		b.WriteString("## Recommended: nobody\n\n")
	}
	for _, why := range r.allWhy() {
		bullets(&b, []string{why.Text})
		for _, p := range why.Points {
			fmt.Fprintf(&b, "  - %s\n", escape(p))
		}
	}
	b.WriteString("\n")
	header := []string{""}
	for _, c := range m.Columns {
		name := escape(c.Name)
		if c.Starred {
			name = "★ **" + name + "**"
		}
		header = append(header, name)
	}
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(header, " | "), strings.Repeat(" --- |", len(header)))
	section := ""
	for _, row := range m.Rows {
		if row.Section != section {
			section = row.Section
			fmt.Fprintf(&b, "| **%s** |%s\n", section, strings.Repeat(" |", len(m.Columns)))
		}
		name := strings.TrimLeft(row.Name, " ")
		line := []string{strings.Repeat("&emsp;", min(1, len(row.Name)-len(name))) + escape(name)}
		for i, c := range row.Cells {
			line = append(line, c.markdown(m.Columns[i]))
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
	}
	fmt.Fprintf(&b, "\n<sub>%s %s</sub>\n", escape(m.legend()), escape("Rule: "+rule))
	for _, part := range []struct {
		title string
		lines []string
	}{{"Sweep", r.sweepLines()}, {"Variations against volume", r.controlLines()}, {"Concerns", r.concernLines()}, {"Paired tests", r.testLines()}, {"What the steps say", r.noteLines()}, {"The plan's own figures", r.contradictionLines()},
		{"Money", r.moneyLines()}, {"Blanks", r.blankLines()}, {"Notes", sentences(r.Notes)}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(&b, "\n<details><summary>%s</summary>\n\n", part.title)
			bullets(&b, part.lines)
			b.WriteString("\n</details>\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (c Cell) markdown(col Column) string {
	measured := escape(c.Text)
	if c.Text == "" && blank(col, c) {
		measured = "–"
	}
	switch c.Tone {
	case Good:
		measured = "✓ " + measured
	case Warn:
		measured = "! " + measured
	case Bad:
		measured = "✗ " + measured
	}
	var promised []string
	if c.Planned != "" {
		promised = append(promised, "plan "+escape(c.Planned))
	}
	if c.Expected != "" {
		promised = append(promised, "exp "+escape(c.Expected))
	}
	if len(promised) > 0 {
		measured += " <sub>" + strings.Join(promised, ", ") + "</sub>"
	}
	return measured
}

func bullets(b *strings.Builder, lines []string) {
	for _, l := range lines {
		fmt.Fprintf(b, "- %s\n", escape(l))
	}
}

// escaper keeps text from being read as markup or as the end of a cell.
var escaper = strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`", "\n", " ", "[", `\[`)

func escape(s string) string { return escaper.Replace(s) }
