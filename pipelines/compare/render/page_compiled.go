// Code generated from templates by package ahead; DO NOT EDIT.

//go:build !uncompiled

package render

import (
	"fmt"
	"strconv"
	"strings"

	"rein/pipelines/compare"
	"rein/pipelines/compare/render/markup"
)

func drawGraph(w *markup.Writer, d stepGraph) {
	of1 := d.Name
	w.WriteString("<svg width=\"")
	w.Text(coordinate(d.W))
	w.WriteString("\" height=\"")
	w.Text(coordinate(d.H))
	w.WriteString("\" viewBox=\"0 0 ")
	w.Text(coordinate(d.W))
	w.WriteString(" ")
	w.Text(coordinate(d.H))
	w.WriteString("\" role=\"img\" aria-label=\"Steps of ")
	w.Text(d.Name)
	w.WriteString(" and what they depend on\">\n")
	for _, e3 := range d.Arrows {
		w.WriteString("<path class=\"arrow\" d=\"")
		w.Text(e3)
		w.WriteString("\"/>")
	}
	for _, e6 := range d.Boxes {
		w.WriteString("<g data-step=\"")
		w.Text(of1)
		w.WriteString("/")
		w.Text(e6.Name)
		w.WriteString("\" class=\"")
		w.Text(e6.Status)
		w.WriteString("\"><rect class=\"box ")
		w.Text(e6.Class)
		w.WriteString("\" x=\"")
		w.Text(coordinate(e6.X))
		w.WriteString("\" y=\"")
		w.Text(coordinate(e6.Y))
		w.WriteString("\" width=\"150\" height=\"40\" rx=\"5\"/><text x=\"")
		w.Text(coordinate(add(e6.X, 8)))
		w.WriteString("\" y=\"")
		w.Text(coordinate(add(e6.Y, 17)))
		w.WriteString("\">")
		w.Text(e6.Name)
		w.WriteString("</text><text class=\"tick\" x=\"")
		w.Text(coordinate(add(e6.X, 8)))
		w.WriteString("\" y=\"")
		w.Text(coordinate(add(e6.Y, 32)))
		w.WriteString("\">")
		w.Text(e6.Note)
		w.WriteString("</text></g>")
	}
	w.WriteString("\n</svg>")
}

func drawLive(w *markup.Writer, d *page) {
	w.WriteString("<p class=\"soft facts\">")
	for i3, e2 := range d.Facts {
		if i3 != 0 {
			w.WriteString(" · ")
		}
		w.Text(e2)
	}
	w.WriteString("</p>\n<h2 class=\"headline\">")
	w.Text(d.Title)
	w.WriteString("</h2>\n")
	drawReasons(w, d)
	w.WriteString("\n")
	drawSections(w, d)
	w.WriteString("\n")
	drawBody(w, d)
}

func drawPage(w *markup.Writer, d *page) {
	w.WriteString("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>rein compare: ")
	w.Text(d.Title)
	w.WriteString("</title>\n<style>")
	w.WriteString(string(d.Style))
	w.WriteString("</style>\n</head>\n<body>\n")
	drawReport(w, d)
	w.WriteString("\n<script>")
	w.WriteString(string(d.Script))
	w.WriteString("</script>\n</body>\n</html>\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n\n")
	w.WriteString("\n")
}

func drawTrend(w *markup.Writer, d trend) {
	drawKeys(w, d.Keys)
	drawChart(w, d.Chart)
}

func drawReasons(w *markup.Writer, d *page) {
	w.WriteString("<ul>")
	for _, e2 := range d.Why {
		w.WriteString("<li>")
		w.Text(e2.Text)
		if x4 := e2.Points; len(x4) > 0 {
			w.WriteString("<ul>")
			for _, e6 := range x4 {
				w.WriteString("<li>")
				w.Text(e6)
				w.WriteString("</li>")
			}
			w.WriteString("</ul>")
		}
		w.WriteString("</li>")
	}
	w.WriteString("</ul>\n")
	if x8 := d.Rejected; len(x8) > 0 {
		w.WriteString("<details><summary>Why the others are rejected</summary><ul>")
		for _, e10 := range x8 {
			w.WriteString("<li>")
			w.Text(e10)
			w.WriteString("</li>")
		}
		w.WriteString("</ul></details>")
	}
}

func drawSections(w *markup.Writer, d *page) {
	w.WriteString("<nav aria-label=\"Sections\"><ul>\n")
	if len(d.Decision) > 0 {
		w.WriteString("<li><a href=\"#decision\">Decision</a></li>")
	}
	w.WriteString("<li><a href=\"#matrix\">Matrix</a></li><li><a href=\"#tests\">Differences</a></li><li><a href=\"#curves\">Curves</a></li><li><a href=\"#groups\">Categories</a></li>\n<li><a href=\"#rows\">Rows</a></li>")
	if len(d.Edits) > 0 {
		w.WriteString("<li><a href=\"#edits\">Edited texts</a></li>")
	}
	w.WriteString("<li><a href=\"#data\">Data</a></li><li><a href=\"#steps\">Steps</a></li><li><a href=\"#plan\">Plan</a></li><li><a href=\"#provenance\">Provenance</a></li>\n</ul></nav>")
}

