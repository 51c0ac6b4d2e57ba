// Code generated from templates by package ahead; DO NOT EDIT.

//go:build !uncompiled

package ui

import (
	"fmt"
	"strconv"

	"rein/cmd/rein/internal/view"
	"rein/pipelines/compare/render"
	"rein/pipelines/compare/render/markup"
	"rein/pipelines/human"
)

func drawCompare(w *markup.Writer, d comparison) {
	w.WriteString("<h1>Compare</h1>\n")
	if len(d.Of) > 0 {
		w.WriteString("<details class=\"choose\"")
		if !(len(d.Chosen) > 0) {
			w.WriteString(" open")
		}
		w.WriteString("><summary>Choose what to compare")
		if x1 := d.Chosen; len(x1) > 0 {
			w.WriteString(" (")
			w.Text(strconv.Itoa(len(x1)))
			w.WriteString(" chosen)")
		}
		w.WriteString("</summary>\n<form action=\"/compare\"><p class=\"filter\"><button>Compare</button> <label for=\"find\">Filter</label><input id=\"find\" type=\"search\" autocomplete=\"off\" placeholder=\"pipeline, revision, day\"></p>\n<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-label=\"Pipelines of runs\"><table class=\"list\"><thead><tr><th scope=\"col\">Pipeline</th><th scope=\"col\">Run</th><th scope=\"col\">Revision</th><th scope=\"col\">Outcome</th></tr></thead><tbody>\n")
		for _, e3 := range d.Of {
			w.WriteString("<tr><th scope=\"row\"><label><input type=\"checkbox\" name=\"of\" value=\"")
			w.Text(e3.Ref)
			w.WriteString("\"")
			if e3.Chosen {
				w.WriteString(" checked")
			}
			w.WriteString("> ")
			w.Text(e3.Name)
			w.WriteString("</label>")
			if e3.Newest {
				w.WriteString(" <small>newest</small>")
			}
			w.WriteString("</th><td><a href=\"/runs/")
			w.Text(markup.Path(e3.ID))
			w.WriteString("\">")
			w.Text(human.Time(e3.Started))
			w.WriteString("</a></td><td><code>")
			w.Text(view.Revision(e3.Git))
			w.WriteString("</code></td><td>")
			w.Text(e3.Outcome)
			w.WriteString("</td></tr>\n")
		}
		w.WriteString("</tbody></table></div></form></details>\n")
		if x5 := d.Chosen; len(x5) > 0 {
			w.WriteString("<p>Look at the rows behind the figures: ")
			for i8, e7 := range x5 {
				if i8 != 0 {
					w.WriteString(", ")
				}
				w.WriteString("<a href=\"")
				w.Text(markup.Path(markup.Link(e7.Rows)))
				w.WriteString("\">")
				w.Text(e7.Name)
				w.WriteString("</a>")
			}
			w.WriteString(".</p>")
		}
		w.WriteString("\n")
		if x9 := d.Report; x9 != "" {
			w.WriteString("<div id=\"report\" class=\"report\" data-src=\"")
			w.Text(markup.Path(markup.Link(x9)))
			w.WriteString("\" aria-busy=\"true\"><p class=\"soft\" role=\"status\">Comparing. This takes some seconds the first time.</p></div>")
		}
		w.WriteString("\n")
	} else {
		w.WriteString("<p>There is no run with figures yet. <code>rein compare</code> makes one.</p>")
	}
	w.WriteString("\n")
}

func drawEntrance(w *markup.Writer, d string) {
	w.WriteString("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>rein</title><link rel=\"icon\" href=\"data:,\"><meta http-equiv=\"refresh\" content=\"0;url=")
	w.Text(markup.Link(d))
	w.WriteString("\"><a href=\"")
	w.Text(markup.Path(markup.Link(d)))
	w.WriteString("\">Go on</a></html>")
}

func drawFoot(w *markup.Writer, d frame) {
	w.WriteString("</main>\n<dialog id=\"keys\" aria-labelledby=\"keys-title\"><h2 id=\"keys-title\">Keys</h2>\n<dl><dt><kbd>g</kbd> then</dt><dd>")
	for _, e2 := range d.Menu {
		w.WriteString("<kbd>")
		w.Text(e2.Key)
		w.WriteString("</kbd> ")
		w.Text(e2.Name)
		w.WriteString(" ")
	}
	w.WriteString("</dd>\n<dt><kbd>/</kbd></dt><dd>to the filter of the page</dd><dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>next and previous line of a list; <kbd>Enter</kbd> opens it</dd><dt><kbd>[</kbd> <kbd>]</kbd></dt><dd>previous and next part of a long list</dd><dt><kbd>?</kbd></dt><dd>this help; <kbd>Esc</kbd> closes it</dd></dl>\n<form method=\"dialog\"><button>Close</button></form></dialog>\n</body>\n</html>\n")
}

