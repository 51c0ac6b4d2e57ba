package ui

import (
	"embed"
	"flag"
	"html/template"
	"testing"

	"rein/cmd/rein/internal/view"
	"rein/pipelines/compare/render"
	"rein/pipelines/compare/render/markup/ahead"
	"rein/pipelines/human"
)

//go:embed pages/*.gohtml
var pageFiles embed.FS

var update = flag.Bool("update", false, "compile the pages")

func compiledPages() ahead.Input {
	functions := template.FuncMap{"asset": assetPath, "when": human.Time, "took": took, "ms": milliseconds, "revision": view.Revision, "statuses": statuses,
		"label": render.Label, "figure": figureText, "n": counted, "many": human.Many, "score": scoreText, "visible": visible, "odds": render.Odds, "add": sum}
	return ahead.Input{Package: "rein/cmd/rein/internal/ui", Functions: functions,
		Templates: template.Must(template.New("").Funcs(functions).Funcs(ahead.Code).ParseFS(pageFiles, "pages/*.gohtml")),
		Data: map[string]any{"head": frame{}, "foot": frame{}, "problem": failure{}, "entrance": "", "compare": comparison{}, "history": (*historyView)(nil),
			"plan": planView{}, "plan-result": (*Plan)(nil), "review": reviewView{}, "review-card": (*reviewed)(nil), "rows": (*rowsView)(nil),
			"rows-table": (*rowsView)(nil), "row-detail": (*rowDetail)(nil), "run": (*shownRun)(nil), "runs": (*runList)(nil), "runs-table": (*runList)(nil)}}
}

// The pages' code is compiled from the templates that are beside it.
func TestPagesAreCompiled(t *testing.T) { ahead.Same(t, "pages_compiled.go", *update, compiledPages()) }

// The compiled pages have the bytes that html/template writes, and no text in them is markup.
func TestCompiledPagesAreHTMLTemplates(t *testing.T) {
	in := compiledPages()
	ahead.Draws(t, in, "problem", drawProblem)
	ahead.Draws(t, in, "entrance", drawEntrance)
	ahead.Draws(t, in, "compare", drawCompare)
	ahead.Draws(t, in, "history", drawHistory)
	ahead.Draws(t, in, "plan", drawPlan)
	ahead.Draws(t, in, "plan-result", drawPlanResult)
	ahead.Draws(t, in, "review", drawReview)
	ahead.Draws(t, in, "review-card", drawReviewCard)
	ahead.Draws(t, in, "rows", drawRows)
	ahead.Draws(t, in, "row-detail", drawRowDetail)
	ahead.Draws(t, in, "run", drawRun)
	ahead.Draws(t, in, "runs", drawRuns)
	ahead.Draws(t, in, "head", drawHead)
	ahead.Draws(t, in, "foot", drawFoot)
}