func drawBody(w *markup.Writer, d *page) {
	if x1 := d.Decision; len(x1) > 0 {
		w.WriteString("<section id=\"decision\" aria-label=\"The decision\">")
		for _, e3 := range x1 {
			drawDecision(w, e3)
		}
		w.WriteString("</section>")
	}
	w.WriteString("\n<section id=\"matrix\" aria-labelledby=\"matrix-title\">\n<h2 id=\"matrix-title\">The matrix</h2>\n<p class=\"soft\" id=\"legend\">")
	w.Text(d.Legend)
	w.WriteString("</p>\n<fieldset class=\"columns\" id=\"columns\" hidden><legend>Show</legend><label class=\"find\">rows with <input type=\"search\" id=\"matrix-rows\" autocomplete=\"off\"></label> <span>columns</span> ")
	for _, e6 := range d.M.Columns {
		w.WriteString("<label><input type=\"checkbox\" checked value=\"")
		w.Text(e6.Name)
		w.WriteString("\"> ")
		w.Text(e6.Name)
		w.WriteString("</label> ")
	}
	w.WriteString("</fieldset>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Comparison matrix\">\n<table class=\"matrix\" aria-describedby=\"legend\">\n<thead><tr><th scope=\"col\">Figure</th>")
	for _, e9 := range d.M.Columns {
		w.WriteString("<th scope=\"col\" data-column=\"")
		w.Text(e9.Name)
		w.WriteString("\"")
		if e9.Starred {
			w.WriteString(" class=\"starred\"")
		}
		w.WriteString(">")
		if e9.Starred {
			w.WriteString("★ ")
		}
		w.Text(e9.Name)
		w.WriteString("<br><small>")
		w.Text(e9.Title)
		w.WriteString("</small></th>")
	}
	w.WriteString("</tr></thead>\n<tbody>")
	columns11 := d.M.Columns
	section12 := ""
	w.WriteString("\n")
	for _, e14 := range d.M.Rows {
		if e14.Section != section12 {
			section12 = e14.Section
			w.WriteString("<tr class=\"section\"><th scope=\"rowgroup\">")
			w.Text(e14.Section)
			w.WriteString("</th><td colspan=\"")
			w.Text(strconv.Itoa(len(columns11)))
			w.WriteString("\"></td></tr>\n")
		}
		w.WriteString("<tr><th scope=\"row\"")
		if isUnder(e14.Name) {
			w.WriteString(" class=\"under\"")
		}
		w.WriteString(">")
		w.Text(strings.TrimSpace(e14.Name))
		w.WriteString("</th>")
		for i18, e17 := range e14.Cells {
			col19 := columns11[i18]
			w.WriteString("<td")
			if col19.Starred {
				w.WriteString(" class=\"starred\"")
			}
			w.WriteString(">")
			if e17.Text != "" {
				w.WriteString("<span class=\"measured ")
				w.Text(toneClass(e17.Tone))
				w.WriteString("\">")
				if x20 := toneSign(e17.Tone); x20 != "" {
					w.WriteString("<span aria-hidden=\"true\">")
					w.Text(x20)
					w.WriteString(" </span>")
				}
				w.Text(e17.Text)
				w.WriteString("</span>")
			} else {
				if blank(col19, e17) {
					w.WriteString("<span class=\"soft\" title=\"not measured\">–</span>")
				}
			}
			if x21 := e17.Planned; x21 != "" {
				w.WriteString("<span class=\"plan\">")
				w.Text(x21)
				w.WriteString("</span>")
			}
			if x22 := e17.Expected; x22 != "" {
				w.WriteString("<span class=\"exp\">")
				w.Text(x22)
				w.WriteString("</span>")
			}
			w.WriteString("</td>")
		}
		w.WriteString("</tr>\n")
	}
	w.WriteString("</tbody></table></div>\n<p class=\"soft\">Rule: ")
	w.Text(d.Rule)
	w.WriteString("</p><p class=\"soft\">Stars: ")
	w.Text(d.Stars)
	w.WriteString("</p>\n")
	if x23 := d.BlankLines; len(x23) > 0 {
		w.WriteString("<h3>Blanks</h3><ul>")
		for _, e25 := range x23 {
			w.WriteString("<li>")
			w.Text(e25)
			w.WriteString("</li>")
		}
		w.WriteString("</ul>")
	}
	w.WriteString("\n")
	if x27 := d.ConcernLines; len(x27) > 0 {
		w.WriteString("<h3>Concerns</h3><ul>")
		for _, e29 := range x27 {
			w.WriteString("<li>")
			w.Text(e29)
			w.WriteString("</li>")
		}
		w.WriteString("</ul>")
	}
	w.WriteString("\n")
	if x31 := d.NoteLines; len(x31) > 0 {
		w.WriteString("<details><summary>What the steps say</summary><ul>")
		for _, e33 := range x31 {
			w.WriteString("<li>")
			w.Text(e33)
			w.WriteString("</li>")
		}
		w.WriteString("</ul></details>")
	}
	w.WriteString("\n")
	if x35 := d.Notes; len(x35) > 0 {
		w.WriteString("<h3>Notes</h3><ul>")
		for _, e37 := range x35 {
			w.WriteString("<li>")
			w.Text(e37)
			w.WriteString("</li>")
		}
		w.WriteString("</ul>")
	}
	w.WriteString("\n</section>\n\n<section id=\"tests\" aria-labelledby=\"tests-title\">\n<h2 id=\"tests-title\">Differences from the baseline</h2>\n<div class=\"wide\">")
	for _, e40 := range d.Forests {
		drawWhiskers(w, e40)
	}
	w.WriteString("</div>\n")
	if len(d.Sweeps) > 0 {
		w.WriteString("<h3>Sweep</h3><ul>")
		for _, e43 := range d.SweepLines {
			w.WriteString("<li>")
			w.Text(e43)
			w.WriteString("</li>")
		}
		w.WriteString("</ul>\n")
		for _, e46 := range d.Sweeps {
			w.WriteString("<figure class=\"sweep\"><figcaption>")
			w.Text(e46.Variable)
			w.WriteString(": ")
			w.Text(e46.Metric)
			w.WriteString("</figcaption><table>")
			for _, e49 := range e46.Bars {
				w.WriteString("<tr><th scope=\"row\">")
				w.Text(e49.Value)
				w.WriteString("</th><td><svg viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" width=\"240\" height=\"14\" role=\"img\" aria-label=\"")
				w.Text(e49.Text)
				w.WriteString("\"><rect x=\"")
				w.Text(fmt.Sprint(e49.Low))
				w.WriteString("\" y=\"2.2\" width=\"")
				w.Text(fmt.Sprint(e49.Width))
				w.WriteString("\" height=\"1.6\" fill=\"currentColor\" opacity=\"0.35\"/><rect x=\"")
				w.Text(fmt.Sprint(e49.At))
				w.WriteString("\" y=\"0.5\" width=\"1\" height=\"5\" fill=\"currentColor\"/></svg></td><td>")
				w.Text(e49.Text)
				w.WriteString("</td></tr>")
			}
			w.WriteString("</table></figure>")
		}
	}
	w.WriteString("\n")
	if x51 := d.ControlLines; len(x51) > 0 {
		w.WriteString("<h3>Variations against volume</h3><p class=\"soft\">A control is a strategy's pipeline with as many plain copies of the same rows in the place of variations. It is never recommended.</p><ul>")
		for _, e53 := range x51 {
			w.WriteString("<li>")
			w.Text(e53)
			w.WriteString("</li>")
		}
		w.WriteString("</ul>")
	}
	w.WriteString("\n<p class=\"soft\">On the same rows: McNemar's exact test for rates, DeLong's for ROC-AUC, a paired bootstrap for F1; p-values adjusted for the number of pairs (Holm). Where a training has several seeds, means over seeds are compared, with seeds drawn as rows are.</p>\n")
	if len(d.Tests) > 0 {
		w.WriteString("<details><summary>")
		w.Text(strconv.Itoa(len(d.Tests)))
		w.WriteString(" tests</summary>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Paired tests\"><table class=\"tests\"><thead><tr><th scope=\"col\">Metric</th><th scope=\"col\">Strategy</th><th scope=\"col\">against</th><th scope=\"col\">is</th><th scope=\"col\">difference</th><th scope=\"col\">p</th><th scope=\"col\">rows</th><th scope=\"col\">only one / other flags</th><th scope=\"col\">detectable</th></tr></thead><tbody>\n")
		for _, e56 := range d.Tests {
			w.WriteString("<tr><th scope=\"row\">")
			w.Text(label(e56.Metric))
			w.WriteString("</th><td>")
			w.Text(e56.B)
			w.WriteString("</td><td>")
			w.Text(e56.A)
			w.WriteString("</td><td>")
			w.Text(said(e56))
			if x58 := rowsDiffer(e56); x58 != "" {
				w.WriteString(": ")
				w.Text(x58)
			}
			w.WriteString("</td><td>")
			if e56.Conclusion != "incomparable" {
				w.Text(decidedBy(e56))
			}
			if e56.SeedsA != 0 {
				w.WriteString(", means over ")
				w.Text(strconv.Itoa(e56.SeedsA))
				w.WriteString(" and ")
				w.Text(strconv.Itoa(e56.SeedsB))
				w.WriteString(" seeds")
			}
			w.WriteString("</td><td>")
			if e56.Conclusion != "incomparable" {
				w.WriteString("<span class=\"whole\">")
				w.Text(pvalue(e56.P))
				w.WriteString("</span>")
			}
			w.WriteString("</td><td>")
			w.Text(counted(e56.Rows))
			w.WriteString("</td><td>")
			if e56.OnlyA != 0 || e56.OnlyB != 0 {
				w.Text(counted(e56.OnlyB))
				w.WriteString(" / ")
				w.Text(counted(e56.OnlyA))
			}
			w.WriteString("</td><td>")
			if e56.Detectable != 0 {
				w.Text(fmt.Sprintf("%.4f", e56.Detectable))
			}
			w.WriteString("</td></tr>\n")
		}
		w.WriteString("</tbody></table></div></details>\n")
	} else {
		w.WriteString("<p>There are no two models with scored rows to test.</p>")
	}
	w.WriteString("\n</section>\n\n<section id=\"curves\" aria-labelledby=\"curves-title\">\n<h2 id=\"curves-title\">Curves</h2>\n")
	drawKeys(w, d.Keys)
	w.WriteString("\n<div class=\"plots\">")
	for _, e60 := range d.Trend {
		drawChart(w, e60)
	}
	for _, e63 := range d.Charts {
		drawChart(w, e63)
	}
	for _, e66 := range d.Training {
		drawChart(w, e66)
	}
	w.WriteString("</div>\n<h3>Score histograms</h3>\n<ul class=\"keys\"><li><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><rect class=\"benign\" width=\"26\" height=\"10\"/></svg>benign</li><li><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><rect class=\"malicious\" width=\"26\" height=\"10\"/></svg>malicious</li></ul>\n<div class=\"plots\">")
	for _, e69 := range d.Histograms {
		w.WriteString("<figure><svg width=\"")
		w.Text(fmt.Sprint(e69.W))
		w.WriteString("\" viewBox=\"0 0 ")
		w.Text(fmt.Sprint(e69.W))
		w.WriteString(" ")
		w.Text(fmt.Sprint(e69.H))
		w.WriteString("\" role=\"img\" aria-labelledby=\"")
		w.Text(e69.ID)
		w.WriteString("-t\"><title id=\"")
		w.Text(e69.ID)
		w.WriteString("-t\">")
		w.Text(e69.Title)
		w.WriteString(". ")
		w.Text(e69.Desc)
		w.WriteString("</title>\n")
		for _, e72 := range e69.YTicks {
			w.WriteString("<text class=\"tick\" x=\"42\" y=\"")
			w.Text(coordinate(add(e72.At, 4)))
			w.WriteString("\" text-anchor=\"end\">")
			w.Text(e72.Text)
			w.WriteString("</text>")
		}
		base74 := e69.Base
		w.WriteString("\n")
		for _, e76 := range e69.XTicks {
			w.WriteString("<text class=\"tick\" x=\"")
			w.Text(coordinate(e76.At))
			w.WriteString("\" y=\"")
			w.Text(fmt.Sprint(add(base74, 16)))
			w.WriteString("\" text-anchor=\"middle\">")
			w.Text(e76.Text)
			w.WriteString("</text>")
		}
		w.WriteString("\n")
		for _, e79 := range e69.Bars {
			w.WriteString("<rect class=\"")
			w.Text(e79.Class)
			w.WriteString("\" x=\"")
			w.Text(coordinate(e79.X))
			w.WriteString("\" y=\"")
			w.Text(coordinate(e79.Y))
			w.WriteString("\" width=\"")
			w.Text(coordinate(e79.W))
			w.WriteString("\" height=\"")
			w.Text(coordinate(e79.H))
			w.WriteString("\"><title>")
			w.Text(e79.Text)
			w.WriteString("</title></rect>")
		}
		w.WriteString("\n<line class=\"threshold\" x1=\"")
		w.Text(coordinate(e69.Threshold))
		w.WriteString("\" x2=\"")
		w.Text(coordinate(e69.Threshold))
		w.WriteString("\" y1=\"10\" y2=\"")
		w.Text(fmt.Sprint(e69.Base))
		w.WriteString("\"/><text x=\"230\" y=\"204\" text-anchor=\"middle\">threat score</text></svg>\n<figcaption><strong>")
		w.Text(e69.Title)
		w.WriteString("</strong>. ")
		w.Text(e69.Desc)
		w.WriteString("</figcaption></figure>")
	}
	w.WriteString("</div>\n<h3>Confusion on the test set</h3>\n<div class=\"plots\">")
	for _, e82 := range d.Confusions {
		w.WriteString("<div><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Confusion of ")
		w.Text(e82.Name)
		w.WriteString("\"><table class=\"confusion\"><caption>")
		w.Text(e82.Name)
		w.WriteString("</caption><thead><tr><td></td><th scope=\"col\">flagged</th><th scope=\"col\">passed</th></tr></thead><tbody>\n<tr><th scope=\"row\">malicious</th><td>")
		w.Text(e82.Cells[0])
		w.WriteString("</td><td>")
		w.Text(e82.Cells[1])
		w.WriteString("</td></tr><tr><th scope=\"row\">benign</th><td>")
		w.Text(e82.Cells[2])
		w.WriteString("</td><td>")
		w.Text(e82.Cells[3])
		w.WriteString("</td></tr></tbody></table></div><ul class=\"soft\">")
		for _, e85 := range e82.Facts {
			w.WriteString("<li>")
			w.Text(e85)
			w.WriteString("</li>")
		}
		w.WriteString("</ul></div>")
	}
	w.WriteString("</div>\n</section>\n\n<section id=\"groups\" aria-labelledby=\"groups-title\">\n<h2 id=\"groups-title\">By category, source, length and language</h2>\n")
	drawKeys(w, d.Keys)
	w.WriteString("\n<div class=\"wide\">")
	for _, e88 := range d.Whiskers {
		drawWhiskers(w, e88)
	}
	w.WriteString("</div>\n</section>\n\n<section id=\"rows\" aria-labelledby=\"rows-title\">\n<h2 id=\"rows-title\">Microscope: the rows themselves</h2>\n<p class=\"soft\">False positives on the test set, grouped by the word that tells them best from other benign rows (an association); by what the odds of an attack are divided where the model doesn't see a word (÷: tried out, on the highest-scored rows); and rows that changed sides against the baseline.</p>\n")
	all90 := d.Microscopes
	for _, e91 := range all90 {
		w.WriteString("<details")
		if e91.Open {
			w.WriteString(" open")
		}
		w.WriteString("><summary>")
		w.Text(e91.Column)
		w.WriteString("</summary>\n")
		all93 := e91.Clusters
		for _, e94 := range all93 {
			w.WriteString("<h3>“")
			w.Text(e94.Token)
			w.WriteString("”: ")
			w.Text(counted(e94.Rows))
			w.WriteString(" false positives</h3><p class=\"soft\">")
			w.Text(counted(e94.Benign))
			w.WriteString(" benign rows have it")
			if e94.Fixed != 0 {
				w.WriteString("; ")
				w.Text(counted(e94.Fixed))
				w.WriteString(" that the baseline flagged are passed now")
			}
			w.WriteString(".")
			if e94.Masked != 0 {
				w.WriteString(" Tried on the ")
				w.Text(counted(e94.Masked))
				w.WriteString(" with the highest scores: without the word the odds of an attack are divided by ")
				w.Text(odds(e94.Fall))
				w.WriteString(" on average, and ")
				w.Text(counted(e94.Passes))
				w.WriteString(" of them pass.")
				if x96 := e94.Causes; len(x96) > 0 {
					w.WriteString(" What raises the alarm in them: ")
					drawCauses(w, x96)
					w.WriteString(".")
				}
			}
			w.WriteString("</p>\n<ul>")
			for _, e98 := range e94.Examples {
				w.WriteString("<li><span class=\"text\">")
				w.Text(e98.Text)
				w.WriteString("</span> <small>")
				w.Text(scoreText(e98.Score))
				if x100 := e98.Category; x100 != "" {
					w.WriteString(" · ")
					w.Text(x100)
				}
				if x101 := e98.Source; x101 != "" {
					w.WriteString(" · ")
					w.Text(x101)
				}
				if x102 := e98.Causes; len(x102) > 0 {
					w.WriteString(" · without ")
					drawCauses(w, x102)
				}
				w.WriteString("</small></li>")
			}
			w.WriteString("</ul>")
		}
		if len(all93) == 0 {
			w.WriteString("<p>No word is shared by three or more of its false positives beyond chance.</p>")
		}
		w.WriteString("\n")
		if len(e91.Repairs) > 0 {
			w.WriteString("<h3>What became of the baseline's clusters</h3><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Repairs of ")
			w.Text(e91.Column)
			w.WriteString("\"><table><caption class=\"soft\">Added rows with the same word are named by the method that wrote them; that they stand here is no proof that they helped.")
			if x103 := e91.Shares; len(x103) > 0 {
				w.WriteString(" Of all added benign rows: ")
				for i106, e105 := range x103 {
					if i106 != 0 {
						w.WriteString(", ")
					}
					w.Text(e105.Method)
					w.WriteString(" ")
					w.Text(fmt.Sprintf("%.0f", percentage(e105.Share)))
					w.WriteString("%")
				}
				w.WriteString(".")
			}
			w.WriteString("</caption><thead><tr><th scope=\"col\">Word</th><th scope=\"col\">False positives of the baseline</th><th scope=\"col\">Passed now</th><th scope=\"col\">Added training rows with the word</th><th scope=\"col\">Added rows nearest to those that pass</th></tr></thead><tbody>\n")
			for _, e108 := range e91.Repairs {
				w.WriteString("<tr><th scope=\"row\">“")
				w.Text(e108.Token)
				w.WriteString("”</th><td>")
				w.Text(counted(e108.Before))
				w.WriteString("</td><td>")
				w.Text(counted(e108.Fixed))
				w.WriteString("</td><td>")
				w.Text(methods(e108.Methods))
				w.WriteString("</td><td>")
				w.Text(nearestMethods(e108))
				w.WriteString("</td></tr>")
			}
			w.WriteString("</tbody></table></div>")
		}
		w.WriteString("\n")
		if e91.Column != "baseline" {
			drawFlips(w, newFlipTable("False alarms of the baseline that are gone", e91.Counts[0], e91.Fixed))
			drawFlips(w, newFlipTable("False alarms that are new", e91.Counts[1], e91.New))
			drawFlips(w, newFlipTable("Attacks that are missed now", e91.Counts[2], e91.Missed))
			drawFlips(w, newFlipTable("Attacks that are caught now", e91.Counts[3], e91.Caught))
		}
		w.WriteString("\n")
		chosen110 := e91.Chosen
		if x111 := e91.Against; x111 != nil {
			drawFlips(w, newFlipTable(fmt.Sprintf("False alarms of %s that this one doesn't raise", chosen110), x111.Counts[0], x111.Fixed))
			drawFlips(w, newFlipTable(fmt.Sprintf("False alarms that %s doesn't raise", chosen110), x111.Counts[1], x111.New))
			drawFlips(w, newFlipTable(fmt.Sprintf("Attacks that %s catches and this one misses", chosen110), x111.Counts[2], x111.Missed))
			drawFlips(w, newFlipTable(fmt.Sprintf("Attacks that %s misses and this one catches", chosen110), x111.Counts[3], x111.Caught))
		}
		w.WriteString("\n</details>")
	}
	if len(all90) == 0 {
		w.WriteString("<p>There are no scored rows.</p>")
	}
	w.WriteString("\n</section>\n\n")
	if len(d.Edits) > 0 {
		w.WriteString("<section id=\"edits\" aria-labelledby=\"edits-title\">\n<h2 id=\"edits-title\">Edited texts</h2>\n<p class=\"soft\">Test rows under edits that no training method uses: how many attacks are still caught, how many benign rows are flagged.</p>\n")
		for _, e113 := range d.Edits {
			w.WriteString("<details><summary>")
			w.Text(e113.Name)
			w.WriteString("</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Edits of ")
			w.Text(e113.Name)
			w.WriteString("\"><table><thead><tr><th scope=\"col\">Edit</th><th scope=\"col\">Share touched</th><th scope=\"col\">Recall</th><th scope=\"col\">FP rate</th></tr></thead><tbody>\n")
			for _, e116 := range e113.Trials {
				w.WriteString("<tr><th scope=\"row\">")
				w.Text(e116.Edit)
				w.WriteString("</th><td>")
				w.Text(fmt.Sprint(e116.Strength))
				w.WriteString("</td>")
				for _, e119 := range trialFigures(e116) {
					w.WriteString("<td>")
					w.Text(e119)
					w.WriteString("</td>")
				}
				w.WriteString("</tr>")
			}
			w.WriteString("</tbody></table></div>\n")
			if x121 := e113.Worst(); len(x121) > 0 {
				w.WriteString("<h3>Attacks that slip by under the worst edits</h3><ul>")
				for _, e123 := range x121 {
					w.WriteString("<li><span class=\"text\">")
					w.Text(e123.Text)
					w.WriteString("</span> <small>")
					w.Text(scoreText(e123.Before))
					w.WriteString(" → ")
					w.Text(scoreText(e123.Score))
					w.WriteString(" · ")
					w.Text(e123.Edit)
					w.WriteString(" at ")
					w.Text(fmt.Sprint(e123.Strength))
					w.WriteString("</small></li>")
				}
				w.WriteString("</ul>")
			}
			w.WriteString("\n")
			if x125 := e113.WorstAlarms(); len(x125) > 0 {
				w.WriteString("<h3>Benign rows that raise an alarm under the worst edits</h3><ul>")
				for _, e127 := range x125 {
					w.WriteString("<li><span class=\"text\">")
					w.Text(e127.Text)
					w.WriteString("</span> <small>")
					w.Text(scoreText(e127.Before))
					w.WriteString(" → ")
					w.Text(scoreText(e127.Score))
					w.WriteString(" · ")
					w.Text(e127.Edit)
					w.WriteString(" at ")
					w.Text(fmt.Sprint(e127.Strength))
					w.WriteString("</small></li>")
				}
				w.WriteString("</ul>")
			}
			w.WriteString("</details>")
		}
		w.WriteString("\n</section>")
	}
	w.WriteString("\n\n<section id=\"data\" aria-labelledby=\"data-title\">\n<h2 id=\"data-title\">What the training sets are made of</h2>\n")
	all129 := d.Composition
	for _, e130 := range all129 {
		w.WriteString("<figure><svg viewBox=\"0 0 620 34\" role=\"img\" aria-label=\"")
		w.Text(e130.Name)
		w.WriteString(": ")
		for _, e133 := range e130.Parts {
			w.Text(e133.Text)
			w.WriteString("; ")
		}
		w.WriteString("\">")
		for _, e136 := range e130.Parts {
			w.WriteString("<rect class=\"")
			w.Text(e136.Class)
			w.WriteString("\" x=\"")
			w.Text(coordinate(e136.X))
			w.WriteString("\" y=\"4\" width=\"")
			w.Text(coordinate(e136.W))
			w.WriteString("\" height=\"26\"><title>")
			w.Text(e136.Text)
			w.WriteString("</title></rect>")
		}
		w.WriteString("</svg>\n<figcaption><strong>")
		w.Text(e130.Name)
		w.WriteString("</strong>, ")
		w.Text(e130.Total)
		w.WriteString(": ")
		for i140, e139 := range e130.Parts {
			if i140 != 0 {
				w.WriteString(", ")
			}
			w.Text(e139.Text)
		}
		w.WriteString("</figcaption></figure>")
	}
	if len(all129) == 0 {
		w.WriteString("<p>No training set was recorded.</p>")
	}
	w.WriteString("\n</section>\n\n<section id=\"steps\" aria-labelledby=\"steps-title\">\n<h2 id=\"steps-title\">Steps and what they cost</h2>\n<p class=\"soft\">Times are those of the execution that made each result. Dashed boxes are the baseline's, shared by all.</p>\n")
	for _, e142 := range d.Graphs {
		w.WriteString("<details><summary>")
		w.Text(e142.Name)
		w.WriteString("</summary><div class=\"scroll graph\" tabindex=\"0\" role=\"region\" aria-label=\"Steps of ")
		w.Text(e142.Name)
		w.WriteString("\">\n")
		drawGraph(w, e142)
		w.WriteString("</div></details>")
	}
	w.WriteString("\n</section>\n\n<section id=\"plan\" aria-labelledby=\"plan-title\">\n<h2 id=\"plan-title\">The plan's own figures, and money</h2>\n")
	if x144 := d.Contradictions; len(x144) > 0 {
		w.WriteString("<h3>Where the plan doesn't add up</h3><ul>")
		for _, e146 := range x144 {
			w.WriteString("<li>")
			w.Text(e146)
			w.WriteString("</li>")
		}
		w.WriteString("</ul>")
	}
	w.WriteString("\n")
	if x148 := d.MoneyLines; len(x148) > 0 {
		w.WriteString("<h3>Business impact</h3><ul>")
		for _, e150 := range x148 {
			w.WriteString("<li>")
			w.Text(e150)
			w.WriteString("</li>")
		}
		w.WriteString("</ul>")
	}
	w.WriteString("\n</section>\n\n<section id=\"provenance\" aria-labelledby=\"provenance-title\">\n<h2 id=\"provenance-title\">Provenance</h2>\n")
	for _, e153 := range d.Provenance {
		w.WriteString("<details><summary>")
		w.Text(e153.Name)
		w.WriteString(" <small>")
		w.Text(e153.File)
		w.WriteString("</small></summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Provenance of ")
		w.Text(e153.Name)
		w.WriteString("\"><table><thead><tr><th scope=\"col\">Step</th><th scope=\"col\">Type</th><th scope=\"col\">Status</th><th scope=\"col\">Made</th><th scope=\"col\">Device</th><th scope=\"col\">Action</th><th scope=\"col\">Outputs</th></tr></thead><tbody>\n")
		for _, e156 := range e153.Steps {
			w.WriteString("<tr><th scope=\"row\">")
			w.Text(e156.Name)
			w.WriteString("</th><td>")
			w.Text(e156.Type)
			w.WriteString("</td><td>")
			w.Text(e156.Status)
			w.WriteString("</td><td>")
			w.Text(e156.Made)
			if x158 := e156.Host; x158 != "" {
				w.WriteString(" on ")
				w.Text(x158)
			}
			w.WriteString("</td><td>")
			w.Text(e156.Device)
			w.WriteString("</td><td><code>")
			w.Text(digestHead(e156.Action))
			w.WriteString("</code></td><td>")
			for _, e160 := range e156.Outputs {
				w.WriteString("<code>")
				w.Text(e160)
				w.WriteString("</code> ")
			}
			w.WriteString("</td></tr>")
		}
		w.WriteString("\n</tbody></table></div></details>")
	}
	w.WriteString("\n</section>")
}