func drawHead(w *markup.Writer, d frame) {
	w.WriteString("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>")
	w.Text(d.Title)
	w.WriteString(" · rein</title>\n<link rel=\"stylesheet\" href=\"")
	w.Text(markup.Path(markup.Link(assetPath("report.css"))))
	w.WriteString("\">\n<link rel=\"stylesheet\" href=\"")
	w.Text(markup.Path(markup.Link(assetPath("ui.css"))))
	w.WriteString("\">\n<script defer src=\"")
	w.Text(markup.Path(markup.Link(assetPath("ui.js"))))
	w.WriteString("\"></script>\n")
	if d.At == "/compare" {
		w.WriteString("<script defer src=\"")
		w.Text(markup.Path(markup.Link(assetPath("report.js"))))
		w.WriteString("\"></script>\n")
	}
	if x1 := d.Script; x1 != "" {
		w.WriteString("<script defer src=\"")
		w.Text(markup.Path(markup.Link(assetPath(x1))))
		w.WriteString("\"></script>")
	}
	w.WriteString("\n</head>\n<body class=\"ui\">\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<div class=\"bar\"><strong>rein</strong><nav aria-label=\"Pages\"><ul>")
	at2 := d.At
	for _, e4 := range d.Menu {
		w.WriteString("<li><a href=\"")
		w.Text(markup.Path(markup.Link(e4.Path)))
		w.WriteString("\" data-key=\"")
		w.Text(e4.Key)
		w.WriteString("\"")
		if e4.Path == at2 {
			w.WriteString(" aria-current=\"page\"")
		}
		w.WriteString(">")
		w.Text(e4.Name)
		w.WriteString("</a></li>")
	}
	w.WriteString("</ul></nav>\n<button type=\"button\" id=\"keys-button\" aria-haspopup=\"dialog\">Keys <kbd>?</kbd></button></div>\n<p id=\"connection\" role=\"status\" class=\"warn\" hidden>The server doesn't answer. This page goes on when it is there again.</p>\n<main id=\"main\" tabindex=\"-1\">\n")
}

