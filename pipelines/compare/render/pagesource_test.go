package render

import (
	"bytes"
	_ "embed"
	"flag"
	"html/template"
	"strings"
	"testing"

	"rein/pipelines/compare/render/markup/ahead"
)

//go:embed page.gohtml
var pageSource string

var update = flag.Bool("update", false, "compile page.gohtml")

var functions = template.FuncMap{
	"at": coordinate, "add": add, "sub": sub, "half": half, "odds": odds, "figures": trialFigures, "percentage": percentage, "score": scoreText,
	"n": counted, "tone": toneClass, "sign": toneSign, "trim": strings.TrimSpace, "under": isUnder, "blank": blank, "pval": pvalue, "diff": decidedBy,
	"label": label, "said": said, "rowsDiffer": rowsDiffer, "methods": methods, "nearest": nearestMethods, "head": digestHead, "flips": newFlipTable,
}

func compiledPage() ahead.Input {
	return ahead.Input{Package: "rein/pipelines/compare/render", Functions: functions,
		Templates: template.Must(template.New("page").Funcs(functions).Funcs(ahead.Code).Parse(pageSource)),
		Data:      map[string]any{"page": (*page)(nil), "live": (*page)(nil), "graph": stepGraph{}, "trend": trend{}}}
}

// The page's code is compiled from the template that is beside it.
func TestPageIsCompiled(t *testing.T) { ahead.Same(t, "page_compiled.go", *update, compiledPage()) }

// The compiled page has the bytes that html/template writes, and no text in it is markup.
func TestCompiledPageIsHTMLTemplates(t *testing.T) {
	in := compiledPage()
	ahead.Draws(t, in, "page", drawPage)
	ahead.Draws(t, in, "live", drawLive)
	ahead.Draws(t, in, "graph", drawGraph)
	ahead.Draws(t, in, "trend", drawTrend)
	var want bytes.Buffer
	p, err := newPage(t.Context(), four(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Templates.Execute(&want, p); err != nil {
		t.Fatal(err)
	}
	if drawn(drawPage, p) != want.String() {
		t.Error("the report of four strategies has other bytes")
	}
}