func drawReport(w *markup.Writer, d *page) {
	w.WriteString("<a class=\"skip\" href=\"#matrix\">Skip to the matrix</a>\n<header>\n<p class=\"soft facts\">rein compare")
	for _, e2 := range d.Facts {
		w.WriteString(" · ")
		w.Text(e2)
	}
	w.WriteString("</p>\n<h1>")
	w.Text(d.Title)
	w.WriteString("</h1>\n")
	drawReasons(w, d)
	w.WriteString("\n</header>\n")
	drawSections(w, d)
	w.WriteString("\n<main>\n")
	drawBody(w, d)
	w.WriteString("\n</main>")
}

func drawKeys(w *markup.Writer, d []key) {
	w.WriteString("<ul class=\"keys\">")
	for _, e2 := range d {
		w.WriteString("<li><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><path class=\"line ")
		w.Text(e2.Class)
		w.WriteString("\" d=\"M0 5H26\"/></svg>")
		w.Text(e2.Name)
		w.WriteString("</li>")
	}
	w.WriteString("</ul>")
}

func drawChart(w *markup.Writer, d chart) {
	w.WriteString("<figure><svg class=\"chart\" width=\"")
	w.Text(fmt.Sprint(d.W))
	w.WriteString("\" viewBox=\"0 0 ")
	w.Text(fmt.Sprint(d.W))
	w.WriteString(" ")
	w.Text(fmt.Sprint(d.H))
	w.WriteString("\" role=\"img\" aria-labelledby=\"")
	w.Text(d.ID)
	w.WriteString("-t\"><title id=\"")
	w.Text(d.ID)
	w.WriteString("-t\">")
	w.Text(d.Title)
	w.WriteString(". ")
	w.Text(d.Desc)
	w.WriteString("</title>")
	c1 := d
	bottom2 := add(d.Top, d.PlotH)
	right3 := add(d.Left, d.PlotW)
	w.WriteString("\n")
	for _, e5 := range d.XTicks {
		w.WriteString("<path class=\"grid\" d=\"M")
		w.Text(coordinate(e5.At))
		w.WriteString(" ")
		w.Text(fmt.Sprint(c1.Top))
		w.WriteString("V")
		w.Text(fmt.Sprint(bottom2))
		w.WriteString("\"/><text class=\"tick\" x=\"")
		w.Text(coordinate(e5.At))
		w.WriteString("\" y=\"")
		w.Text(fmt.Sprint(add(bottom2, 16)))
		w.WriteString("\" text-anchor=\"middle\">")
		w.Text(e5.Text)
		w.WriteString("</text>")
	}
	w.WriteString("\n")
	for _, e8 := range d.YTicks {
		w.WriteString("<path class=\"grid\" d=\"M")
		w.Text(fmt.Sprint(c1.Left))
		w.WriteString(" ")
		w.Text(coordinate(e8.At))
		w.WriteString("H")
		w.Text(fmt.Sprint(right3))
		w.WriteString("\"/><text class=\"tick\" x=\"")
		w.Text(fmt.Sprint(sub(c1.Left, 6)))
		w.WriteString("\" y=\"")
		w.Text(coordinate(add(e8.At, 4)))
		w.WriteString("\" text-anchor=\"end\">")
		w.Text(e8.Text)
		w.WriteString("</text>")
	}
	w.WriteString("\n")
	if x10 := d.Diagonal; x10 != "" {
		w.WriteString("<path class=\"ref\" d=\"")
		w.Text(x10)
		w.WriteString("\"/>")
	}
	w.WriteString("\n")
	for _, e12 := range d.Lines {
		l14 := e12
		w.WriteString("<path class=\"line ")
		w.Text(e12.Class)
		w.WriteString("\" d=\"")
		w.Text(e12.Path)
		w.WriteString("\"><title>")
		w.Text(e12.Name)
		w.WriteString("</title></path>")
		for _, e16 := range e12.Dots {
			w.WriteString("<circle class=\"dot ")
			w.Text(l14.Class)
			w.WriteString("\" cx=\"")
			w.Text(coordinate(e16[0]))
			w.WriteString("\" cy=\"")
			w.Text(coordinate(e16[1]))
			w.WriteString("\" r=\"2.5\"/>")
		}
	}
	w.WriteString("\n<text x=\"")
	w.Text(coordinate(add(d.Left, half(d.PlotW))))
	w.WriteString("\" y=\"")
	w.Text(fmt.Sprint(sub(d.H, 6)))
	w.WriteString("\" text-anchor=\"middle\">")
	w.Text(d.XLabel)
	w.WriteString("</text><text transform=\"translate(12 ")
	w.Text(coordinate(add(d.Top, half(d.PlotH))))
	w.WriteString(") rotate(-90)\" text-anchor=\"middle\">")
	w.Text(d.YLabel)
	w.WriteString("</text></svg>\n<figcaption><strong>")
	w.Text(d.Title)
	w.WriteString("</strong>. ")
	w.Text(d.Desc)
	w.WriteString("</figcaption></figure>")
}

