package draw

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/clipperhouse/displaywidth"

	"rein/engine"
)

// kindColors are the colours of edges by what they carry, readable on white and on black.
var kindColors = []struct{ kind, color string }{
	{"rows", "#3b82f6"}, {"scores", "#0d9488"}, {"model", "#a855f7"}, {"report", "#d97706"}, {"package", "#db2777"}, {"file", "#6b7280"},
}

const style = `
  svg { font-family: ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; background: #ffffff; }
  .title { font-size: 17px; font-weight: 600; fill: #111827; }
  .name { font-size: 13px; font-weight: 600; fill: #111827; text-anchor: middle; }
  .type { font-size: 11px; fill: #6b7280; text-anchor: middle; }
  .legend { font-size: 11px; fill: #6b7280; }
  .step rect { fill: #f9fafb; stroke: #9ca3af; stroke-width: 1.2; }
  .input rect { fill: #fefce8; stroke: #ca8a04; stroke-width: 1; }
  .unused { opacity: 0.45; }
  .unused rect { stroke-dasharray: 4 3; }
  .edge { fill: none; stroke-width: 1.6; opacity: 0.75; }
  .edge:hover { stroke-width: 3; opacity: 1; }
  .order { stroke-dasharray: 3 3; }
  @media (prefers-color-scheme: dark) {
    svg { background: #111827; }
    .title, .name { fill: #f3f4f6; }
    .type, .legend { fill: #9ca3af; }
    .step rect { fill: #1f2937; stroke: #6b7280; }
    .input rect { fill: #292524; stroke: #a16207; }
  }
`

const (
	margin     = 24.0
	titleSpace = 34.0
	legendTop  = 20.0
)

// SVG draws every pipeline of a graph, one below the other. Hovering a step or an edge tells more of it.
func SVG(w io.Writer, g *engine.Graph) error {
	var body bytes.Buffer
	width, y := 0.0, margin
	used := map[string]bool{}
	var pics []*picture
	var sizes [][2]float64
	for _, p := range g.Pipelines {
		pic := pictureOf(p)
		for _, n := range pic.nodes {
			n.w = max(84, 28+max(textWidth(n.label(), 7.6), textWidth(n.typ, 6.2)))
		}
		pw, ph := pic.layout()
		pw = max(pw, textWidth(pic.heading(), 9.5))
		pics, sizes = append(pics, pic), append(sizes, [2]float64{pw, ph})
		width = max(width, pw)
		for _, e := range pic.edges {
			for _, k := range e.kinds {
				used[k] = true
			}
		}
	}
	width = max(width, legendWidth(used))
	for i, pic := range pics {
		fmt.Fprintf(&body, "<text class=\"title\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", margin, y+12, markup(pic.heading()))
		y += titleSpace
		pic.svg(&body, margin+(width-sizes[i][0])/2, y)
		y += sizes[i][1] + margin*1.5
	}
	legend(&body, used, y-margin/2)
	y += legendTop
	_, err := fmt.Fprintf(w, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\">\n<style>%s</style>\n%s</svg>\n",
		width+2*margin, y, width+2*margin, y, style, body.Bytes())
	return err
}

func (p *picture) heading() string {
	if p.title != "" {
		return p.title
	}
	return p.name
}

// textWidth estimates how wide a text is; wide characters count twice.
func textWidth(s string, perColumn float64) float64 {
	return float64(displaywidth.String(s)) * perColumn
}

func (p *picture) svg(b *bytes.Buffer, dx, dy float64) {
	fmt.Fprintf(b, "<g transform=\"translate(%.1f %.1f)\">\n", dx, dy)
	for _, e := range p.edges {
		e.svg(b)
	}
	for _, n := range p.nodes {
		n.svg(b)
	}
	b.WriteString("</g>\n")
}

// svg draws an edge as a smooth line from the lower side of a node through its bends to the upper side of another.
func (e *edge) svg(b *bytes.Buffer) {
	class := "edge"
	color := "#9ca3af"
	if len(e.kinds) == 0 {
		class += " order"
	} else {
		color = colorOf(e.kinds[0])
	}
	if e.from.unused || e.to.unused {
		class += " unused"
	}
	x, y := e.from.x, e.from.y+nodeHeight/2
	fmt.Fprintf(b, "<path class=\"%s\" stroke=\"%s\" d=\"M%.1f %.1f", class, color, x, y)
	to := func(nx, ny float64) {
		half := (ny - y) / 2
		fmt.Fprintf(b, " C%.1f %.1f %.1f %.1f %.1f %.1f", x, y+half, nx, ny-half, nx, ny)
		x, y = nx, ny
	}
	for _, n := range e.bends {
		to(n.x, n.y-nodeHeight/4)
		fmt.Fprintf(b, " L%.1f %.1f", n.x, n.y+nodeHeight/4)
		y = n.y + nodeHeight/4
	}
	end := e.to.y - nodeHeight/2
	to(e.to.x, end-5)
	fmt.Fprintf(b, "\"><title>%s\n%s</title></path>\n", markup(e.from.name+" to "+e.to.name), markup(strings.Join(e.ports, "\n")))
	fmt.Fprintf(b, "<path fill=\"%s\" d=\"M%.1f %.1f l-4 -7 h8 z\"/>\n", color, e.to.x, end)
}

func colorOf(kind string) string {
	for _, k := range kindColors {
		if k.kind == kind {
			return k.color
		}
	}
	return "#6b7280"
}

func (n *node) svg(b *bytes.Buffer) {
	class, radius := "step", 9.0
	if n.input {
		class, radius = "input", nodeHeight/2
	}
	if n.unused {
		class += " unused"
	}
	fmt.Fprintf(b, "<g class=\"%s\"><title>%s</title>\n", class, markup(n.hover()))
	fmt.Fprintf(b, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.0f\"/>\n", n.x-n.w/2, n.y-nodeHeight/2, n.w, nodeHeight, radius)
	fmt.Fprintf(b, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", n.x, n.y-2, markup(n.label()))
	fmt.Fprintf(b, "<text class=\"type\" x=\"%.1f\" y=\"%.1f\">%s</text></g>\n", n.x, n.y+14, markup(n.typ))
}

func (n *node) hover() string {
	switch {
	case n.input:
		return n.pos
	case n.unused:
		return n.typ + " " + n.name + " (" + n.pos + ")\nnot needed: its `when` is false"
	}
	return n.typ + " " + n.name + " (" + n.pos + ")"
}

// legend names the colours that are used.
func legend(b *bytes.Buffer, used map[string]bool, y float64) {
	x := margin
	for _, k := range kindColors {
		if !used[k.kind] {
			continue
		}
		fmt.Fprintf(b, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"2.5\"/>\n", x, y, x+18, y, k.color)
		fmt.Fprintf(b, "<text class=\"legend\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", x+24, y+4, k.kind)
		x += legendItem(k.kind)
	}
}

func legendItem(kind string) float64 { return 24 + textWidth(kind, 6.2) + 18 }

func legendWidth(used map[string]bool) float64 {
	w := 0.0
	for _, k := range kindColors {
		if used[k.kind] {
			w += legendItem(k.kind)
		}
	}
	return w
}

// markup is a text as it may stand in SVG, which holds no control characters.
func markup(s string) string { return html.EscapeString(safe(s)) }
