package ui

import (
	"github.com/chromedp/chromedp"
	"net/http"
	"os"
	"regexp"
	"rein/pipelines/compare/comparetest"
	"strings"
	"testing"
	"time"

	"rein/engine"
)

func TestPagesInABrowser(t *testing.T) {
	b := newTab(t)
	f := newFixture(t)
	for n := range 60 {
		f.record(n, measured("hybrid", 0.01-0.0001*float64(n)), measured("balanced", 0.012-0.0001*float64(n)))
	}
	g := f.start(100, measured("hybrid", 0))
	now := time.Now()
	g.tell("corpus", engine.Event{Action: engine.ActionEnd, Status: engine.StatusCached})
	g.tell("model", engine.Event{Action: engine.ActionStart, Reasons: []string{"never run before"}})
	for i := range 8 {
		g.Event(engine.Event{Time: now.Add(time.Duration(i) * time.Second), Action: engine.ActionProgress, Pipeline: "hybrid", Step: "model", Done: int64(i * 5000), Total: 100_000, Unit: "rows"})
		g.tell("model", engine.Event{Action: engine.ActionSeries, Metric: "train_loss", At: float64(i), Value: 1 / float64(i+1)})
		g.tell("model", engine.Event{Action: engine.ActionLog, Text: "epoch <b>done</b>"})
	}
	b.look("runs", f.address("/"), "document.querySelectorAll('#runs-table tr').length === 51")
	b.look("live", f.address("/runs/"+g.id), "document.querySelector('#running progress') && document.querySelector('#curves svg') && document.querySelectorAll('#log div').length === 8")
	b.look("run", f.address("/runs/"+runID(7)), "document.querySelector('#curves svg')")
	b.look("history", f.address("/history?metric=fp_rate"), "document.querySelector('.trend svg')")
	b.quiet()
}

// The history has a run's figures, and nothing of a record is markup.
func TestPages(t *testing.T) {
	f := newFixture(t)
	hostile := measured(`hy<script>alert(1)</script>`, 0.02)
	hostile.Steps[1].Error = `<img src=x onerror=alert(1)>`
	f.record(1, measured("balanced", 0.01))
	id := f.record(2, hostile)
	for path, want := range map[string][]string{
		"/":                               {"balanced", "abc00200", "2 ran, 1 cached"},
		"/?q=BALANCED":                    {"/runs/" + runID(1)},
		"/?q=nothing+of+this":             {"None of 2 runs"},
		"/runs/" + id:                     {"train-gpu", "a &lt;b&gt;note&lt;/b&gt;", "&lt;img src=x", "2.00%", "hy&lt;script"},
		"/history?metric=fp_rate":         {"1.00%", "2.00%", `<svg class="chart"`},
		"/history?pipeline=balanced":      {"1.00%"},
		"/history?metric=train_seconds":   {"None of these runs measured"},
		"/history?metric=no_such&last=-3": {"None of these runs measured no such"},
	} {
		body := f.get(path)
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("GET %s has no %q", path, w)
			}
		}
		if strings.Contains(body, "<script>") || strings.Contains(body, "<img") || strings.Contains(body, "style=") {
			t.Errorf("GET %s: text is markup, or a style is inline", path)
		}
	}
	if body := f.get("/?q=balanced"); strings.Contains(body, "/runs/"+id) {
		t.Error("the filter lets everything through")
	}
	for _, path := range []string{"/runs/none", "/runs/..%2f..%2fetc", "/assets/0/ui.js", "/x"} {
		if res, _ := f.ask("GET", path, f.inside); res.StatusCode != 404 {
			t.Errorf("GET %s: %s", path, res.Status)
		}
	}
}

// A run that ended has all of its events in the stream, and what came before Last-Event-ID isn't sent again.
func TestRunEvents(t *testing.T) {
	f := newFixture(t)
	g := f.start(5, measured("hybrid", 0))
	g.tell("model", engine.Event{Action: engine.ActionStart})
	g.tell("model", engine.Event{Action: engine.ActionLog, Text: "first\r\nline"})
	g.tell("model", engine.Event{Action: engine.ActionEnd, Status: engine.StatusRan})
	g.Close()
	f.record(5, measured("hybrid", 0.01))
	all := f.get("/runs/" + g.id + "/events")
	for _, want := range []string{`"action":"plan"`, `"action":"start"`, `first\r\nline`, `"action":"series"`, `"action":"done"`, "event: end\n"} {
		if !strings.Contains(all, want) {
			t.Errorf("the stream has no %s:\n%s", want, all)
		}
	}
	id := regexp.MustCompile(`id: (\d+)\ndata: .*first`).FindStringSubmatch(all)
	if id == nil {
		t.Fatalf("the log line has no id:\n%s", all)
	}
	_, rest := f.ask("GET", "/runs/"+g.id+"/events", func(r *http.Request) { f.inside(r); r.Header.Set("Last-Event-ID", id[1]) })
	if strings.Contains(rest, "first") || !strings.Contains(rest, `"status":"ran"`) {
		t.Errorf("behind event %s:\n%s", id[1], rest)
	}
	other := f.record(6, measured("hybrid", 0.01))
	if old := f.get("/runs/" + other + "/events"); !strings.Contains(old, `"metric":"train_loss"`) || !strings.Contains(old, "event: end\n") {
		t.Errorf("a run without events isn't told from its record:\n%s", old)
	}
}

func TestCompareAndRowsInABrowser(t *testing.T) {
	b := newTab(t)
	f := newFixture(t)
	id := f.record(1, comparetest.Four(f.shelf)...)
	f.record(2, comparetest.Four(f.shelf)[:1]...)
	b.look("compare", f.address("/compare?of="+id+"/good&of="+id+"/cheap&of="+runID(2)+"/good"), "document.querySelector('#report #provenance')")
	b.do(chromedp.SendKeys("#matrix-rows", "recall"))
	b.until("[...document.querySelectorAll('.matrix tbody tr')].filter(r => !r.hidden && !r.classList.contains('section')).every(r => r.textContent.includes('recall'))")
	b.look("rows", f.address("/rows?of="+id+"/good"), "document.querySelector('table.rows tbody tr')")
	b.quiet()
}

// TestFirstPaint measures how long the first page takes with 1,000 recorded runs; it prints, and fails for no time.
func TestFirstPaint(t *testing.T) {
	if os.Getenv("REIN_FIRST_PAINT") == "" {
		t.Skip("REIN_FIRST_PAINT isn't set")
	}
	b := newTab(t)
	f := newFixture(t)
	for n := range 1000 {
		f.record(n, measured("conservative", 0.01), measured("aggressive", 0.02), measured("balanced", 0.03), measured("hybrid", 0.04))
	}
	b.open(f.address("/history"))
	for i := range 6 {
		if i == 3 {
			f.Server = New(f.config()) // one that has read nothing yet
			f.http.Config.Handler = f.Handler()
		}
		b.open(f.http.URL + "/")
		paint := "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
		b.until(paint)
		t.Logf("first paint after %.0f ms, answer after %.0f ms", value[float64](b, paint), value[float64](b, "performance.getEntriesByType('navigation')[0].responseEnd"))
	}
}