func drawDecision(w *markup.Writer, d *decision) {
	w.WriteString("<figure class=\"decision ")
	w.Text(d.Class)
	w.WriteString("\"><svg class=\"chart\" width=\"")
	w.Text(fmt.Sprint(d.W))
	w.WriteString("\" viewBox=\"0 0 ")
	w.Text(fmt.Sprint(d.W))
	w.WriteString(" ")
	w.Text(fmt.Sprint(d.H))
	w.WriteString("\" role=\"img\" aria-labelledby=\"")
	w.Text(d.ID)
	w.WriteString("-t\"><title id=\"")
	w.Text(d.ID)
	w.WriteString("-t\">")
	w.Text(d.Title)
	w.WriteString(". ")
	w.Text(d.Desc)
	w.WriteString("</title>")
	c1 := d
	bottom2 := add(d.Top, d.PlotH)
	right3 := add(d.Left, d.PlotW)
	w.WriteString("\n")
	if x4 := d.Box; x4 != nil {
		w.WriteString("<rect class=\"allowed\" x=\"")
		w.Text(coordinate(x4.X))
		w.WriteString("\" y=\"")
		w.Text(coordinate(x4.Y))
		w.WriteString("\" width=\"")
		w.Text(coordinate(x4.W))
		w.WriteString("\" height=\"")
		w.Text(coordinate(x4.H))
		w.WriteString("\"/>")
	}
	w.WriteString("\n")
	for _, e6 := range d.XTicks {
		w.WriteString("<path class=\"grid\" d=\"M")
		w.Text(coordinate(e6.At))
		w.WriteString(" ")
		w.Text(fmt.Sprint(c1.Top))
		w.WriteString("V")
		w.Text(fmt.Sprint(bottom2))
		w.WriteString("\"/><text class=\"tick\" x=\"")
		w.Text(coordinate(e6.At))
		w.WriteString("\" y=\"")
		w.Text(fmt.Sprint(add(bottom2, 16)))
		w.WriteString("\" text-anchor=\"middle\">")
		w.Text(e6.Text)
		w.WriteString("</text>")
	}
	w.WriteString("\n")
	for _, e9 := range d.YTicks {
		w.WriteString("<path class=\"grid\" d=\"M")
		w.Text(fmt.Sprint(c1.Left))
		w.WriteString(" ")
		w.Text(coordinate(e9.At))
		w.WriteString("H")
		w.Text(fmt.Sprint(right3))
		w.WriteString("\"/><text class=\"tick\" x=\"")
		w.Text(fmt.Sprint(sub(c1.Left, 6)))
		w.WriteString("\" y=\"")
		w.Text(coordinate(add(e9.At, 4)))
		w.WriteString("\" text-anchor=\"end\">")
		w.Text(e9.Text)
		w.WriteString("</text>")
	}
	w.WriteString("\n")
	for _, e12 := range d.Marks {
		w.WriteString("<g class=\"")
		if e12.New {
			w.WriteString("new")
		} else {
			w.WriteString("own")
		}
		w.WriteString("\"><title>")
		w.Text(e12.Text)
		w.WriteString("</title><path class=\"line thin ")
		w.Text(e12.Class)
		w.WriteString("\" d=\"M")
		w.Text(coordinate(e12.Left))
		w.WriteString(" ")
		w.Text(coordinate(e12.Y))
		w.WriteString("H")
		w.Text(coordinate(e12.Right))
		w.WriteString("M")
		w.Text(coordinate(e12.X))
		w.WriteString(" ")
		w.Text(coordinate(e12.Low))
		w.WriteString("V")
		w.Text(coordinate(e12.High))
		w.WriteString("\"/><circle class=\"dot ")
		w.Text(e12.Class)
		w.WriteString("\" cx=\"")
		w.Text(coordinate(e12.X))
		w.WriteString("\" cy=\"")
		w.Text(coordinate(e12.Y))
		w.WriteString("\" r=\"5.5\"/>")
		if x14 := e12.Leader; x14 != "" {
			w.WriteString("<path class=\"leader\" d=\"")
			w.Text(x14)
			w.WriteString("\"/>")
		}
		w.WriteString("<text class=\"")
		w.Text(e12.Class)
		w.WriteString("\" x=\"")
		w.Text(coordinate(e12.LabelX))
		w.WriteString("\" y=\"")
		w.Text(coordinate(e12.LabelY))
		w.WriteString("\"")
		if e12.End {
			w.WriteString(" text-anchor=\"end\"")
		}
		w.WriteString(">")
		w.Text(e12.Name)
		w.WriteString("</text></g>")
	}
	w.WriteString("\n<text x=\"")
	w.Text(coordinate(add(d.Left, half(d.PlotW))))
	w.WriteString("\" y=\"")
	w.Text(fmt.Sprint(sub(d.H, 6)))
	w.WriteString("\" text-anchor=\"middle\">")
	w.Text(d.XLabel)
	w.WriteString("</text><text transform=\"translate(12 ")
	w.Text(coordinate(add(d.Top, half(d.PlotH))))
	w.WriteString(") rotate(-90)\" text-anchor=\"middle\">")
	w.Text(d.YLabel)
	w.WriteString("</text></svg>\n<figcaption><strong>")
	w.Text(d.Title)
	w.WriteString("</strong>. ")
	w.Text(d.Desc)
	w.WriteString("</figcaption></figure>")
}

