package manual

import (
	"fmt"
	"strings"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
	"rein/steps"
)

// Text is the documentation of one step type for a terminal of a width in columns (0: lines aren't wrapped).
func Text(t *steps.Type, width int) string {
	s := SchemaOf(t)
	var b strings.Builder
	filled(&b, s.Name+": ", lowerFirst(s.Doc), 2, width)
	var in, args, out []docRow
	for _, p := range s.Inputs {
		in = append(in, portRow(p))
	}
	for _, p := range s.Outputs {
		out = append(out, portRow(p))
	}
	fieldRows(&args, s.Arguments, "")
	if s.Dynamic {
		in = append(in, docRow{"inputs", "artifacts by name", "", "What each input port gets: inputs = { NAME = file(\"...\") }."})
		out = append(out, docRow{"outputs", "list of names", "", "Each is a port: step.NAME.OUTPUT."})
	}
	section(&b, "INPUTS", in, width)
	section(&b, "ARGUMENTS", args, width)
	section(&b, "OUTPUTS", out, width)
	b.WriteString("\nEXAMPLE\n")
	for _, line := range strings.Split(s.example(), "\n") {
		b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
	}
	return b.String()
}

// docRow is a name with its type, default and description.
type docRow struct{ name, typ, def, doc string }

func portRow(p PortSchema) docRow {
	r := docRow{p.Name, grammar.PortType(steps.Port{Kind: p.Kind, List: p.List}), "", Sentence(p.Doc)}
	if p.Optional {
		r.def = "optional"
	}
	return r
}

func fieldRows(out *[]docRow, fields []FieldSchema, prefix string) {
	for _, f := range fields {
		r := docRow{prefix + f.Name, f.Type, f.literal, Sentence(f.Doc)}
		if f.Required {
			r.def = "required"
		}
		if len(f.Enum) > 0 {
			r.typ = "one of"
			r.doc = strings.TrimSpace(strings.Join(f.Enum, ", ") + ". " + r.doc)
		}
		*out = append(*out, r)
		fieldRows(out, f.Fields, prefix+f.Name+".")
	}
}

// section writes rows in columns, the description wrapped in the last; below the others if they leave it no room.
func section(b *strings.Builder, title string, rows []docRow, columns int) {
	if len(rows) == 0 {
		return
	}
	var w [3]int
	for _, r := range rows {
		w[0], w[1], w[2] = max(w[0], diag.Width(r.name)), max(w[1], diag.Width(r.typ)), max(w[2], diag.Width(r.def))
	}
	indent := 2
	for _, n := range w {
		if n > 0 {
			indent += n + 2
		}
	}
	below := columns > 0 && columns <= indent+20
	if below {
		indent = 6
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, r := range rows {
		line := "  " + pad(r.name, w[0]) + pad(r.typ, w[1]) + pad(r.def, w[2])
		if below {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = strings.Repeat(" ", indent)
		}
		filled(b, line, r.doc, indent, columns)
	}
}

// filled writes a text after the start of a line, broken between words; further lines are indented.
func filled(b *strings.Builder, line, text string, indent, columns int) {
	at := diag.Width(line)
	for i, word := range strings.Fields(text) {
		if i > 0 && columns > 0 && at+1+diag.Width(word) > columns {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line, at = strings.Repeat(" ", indent), indent
		} else if i > 0 {
			line += " "
			at++
		}
		line += word
		at += diag.Width(word)
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// pad fills a cell to its column's width and the gap to the next; an empty column takes no room.
func pad(s string, n int) string {
	if n == 0 {
		return ""
	}
	return s + strings.Repeat(" ", n-diag.Width(s)+2)
}

func lowerFirst(s string) string {
	if len(s) < 2 || strings.ToUpper(s[:2]) == s[:2] {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
