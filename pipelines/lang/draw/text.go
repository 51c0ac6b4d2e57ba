package draw

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"rein/engine"
	"rein/pipelines/human"
)

// Dot writes a graph for Graphviz, each pipeline a cluster.
func Dot(w io.Writer, g *engine.Graph) error {
	var b bytes.Buffer
	b.WriteString("digraph rein {\n  rankdir = TB\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f9fafb\", fontname=\"Helvetica\", fontsize=11]\n  edge [fontname=\"Helvetica\", fontsize=9]\n")
	for i, p := range g.Pipelines {
		pic := pictureOf(p)
		fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label = %s\n", i, dotString(pic.heading()))
		for _, n := range pic.nodes {
			more := ""
			switch {
			case n.input:
				more = ", shape=note, style=filled, fillcolor=\"#fefce8\""
			case n.unused:
				more = ", style=\"rounded,dashed\", fontcolor=\"#9ca3af\""
			}
			fmt.Fprintf(&b, "    p%dn%d [label=%s, tooltip=%s%s]\n", i, n.id, dotString(n.label()+"\n"+n.typ), dotString(n.hover()), more)
		}
		for _, e := range pic.edges {
			color, line := "#9ca3af", "dashed"
			if len(e.kinds) > 0 {
				color, line = colorOf(e.kinds[0]), "solid"
			}
			fmt.Fprintf(&b, "    p%dn%d -> p%dn%d [color=\"%s\", style=%s, label=%s, tooltip=%s]\n", i, e.from.id, i, e.to.id, color, line,
				dotString(strings.Join(e.kinds, ", ")), dotString(strings.Join(e.ports, "\n")))
		}
		b.WriteString("  }\n")
	}
	b.WriteString("}\n")
	_, err := w.Write(b.Bytes())
	return err
}

// safe makes the lines of a text harmless where they are shown.
func safe(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = human.Safe(lines[i])
	}
	return strings.Join(lines, "\n")
}

// dotString quotes a text; a line break becomes one in the label.
func dotString(s string) string {
	return "\"" + strings.NewReplacer("\\", "\\\\", "\"", "\\\"", "\n", "\\n").Replace(safe(s)) + "\""
}

// Mermaid writes a flowchart, as code hosts show it in Markdown; each pipeline is a subgraph.
func Mermaid(w io.Writer, g *engine.Graph) error {
	var b bytes.Buffer
	b.WriteString("flowchart TD\n")
	var unused, inputs []string
	for i, p := range g.Pipelines {
		pic := pictureOf(p)
		fmt.Fprintf(&b, "  subgraph p%d[%s]\n", i, mermaidString(pic.heading()))
		for _, n := range pic.nodes {
			id := fmt.Sprintf("p%dn%d", i, n.id)
			left, right := "(", ")"
			if n.input {
				left, right = "([", "])"
				inputs = append(inputs, id)
			}
			if n.unused {
				unused = append(unused, id)
			}
			fmt.Fprintf(&b, "    %s%s%s%s\n", id, left, mermaidString(n.label(), n.typ), right)
		}
		for _, e := range pic.edges {
			arrow := "-.->"
			if len(e.kinds) > 0 {
				arrow = "-->|" + mermaidString(strings.Join(e.kinds, ", ")) + "|"
			}
			fmt.Fprintf(&b, "    p%dn%d %s p%dn%d\n", i, e.from.id, arrow, i, e.to.id)
		}
		b.WriteString("  end\n")
	}
	class := func(name, def string, ids []string) {
		if len(ids) > 0 {
			fmt.Fprintf(&b, "  classDef %s %s\n  class %s %s\n", name, def, strings.Join(ids, ","), name)
		}
	}
	class("unused", "stroke-dasharray:4 3,opacity:0.5", unused)
	class("input", "fill:#fefce8,stroke:#ca8a04,color:#111827", inputs)
	_, err := w.Write(b.Bytes())
	return err
}

// mermaidString quotes lines of text; Mermaid has entities, but no escapes.
func mermaidString(lines ...string) string {
	escape := strings.NewReplacer("&", "&amp;", "\"", "&quot;", "#", "&#35;", "<", "&lt;", ">", "&gt;", "\n", " ")
	for i := range lines {
		lines[i] = escape.Replace(safe(lines[i]))
	}
	return "\"" + strings.Join(lines, "<br/>") + "\""
}