func drawWhiskers(w *markup.Writer, d whiskers) {
	w.WriteString("<figure><svg class=\"chart fluid\" height=\"")
	w.Text(coordinate(d.H))
	w.WriteString("\" role=\"img\" aria-labelledby=\"")
	w.Text(d.ID)
	w.WriteString("-t\"><title id=\"")
	w.Text(d.ID)
	w.WriteString("-t\">")
	w.Text(d.Title)
	w.WriteString(". ")
	w.Text(d.Desc)
	w.WriteString("</title>")
	w1 := d
	w.WriteString("\n")
	for _, e3 := range d.XTicks {
		w.WriteString("<line class=\"grid\" x1=\"")
		w.Text(coordinate(e3.At))
		w.WriteString("%\" x2=\"")
		w.Text(coordinate(e3.At))
		w.WriteString("%\" y1=\"4\" y2=\"")
		w.Text(coordinate(w1.Bottom))
		w.WriteString("\"/><text class=\"tick\" x=\"")
		w.Text(coordinate(e3.At))
		w.WriteString("%\" y=\"")
		w.Text(coordinate(add(w1.Bottom, 14)))
		w.WriteString("\" text-anchor=\"middle\">")
		w.Text(e3.Text)
		w.WriteString("</text>")
	}
	w.WriteString("\n")
	if x5 := d.Zero; x5 != 0 {
		w.WriteString("<line class=\"zero\" x1=\"")
		w.Text(coordinate(x5))
		w.WriteString("%\" x2=\"")
		w.Text(coordinate(x5))
		w.WriteString("%\" y1=\"4\" y2=\"")
		w.Text(coordinate(w1.Bottom))
		w.WriteString("\"/>")
	}
	w.WriteString("\n")
	for _, e7 := range d.Groups {
		w.WriteString("<text class=\"over\" x=\"0\" y=\"")
		w.Text(coordinate(e7.Y))
		w.WriteString("\">")
		w.Text(e7.Name)
		if !(e7.Under) {
			w.WriteString(" <tspan class=\"tick\">")
			w.Text(e7.Note)
			w.WriteString("</tspan>")
		}
		w.WriteString("</text>")
		if e7.Under {
			w.WriteString("<text class=\"over tick\" x=\"0\" y=\"")
			w.Text(coordinate(add(e7.Y, 13)))
			w.WriteString("\">")
			w.Text(e7.Note)
			w.WriteString("</text>")
		}
		w.WriteString("\n")
		for _, e10 := range e7.Marks {
			w.WriteString("<g><title>")
			w.Text(e10.Text)
			w.WriteString("</title><line class=\"line whole ")
			w.Text(e10.Class)
			w.WriteString("\" x1=\"")
			w.Text(coordinate(e10.Low))
			w.WriteString("%\" x2=\"")
			w.Text(coordinate(e10.High))
			w.WriteString("%\" y1=\"")
			w.Text(coordinate(e10.Y))
			w.WriteString("\" y2=\"")
			w.Text(coordinate(e10.Y))
			w.WriteString("\"/><circle class=\"dot ")
			w.Text(e10.Class)
			w.WriteString("\" cx=\"")
			w.Text(coordinate(e10.X))
			w.WriteString("%\" cy=\"")
			w.Text(coordinate(e10.Y))
			w.WriteString("\" r=\"3.5\"/>")
			if e10.Beyond {
				w.WriteString("<text class=\"tick\" x=\"")
				w.Text(coordinate(e10.High))
				w.WriteString("%\" y=\"")
				w.Text(coordinate(add(e10.Y, 4)))
				w.WriteString("\" dx=\"3\">›</text>")
			}
			w.WriteString("</g>")
		}
	}
	w.WriteString("\n<text x=\"50%\" y=\"")
	w.Text(coordinate(add(d.Bottom, 32)))
	w.WriteString("\" text-anchor=\"middle\">")
	w.Text(d.XLabel)
	w.WriteString("</text></svg>\n<figcaption><strong>")
	w.Text(d.Title)
	w.WriteString("</strong>. ")
	w.Text(d.Desc)
	w.WriteString("</figcaption></figure>")
}

func drawCauses(w *markup.Writer, d []compare.Cause) {
	for i3, e2 := range d {
		if i3 != 0 {
			w.WriteString(", ")
		}
		w.WriteString("“")
		w.Text(e2.Word)
		w.WriteString("” ÷")
		w.Text(odds(e2.Fall))
	}
}

func drawFlips(w *markup.Writer, d flipTable) {
	if d.N != 0 {
		w.WriteString("<h3>")
		w.Text(d.Title)
		w.WriteString(": ")
		w.Text(counted(d.N))
		w.WriteString("</h3><ul>")
		for _, e2 := range d.Rows {
			w.WriteString("<li><span class=\"text\">")
			w.Text(e2.Text)
			w.WriteString("</span> <small>")
			w.Text(scoreText(e2.Before))
			w.WriteString(" → ")
			w.Text(scoreText(e2.Score))
			if x4 := e2.Category; x4 != "" {
				w.WriteString(" · ")
				w.Text(x4)
			}
			if x5 := e2.Causes; len(x5) > 0 {
				w.WriteString(" · without ")
				drawCauses(w, x5)
			}
			w.WriteString("</small></li>")
		}
		w.WriteString("</ul>")
	}
}