func drawHistory(w *markup.Writer, d *historyView) {
	w.WriteString("<h1>History</h1>\n<form class=\"filter\" action=\"/history\">\n<label for=\"metric\">Metric</label><select id=\"metric\" name=\"metric\">")
	m1 := d.Metric
	for _, e3 := range d.Metrics {
		w.WriteString("<option value=\"")
		w.Text(e3)
		w.WriteString("\"")
		if e3 == m1 {
			w.WriteString(" selected")
		}
		w.WriteString(">")
		w.Text(render.Label(e3))
		w.WriteString(" (")
		w.Text(e3)
		w.WriteString(")</option>")
	}
	w.WriteString("</select>\n<label for=\"pipeline\">Pipeline</label><select id=\"pipeline\" name=\"pipeline\"><option value=\"\">all</option>")
	p5 := d.Pipeline
	for _, e7 := range d.Pipelines {
		w.WriteString("<option")
		if e7 == p5 {
			w.WriteString(" selected")
		}
		w.WriteString(">")
		w.Text(e7)
		w.WriteString("</option>")
	}
	w.WriteString("</select>\n<label for=\"last\">Runs</label><input id=\"last\" name=\"last\" type=\"number\" min=\"1\" max=\"100000\" value=\"")
	w.Text(strconv.Itoa(d.Last))
	w.WriteString("\">\n<button>Show</button></form>\n")
	if len(d.Lines) > 0 {
		w.WriteString("<div class=\"trend\">")
		w.WriteString(string(d.Chart))
		w.WriteString("</div>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"")
		w.Text(render.Label(d.Metric))
		w.WriteString(" of each run\"><table class=\"list\" data-sortable><thead><tr><th scope=\"col\">Run</th><th scope=\"col\">Revision</th><th scope=\"col\">Pipeline</th><th scope=\"col\">")
		w.Text(render.Label(d.Metric))
		w.WriteString("</th><th scope=\"col\">Change</th><th scope=\"col\">Outcome</th></tr></thead><tbody>\n")
		for _, e10 := range d.Lines {
			w.WriteString("<tr><th scope=\"row\"><a href=\"/runs/")
			w.Text(markup.Path(e10.ID))
			w.WriteString("\">")
			w.Text(human.Time(e10.Started))
			w.WriteString("</a></th><td><code>")
			w.Text(view.Revision(e10.Git))
			w.WriteString("</code></td><td>")
			w.Text(e10.Pipeline)
			w.WriteString("</td><td>")
			w.Text(figureText(m1, e10.Figure))
			w.WriteString("</td><td>")
			w.Text(e10.Change)
			w.WriteString("</td><td>")
			w.Text(e10.Outcome)
			w.WriteString("</td></tr>")
		}
		w.WriteString("</tbody></table></div>\n")
	} else {
		w.WriteString("<p>None of these runs measured ")
		w.Text(render.Label(d.Metric))
		w.WriteString(".</p>")
	}
	w.WriteString("\n")
}

func drawPlan(w *markup.Writer, d planView) {
	w.WriteString("<h1>Plan</h1>\n")
	if len(d.Files) > 0 {
		w.WriteString("<form class=\"filter\" action=\"/plan\"><label for=\"file\">File</label><select id=\"file\" name=\"file\">")
		f1 := d.File
		for _, e3 := range d.Files {
			w.WriteString("<option")
			if e3 == f1 {
				w.WriteString(" selected")
			}
			w.WriteString(">")
			w.Text(e3)
			w.WriteString("</option>")
		}
		w.WriteString("</select> <button>Show</button></form>\n<div class=\"two\"><div><label for=\"text\">Text of ")
		w.Text(d.File)
		w.WriteString("</label><textarea id=\"text\" data-file=\"")
		w.Text(d.File)
		w.WriteString("\" rows=\"28\" spellcheck=\"false\" autocapitalize=\"off\" autocomplete=\"off\" aria-describedby=\"text-note\">")
		w.Text(d.Text)
		w.WriteString("</textarea>\n<p class=\"soft\" id=\"text-note\">Edit here or in your editor: the plan follows. What you type here is not saved.</p><p id=\"saved\" class=\"warn\" role=\"status\" hidden>The file has changed on disk. <button type=\"button\" id=\"reload\">Take its text</button></p></div>\n<div id=\"plan-result\" aria-live=\"polite\">")
		drawPlanResult(w, d.Plan)
		w.WriteString("</div></div>\n")
	} else {
		w.WriteString("<p>There are no pipeline files here. <code>rein init</code> writes some.</p>")
	}
	w.WriteString("\n")
}

func drawPlanResult(w *markup.Writer, d *Plan) {
	if d != nil {
		for _, e2 := range d.Problems {
			w.WriteString("<p class=\"")
			if e2.Severity == "warning" {
				w.WriteString("warn")
			} else {
				w.WriteString("bad")
			}
			w.WriteString(" problem\"><strong>")
			w.Text(e2.Severity)
			if e2.Line != 0 {
				w.WriteString(", ")
				w.Text(e2.File)
				w.WriteString(":")
				w.Text(strconv.Itoa(e2.Line))
			}
			w.WriteString(":</strong> ")
			w.Text(e2.Summary)
			if x4 := e2.Detail; x4 != "" {
				w.WriteString(" <span class=\"soft\">")
				w.Text(x4)
				w.WriteString("</span>")
			}
			w.WriteString("</p>")
		}
		w.WriteString("\n")
		if x5 := d.Summary; x5 != "" {
			w.WriteString("<p class=\"summary\">")
			w.Text(x5)
			w.WriteString("</p>")
		}
		w.WriteString("\n")
		for _, e7 := range d.Pipelines {
			w.WriteString("<h2>")
			w.Text(e7.Name)
			w.WriteString("</h2><p>")
			w.Text(e7.Counts)
			w.WriteString("</p>\n<div class=\"scroll graph\" tabindex=\"0\" role=\"region\" aria-label=\"Graph of ")
			w.Text(e7.Name)
			w.WriteString("\">")
			w.WriteString(string(e7.Graph()))
			w.WriteString("</div>\n")
			if x9 := e7.Pending(); len(x9) > 0 {
				w.WriteString("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Steps that would run\"><table class=\"list\"><thead><tr><th scope=\"col\">Step</th><th scope=\"col\">Type</th><th scope=\"col\">Plan</th><th scope=\"col\">About</th><th scope=\"col\">Why</th></tr></thead><tbody>\n")
				for _, e11 := range x9 {
					w.WriteString("<tr><th scope=\"row\">")
					w.Text(e11.Name)
					w.WriteString("</th><td>")
					w.Text(e11.Type)
					w.WriteString("</td><td>")
					if fmt.Sprint(e11.Status) == "unknown" {
						w.WriteString("run if needed")
					} else {
						w.Text(string(e11.Status))
					}
					w.WriteString("</td><td>")
					if e11.ForecastMS != 0 {
						w.Text(milliseconds(e11.ForecastMS))
					}
					w.WriteString("</td><td class=\"says\">")
					for _, e14 := range e11.Reasons {
						w.Text(e14)
						w.WriteString(" ")
					}
					w.WriteString("</td></tr>")
				}
				w.WriteString("</tbody></table></div>")
			}
		}
	}
}

func drawProblem(w *markup.Writer, d failure) {
	w.WriteString("<h1>")
	w.Text(d.Title)
	w.WriteString("</h1><p class=\"bad\">")
	w.Text(d.Text)
	w.WriteString("</p>")
}

func drawReview(w *markup.Writer, d reviewView) {
	w.WriteString("<h1>Review</h1>\n")
	if len(d.Files) > 0 {
		if len(d.Files) > 1 {
			w.WriteString("<form class=\"filter\" action=\"/review\"><label for=\"file\">Pipeline</label><select id=\"file\" name=\"file\">")
			f1 := d.File
			for _, e3 := range d.Files {
				w.WriteString("<option")
				if e3 == f1 {
					w.WriteString(" selected")
				}
				w.WriteString(">")
				w.Text(e3)
				w.WriteString("</option>")
			}
			w.WriteString("</select> <button>Show</button></form>")
		}
		w.WriteString("\n")
		if d.Problem != "" {
			w.WriteString("<p class=\"bad\">")
			w.Text(d.Problem)
			w.WriteString("</p>")
		} else {
			w.WriteString("<div id=\"review\" data-file=\"")
			w.Text(d.File)
			w.WriteString("\">")
			drawReviewCard(w, d.Card)
			w.WriteString("</div>\n<p id=\"failed\" class=\"bad\" role=\"alert\" hidden></p>")
		}
		w.WriteString("\n")
	} else {
		w.WriteString("<p>No pipeline has a review step with a decisions file. <code>rein steps review</code> shows one.</p>")
	}
	w.WriteString("\n")
}

func drawReviewCard(w *markup.Writer, d *reviewed) {
	w.WriteString("<p role=\"status\">")
	w.Text(counted(d.Decided))
	w.WriteString(" of ")
	w.Text(counted(d.Of))
	w.WriteString(" decided, in <code>")
	w.Text(d.Path)
	w.WriteString("</code></p><progress max=\"")
	w.Text(strconv.Itoa(d.Of))
	w.WriteString("\" value=\"")
	w.Text(strconv.Itoa(d.Decided))
	w.WriteString("\" aria-label=\"Rows that are decided\"></progress>\n")
	if d.Finished {
		w.WriteString("<p>")
		if d.Of != 0 {
			w.WriteString("All are decided.")
		} else {
			w.WriteString("There are no rows to look at.")
		}
		w.WriteString(" <button type=\"button\" data-act=\"u\">Undo <kbd>u</kbd></button></p>\n")
	} else {
		w.WriteString("<article class=\"card\" data-at=\"")
		w.Text(strconv.Itoa(d.At))
		w.WriteString("\" data-id=\"")
		w.Text(d.Row.ID)
		w.WriteString("\" data-other=\"")
		w.Text(d.Other)
		w.WriteString("\" aria-label=\"Row ")
		w.Text(counted(sum(d.At, 1)))
		w.WriteString(" of ")
		w.Text(counted(d.Of))
		w.WriteString("\">\n<p class=\"soft facts\">row ")
		w.Text(counted(sum(d.At, 1)))
		w.WriteString(" of ")
		w.Text(counted(d.Of))
		w.WriteString(" · <strong>")
		w.Text(d.Row.Label)
		w.WriteString("</strong>")
		if x1 := d.Row.Category; x1 != "" {
			w.WriteString(" · ")
			w.Text(x1)
		}
		if x2 := d.Row.Method; x2 != "" {
			w.WriteString(" · made by ")
			w.Text(x2)
		}
		if x3 := d.Row.Source; x3 != "" {
			w.WriteString(" · ")
			w.Text(x3)
		}
		if x4 := d.Verdict; x4 != "" {
			w.WriteString(" · <span class=\"verdict ")
			if x4 == "accept" {
				w.WriteString("good")
			} else {
				if x4 == "reject" {
					w.WriteString("bad")
				} else {
					w.WriteString("warn")
				}
			}
			w.WriteString("\">")
			w.Text(x4)
			if x5 := d.Label; x5 != "" {
				w.WriteString(" as ")
				w.Text(x5)
			}
			w.WriteString("</span>")
		}
		w.WriteString("</p>\n<p class=\"text whole\"><bdi>")
		for _, e7 := range d.Text {
			if e7.Marked {
				w.WriteString("<mark>")
				w.Text(visible(e7.Text))
				w.WriteString("</mark>")
			} else {
				w.Text(visible(e7.Text))
			}
		}
		w.WriteString("</bdi></p>\n")
		if x9 := d.Original; len(x9) > 0 {
			w.WriteString("<p class=\"soft facts\">made of</p><p class=\"text whole soft\"><bdi>")
			for _, e11 := range x9 {
				if e11.Marked {
					w.WriteString("<mark>")
					w.Text(visible(e11.Text))
					w.WriteString("</mark>")
				} else {
					w.Text(visible(e11.Text))
				}
			}
			w.WriteString("</bdi></p>")
		}
		w.WriteString("\n<p class=\"filter\"><label for=\"note\">Note</label><input id=\"note\" value=\"")
		w.Text(d.Note)
		w.WriteString("\" autocomplete=\"off\" maxlength=\"2000\"></p>\n<p class=\"acts\"><button type=\"button\" data-act=\"a\">Accept <kbd>a</kbd></button> <button type=\"button\" data-act=\"r\">Reject <kbd>r</kbd></button> <button type=\"button\" data-act=\"l\">It is ")
		w.Text(d.Other)
		w.WriteString(" <kbd>l</kbd></button> <button type=\"button\" data-act=\"u\">Undo <kbd>u</kbd></button> <button type=\"button\" data-act=\"ArrowLeft\">Previous <kbd>←</kbd></button> <button type=\"button\" data-act=\"ArrowRight\">Next <kbd>→</kbd></button></p>\n<p class=\"soft\"><kbd>n</kbd> goes to the note, <kbd>Enter</kbd> leaves it. Each decision is written at once, to the file that <code>rein review</code> writes; it belongs in git.</p>\n</article>")
	}
}

func drawRowDetail(w *markup.Writer, d *rowDetail) {
	w.WriteString("\n<p class=\"text whole\"><bdi>")
	w.Text(visible(d.Row.Text))
	w.WriteString("</bdi></p>\n<dl class=\"figures\"><div><dt>Score</dt><dd>")
	w.Text(scoreText(d.Row.Score))
	w.WriteString(" (threshold ")
	w.Text(scoreText(d.Threshold))
	w.WriteString(")</dd></div>")
	if d.Compared {
		w.WriteString("<div><dt>")
		w.Text(d.Against)
		w.WriteString("</dt><dd>")
		w.Text(scoreText(d.Row.Before))
		w.WriteString("</dd></div>")
	}
	w.WriteString("<div><dt>Label</dt><dd>")
	w.Text(d.Row.Label)
	w.WriteString("</dd></div>")
	if x1 := d.Row.Family; x1 != "" {
		w.WriteString("<div><dt>Likeliest attack</dt><dd>")
		w.Text(x1)
		w.WriteString("</dd></div>")
	}
	if x2 := d.Row.Cluster; x2 != "" {
		w.WriteString("<div><dt>Cluster</dt><dd>“")
		w.Text(visible(x2))
		w.WriteString("”</dd></div>")
	}
	w.WriteString("<div><dt>Id</dt><dd><code>")
	w.Text(visible(d.Row.ID))
	w.WriteString("</code></dd></div></dl>\n")
	if len(d.Causes) > 0 {
		w.WriteString("<p>Without a word the odds of an attack are divided: ")
		for i5, e4 := range d.Causes {
			if i5 != 0 {
				w.WriteString(", ")
			}
			w.WriteString("“")
			w.Text(visible(e4.Word))
			w.WriteString("” ÷")
			w.Text(render.Odds(e4.Fall))
		}
		w.WriteString(".</p>")
	} else {
		if d.NoCauses != "" {
			w.WriteString("<p class=\"soft\">Its words can't be tried out: ")
			w.Text(d.NoCauses)
			w.WriteString("</p>")
		} else {
			if d.Row.Flagged {
				w.WriteString("<p class=\"soft\">No single word raises the alarm, or the model is not in the store.</p>")
			}
		}
	}
	w.WriteString("\n")
	if len(d.Up) > 0 {
		w.WriteString("<ol class=\"lineage\" aria-label=\"Lineage\">")
		for i8, e7 := range d.Up {
			w.WriteString("<li>")
			if i8 != 0 {
				w.WriteString("made of ")
			}
			w.WriteString("<strong>")
			w.Text(e7.Step)
			w.WriteString("</strong>")
			if x9 := e7.Method; x9 != "" {
				w.WriteString(" by ")
				w.Text(x9)
			}
			if x10 := e7.Source; x10 != "" {
				w.WriteString(" · ")
				w.Text(x10)
			}
			if i8 != 0 {
				w.WriteString(": <span class=\"text\"><bdi>")
				w.Text(visible(e7.Text))
				w.WriteString("</bdi></span>")
			}
			w.WriteString("</li>")
		}
		w.WriteString("</ol>\n")
		if len(d.Made) > 0 {
			w.WriteString("<details><summary>")
			w.Text(human.Many(sum(len(d.Made), d.Further), "row"))
			w.WriteString(" of the same origin</summary><ul>")
			for _, e12 := range d.Made {
				w.WriteString("<li><small>")
				w.Text(e12.Step)
				if x14 := e12.Method; x14 != "" {
					w.WriteString(" by ")
					w.Text(x14)
				}
				w.WriteString("</small> <span class=\"text\"><bdi>")
				w.Text(visible(e12.Text))
				w.WriteString("</bdi></span></li>")
			}
			if d.Further != 0 {
				w.WriteString("<li class=\"soft\">and ")
				w.Text(counted(d.Further))
				w.WriteString(" more</li>")
			}
			w.WriteString("</ul></details>")
		}
		w.WriteString("\n")
	} else {
		w.WriteString("<p class=\"soft\">The data that this row came from are not in the store any more.</p>")
	}
	w.WriteString("\n")
}

func drawRows(w *markup.Writer, d *rowsView) {
	w.WriteString("<h1>Rows</h1>\n")
	if d.Of != "" {
		w.WriteString("<form class=\"filter\" id=\"rows-form\" action=\"/rows\">\n<div class=\"field\"><label for=\"of\">Tested</label><select id=\"of\" name=\"of\">")
		of1 := d.Of
		for _, e3 := range d.Subjects {
			w.WriteString("<option value=\"")
			w.Text(e3.Ref)
			w.WriteString("\"")
			if e3.Ref == of1 {
				w.WriteString(" selected")
			}
			w.WriteString(">")
			w.Text(e3.Name)
			w.WriteString(" · ")
			w.Text(human.Time(e3.Started))
			w.WriteString(" ")
			w.Text(view.Revision(e3.Git))
			w.WriteString("</option>")
		}
		w.WriteString("</select></div>\n<div class=\"field\"><label for=\"against\">Beside</label><select id=\"against\" name=\"against\"><option value=\"\">its baseline</option>")
		against5 := d.Against
		for _, e7 := range d.Subjects {
			w.WriteString("<option value=\"")
			w.Text(e7.Ref)
			w.WriteString("\"")
			if e7.Ref == against5 {
				w.WriteString(" selected")
			}
			w.WriteString(">")
			w.Text(e7.Name)
			w.WriteString(" · ")
			w.Text(human.Time(e7.Started))
			w.WriteString(" ")
			w.Text(view.Revision(e7.Git))
			w.WriteString("</option>")
		}
		w.WriteString("</select></div>\n<div class=\"field\"><label for=\"set\">Set</label><select id=\"set\" name=\"set\">")
		set9 := d.Set
		for _, e11 := range d.Sets {
			w.WriteString("<option")
			if e11 == set9 {
				w.WriteString(" selected")
			}
			w.WriteString(">")
			w.Text(e11)
			w.WriteString("</option>")
		}
		w.WriteString("</select></div>\n<div class=\"field\"><label for=\"kind\">Show</label><select id=\"kind\" name=\"kind\">")
		kind13 := d.Kind
		for _, e15 := range d.Kinds {
			w.WriteString("<option value=\"")
			w.Text(e15.Key)
			w.WriteString("\"")
			if e15.Key == kind13 {
				w.WriteString(" selected")
			}
			w.WriteString(">")
			w.Text(e15.Name)
			w.WriteString(" (")
			w.Text(counted(e15.N))
			w.WriteString(")</option>")
		}
		w.WriteString("</select></div>\n<div class=\"field\"><label for=\"cluster\">Cluster</label><select id=\"cluster\" name=\"cluster\"><option value=\"\">all</option>")
		cluster17 := d.Cluster
		for _, e19 := range d.Clusters {
			w.WriteString("<option value=\"")
			w.Text(e19.Token)
			w.WriteString("\"")
			if e19.Token == cluster17 {
				w.WriteString(" selected")
			}
			w.WriteString(">“")
			w.Text(visible(e19.Token))
			w.WriteString("” (")
			w.Text(counted(e19.Rows))
			w.WriteString(")</option>")
		}
		w.WriteString("</select></div>\n<div class=\"field\"><label for=\"category\">Category</label><select id=\"category\" name=\"category\"><option value=\"\">all</option>")
		category21 := d.Category
		for _, e23 := range d.Categories {
			w.WriteString("<option")
			if e23 == category21 {
				w.WriteString(" selected")
			}
			w.WriteString(">")
			w.Text(e23)
			w.WriteString("</option>")
		}
		w.WriteString("</select></div>\n<div class=\"field\"><label for=\"source\">Source</label><select id=\"source\" name=\"source\"><option value=\"\">all</option>")
		source25 := d.Source
		for _, e27 := range d.Sources {
			w.WriteString("<option")
			if e27 == source25 {
				w.WriteString(" selected")
			}
			w.WriteString(">")
			w.Text(e27)
			w.WriteString("</option>")
		}
		w.WriteString("</select></div>\n<div class=\"field\"><label for=\"order\">Order</label><select id=\"order\" name=\"order\">")
		order29 := d.Order
		for _, e31 := range d.Orders {
			w.WriteString("<option value=\"")
			w.Text(e31.Key)
			w.WriteString("\"")
			if e31.Key == order29 {
				w.WriteString(" selected")
			}
			w.WriteString(">")
			w.Text(e31.Name)
			w.WriteString("</option>")
		}
		w.WriteString("</select></div>\n<div class=\"field\"><label for=\"q\">Filter</label><input id=\"q\" name=\"q\" type=\"search\" value=\"")
		w.Text(d.Filter)
		w.WriteString("\" autocomplete=\"off\" placeholder=\"words of the text, id, source\"></div>\n<button>Show</button></form>")
	}
	w.WriteString("\n<div id=\"rows-table\">")
	drawRowsTable(w, d)
	w.WriteString("</div>\n")
}

func drawRowsTable(w *markup.Writer, d *rowsView) {
	if d.Problem != "" {
		w.WriteString("<p class=\"bad\">")
		w.Text(d.Problem)
		w.WriteString("</p>")
	} else {
		w.WriteString("\n<p role=\"status\">")
		w.Text(counted(d.Found()))
		w.WriteString(" of ")
		w.Text(counted(d.InKind))
		w.WriteString(" rows")
		if d.InKind != d.Scored {
			w.WriteString(", of ")
			w.Text(counted(d.Scored))
			w.WriteString(" that were scored")
		}
		w.WriteString(". Threshold ")
		w.Text(scoreText(d.Threshold))
		w.WriteString(".")
		if !(d.Compared) {
			w.WriteString(" <span class=\"soft\">")
			w.Text(d.AgainstName)
			w.WriteString(" was not tested on the same rows: nothing can be said of what changed sides.</span>")
		}
		w.WriteString("</p>\n")
		if len(d.Rows) > 0 {
			w.WriteString("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Rows\"><table class=\"list rows\"><thead><tr><th scope=\"col\">Score</th>")
			if d.Compared {
				w.WriteString("<th scope=\"col\">")
				w.Text(d.AgainstName)
				w.WriteString("</th>")
			}
			w.WriteString("<th scope=\"col\">Text</th><th scope=\"col\">Label</th><th scope=\"col\">Cluster</th><th scope=\"col\">Category</th><th scope=\"col\">Source</th></tr></thead><tbody>\n")
			v1 := d
			for _, e3 := range d.Rows {
				w.WriteString("<tr><td class=\"")
				if e3.Flagged == e3.Attack() {
					w.WriteString("good")
				} else {
					w.WriteString("bad")
				}
				w.WriteString("\">")
				w.Text(scoreText(e3.Score))
				w.WriteString("</td>")
				if v1.Compared {
					w.WriteString("<td")
					if e3.Flipped() {
						w.WriteString(" class=\"flip\"")
					}
					w.WriteString(">")
					w.Text(scoreText(e3.Before))
					w.WriteString("</td>")
				}
				w.WriteString("<th scope=\"row\"><button type=\"button\" class=\"text\" data-detail=\"")
				w.Text(v1.Detail(e3))
				w.WriteString("\" aria-expanded=\"false\"><bdi>")
				w.Text(visible(e3.Text))
				w.WriteString("</bdi></button></th><td>")
				w.Text(e3.Label)
				w.WriteString("</td><td>")
				if x5 := e3.Cluster; x5 != "" {
					w.WriteString("“")
					w.Text(visible(x5))
					w.WriteString("”")
				}
				w.WriteString("</td><td>")
				w.Text(e3.Category)
				w.WriteString("</td><td>")
				w.Text(e3.Source)
				w.WriteString("</td></tr>\n")
			}
			w.WriteString("</tbody></table></div>\n")
			drawPager(w, d.Pages)
		} else {
			w.WriteString("<p>No row fits.</p>")
		}
	}
}

func drawRun(w *markup.Writer, d *shownRun) {
	w.WriteString("<p class=\"soft facts\"><a href=\"/\">Runs</a> · ")
	w.Text(d.ID)
	w.WriteString("</p>\n<h1>Run of ")
	w.Text(human.Time(d.Started))
	w.WriteString(" <span id=\"outcome\" class=\"outcome\">")
	if d.Ended {
		if d.Verdict == "pass" {
			w.WriteString("<span class=\"good\">pass</span>")
		} else {
			w.WriteString("<span class=\"bad\">")
			w.Text(d.Verdict)
			w.WriteString("</span>")
		}
	} else {
		if d.Live {
			w.WriteString("running")
		} else {
			w.WriteString("<span class=\"bad\">ended without a record</span>")
		}
	}
	w.WriteString("</span></h1>\n<p class=\"soft facts\">")
	if x1 := view.Revision(d.Git); x1 != "" {
		w.WriteString("commit <code>")
		w.Text(x1)
		w.WriteString("</code> · ")
	}
	w.Text(d.Host.Name)
	if x2 := d.Command; len(x2) > 0 {
		w.WriteString(" · <code>")
		for _, e4 := range x2 {
			w.Text(e4)
			w.WriteString(" ")
		}
		w.WriteString("</code>")
	}
	w.WriteString("</p>\n")
	if x6 := d.Missed; len(x6) > 0 {
		w.WriteString("<h2>Expectations that aren't met</h2><ul>")
		for _, e8 := range x6 {
			w.WriteString("<li class=\"bad\">")
			w.Text(e8)
			w.WriteString("</li>")
		}
		w.WriteString("</ul>")
	}
	if x10 := d.Error; x10 != "" {
		w.WriteString("<p class=\"bad\">")
		w.Text(x10)
		w.WriteString("</p>")
	}
	w.WriteString("\n<section id=\"progress\" data-run=\"")
	w.Text(d.ID)
	w.WriteString("\" data-started=\"")
	w.Text(fmt.Sprint(d.Started.UnixMilli()))
	w.WriteString("\"")
	if d.Live {
		w.WriteString(" data-live")
	}
	w.WriteString(" aria-labelledby=\"progress-title\">\n<h2 id=\"progress-title\">Progress</h2>\n<p id=\"summary\" role=\"status\">&nbsp;</p><progress id=\"bar\" max=\"1\" value=\"0\" aria-label=\"Steps that have ended\"></progress>\n<ul id=\"running\" aria-label=\"Steps that run\"></ul>\n</section>\n<section aria-labelledby=\"steps-title\"><h2 id=\"steps-title\">Steps</h2>\n<p class=\"soft legend\"><span class=\"is-running\">running</span> <span class=\"is-ran\">ran</span> <span class=\"is-cached\">cached</span> <span class=\"is-failed\">failed or said no</span> <span class=\"is-waiting\">waits</span></p>\n")
	for i13, e12 := range d.Pipelines {
		w.WriteString("<details")
		if (i13 == 0) || (len(d.Pipelines) <= 2) {
			w.WriteString(" open")
		}
		w.WriteString("><summary>")
		w.Text(e12.Name)
		w.WriteString(" <small>")
		w.Text(e12.File)
		w.WriteString("</small></summary>\n<div class=\"scroll graph\" tabindex=\"0\" role=\"region\" aria-label=\"Graph of ")
		w.Text(e12.Name)
		w.WriteString("\">")
		w.WriteString(string(e12.Graph))
		w.WriteString("</div>\n")
		if x14 := e12.Figures; len(x14) > 0 {
			w.WriteString("<dl class=\"figures\">")
			for _, e16 := range x14 {
				w.WriteString("<div><dt>")
				w.Text(e16.Name)
				w.WriteString("</dt><dd>")
				w.Text(e16.Value)
				w.WriteString("</dd></div>")
			}
			w.WriteString("</dl>")
		}
		w.WriteString("\n")
		if e12.Scored {
			w.WriteString("<p><a href=\"/rows?of=")
			w.Text(markup.Query(d.ID))
			w.WriteString("/")
			w.Text(markup.Query(e12.Name))
			w.WriteString("\">The rows behind these figures</a></p>")
		}
		w.WriteString("\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Steps of ")
		w.Text(e12.Name)
		w.WriteString("\"><table class=\"steps list\"><thead><tr><th scope=\"col\">Step</th><th scope=\"col\">Type</th><th scope=\"col\">Status</th><th scope=\"col\">Time</th><th scope=\"col\">What it says</th></tr></thead><tbody>\n")
		for _, e19 := range e12.Steps {
			w.WriteString("<tr data-step=\"")
			w.Text(e12.Name)
			w.WriteString("/")
			w.Text(e19.Name)
			w.WriteString("\"")
			if e19.Status == "not needed" {
				w.WriteString(" class=\"soft\"")
			}
			w.WriteString("><th scope=\"row\"><button type=\"button\" class=\"link\" data-log=\"")
			w.Text(e12.Name)
			w.WriteString("/")
			w.Text(e19.Name)
			w.WriteString("\">")
			w.Text(e19.Name)
			w.WriteString("</button></th><td>")
			w.Text(e19.Type)
			w.WriteString("</td><td class=\"status is-")
			if e19.Status != "" {
				w.Text(e19.Status)
			} else {
				w.WriteString("waiting")
			}
			w.WriteString("\">")
			if e19.Status != "" {
				w.Text(e19.Status)
			} else {
				w.WriteString("waits")
			}
			w.WriteString("</td><td class=\"time\">")
			if e19.RunMS != 0 {
				w.Text(milliseconds(e19.RunMS))
			}
			w.WriteString("</td><td class=\"says\">")
			if x21 := e19.Error; x21 != "" {
				w.WriteString("<span class=\"bad\">")
				w.Text(x21)
				w.WriteString("</span> ")
			}
			for _, e23 := range e19.Reasons {
				w.Text(e23)
				w.WriteString(" ")
			}
			for _, e26 := range e19.Result.Notes {
				w.WriteString("<br>")
				w.Text(e26)
			}
			w.WriteString("</td></tr>\n")
		}
		w.WriteString("</tbody></table></div></details>")
	}
	w.WriteString("\n</section>\n<section aria-labelledby=\"curves-title\"><h2 id=\"curves-title\">Curves</h2><div id=\"curves\" class=\"plots\"><p class=\"soft\">No step has recorded a curve.</p></div></section>\n<section aria-labelledby=\"log-title\"><h2 id=\"log-title\">Log</h2>\n<div class=\"filter\"><label for=\"log-step\">Step</label><select id=\"log-step\"><option value=\"\">all steps</option>")
	for _, e29 := range d.Pipelines {
		for _, e32 := range e29.Steps {
			w.WriteString("<option>")
			w.Text(e29.Name)
			w.WriteString("/")
			w.Text(e32.Name)
			w.WriteString("</option>")
		}
	}
	w.WriteString("</select> <label for=\"log-filter\">Filter</label><input id=\"log-filter\" type=\"search\" autocomplete=\"off\"></div>\n<div id=\"log\" class=\"log\" tabindex=\"0\" role=\"log\" aria-label=\"Log lines\"><p class=\"soft\">No log lines are kept of this run.</p></div></section>\n")
}

func drawRuns(w *markup.Writer, d *runList) {
	w.WriteString("<h1>Runs</h1>\n<form class=\"filter\" role=\"search\" action=\"/\"><label for=\"q\">Filter</label><input id=\"q\" name=\"q\" type=\"search\" value=\"")
	w.Text(d.Filter)
	w.WriteString("\" placeholder=\"pipeline, outcome, revision, day\" autocomplete=\"off\"></form>\n<div id=\"runs-table\" data-state=\"")
	w.Text(d.State)
	w.WriteString("\" aria-live=\"polite\">")
	drawRunsTable(w, d)
	w.WriteString("</div>\n")
}

func drawRunsTable(w *markup.Writer, d *runList) {
	w.WriteString("\n")
	for _, e2 := range d.Live {
		w.WriteString("<p class=\"live\"><a href=\"/runs/")
		w.Text(markup.Path(e2.ID))
		w.WriteString("\"><span class=\"pulse\" aria-hidden=\"true\"></span>A run goes on</a> since ")
		w.Text(human.Time(e2.Started))
		w.WriteString(": ")
		w.Text(e2.Names)
		w.WriteString(", ")
		w.Text(human.Many(e2.Steps, "step"))
		w.WriteString("</p>")
	}
	w.WriteString("\n")
	if len(d.Runs) > 0 {
		w.WriteString("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Runs\"><table class=\"list\"><thead><tr><th scope=\"col\">Started</th><th scope=\"col\">Outcome</th><th scope=\"col\">Took</th><th scope=\"col\">Revision</th><th scope=\"col\">Steps</th><th scope=\"col\">Pipelines</th></tr></thead><tbody>\n")
		for _, e5 := range d.Runs {
			w.WriteString("<tr><th scope=\"row\"><a href=\"/runs/")
			w.Text(markup.Path(e5.ID))
			w.WriteString("\">")
			w.Text(human.Time(e5.Started))
			w.WriteString("</a></th><td><span class=\"")
			if e5.Outcome == "pass" {
				w.WriteString("good")
			} else {
				w.WriteString("bad")
			}
			w.WriteString("\">")
			w.Text(e5.Outcome)
			w.WriteString("</span></td><td>")
			w.Text(took(e5.Started, e5.Ended))
			w.WriteString("</td><td><code>")
			w.Text(view.Revision(e5.Git))
			w.WriteString("</code></td><td>")
			w.Text(statuses(e5.Statuses))
			w.WriteString("</td><td>")
			for _, e8 := range e5.Pipelines {
				w.Text(e8.Name)
				w.WriteString(" ")
			}
			w.WriteString("</td></tr>\n")
		}
		w.WriteString("</tbody></table></div>\n")
		drawPager(w, d.Pages)
		w.WriteString("\n")
	} else {
		if d.Filter != "" {
			w.WriteString("<p>None of ")
			w.Text(human.Many(d.Total, "run"))
			w.WriteString(" has all of these words.</p>\n")
		} else {
			w.WriteString("<p>There are no runs yet. <code>rein run</code> makes the first; it appears here as it goes.</p>")
		}
	}
	w.WriteString("\n")
	if d.Broken != 0 {
		w.WriteString("<p class=\"warn\">")
		w.Text(human.Many(d.Broken, "record"))
		w.WriteString(" can't be read: <code>rein cache verify</code> says which.</p>")
	}
	w.WriteString("\n")
}

func drawPager(w *markup.Writer, d pager) {
	if d.Newer != "" || d.Older != "" {
		w.WriteString("<nav class=\"pager\" aria-label=\"Parts of the list\">")
		if d.Newer != "" {
			w.WriteString("<a rel=\"prev\" href=\"")
			w.Text(markup.Path(markup.Link(d.Newer)))
			w.WriteString("\">Previous</a>")
		}
		w.WriteString("<span>")
		w.Text(counted(sum(d.From, 1)))
		w.WriteString(" to ")
		w.Text(counted(d.To))
		w.WriteString(" of ")
		w.Text(counted(d.Of))
		w.WriteString("</span>")
		if d.Older != "" {
			w.WriteString("<a rel=\"next\" href=\"")
			w.Text(markup.Path(markup.Link(d.Older)))
			w.WriteString("\">Next</a>")
		}
		w.WriteString("</nav>")
	}
}
