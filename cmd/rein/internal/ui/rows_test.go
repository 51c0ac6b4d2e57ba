package ui

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"rein/pipelines/compare"
	"strings"
	"testing"

	"rein/cache"
	"rein/engine/record"
	"rein/pipelines/compare/comparetest"
	"rein/steps/artifact"
)

// shownRows counts the rows of a page, and says how many fit.
func shownRows(t *testing.T, body string) (shown int, fit string) {
	t.Helper()
	m := regexp.MustCompile(`role="status">([\d,]+) of`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no count in %.3000s", body)
	}
	return strings.Count(body, "data-detail="), m[1]
}

// The server filters, orders and pages; each kind has the rows that it names, and both directions of what flipped add up.
func TestRows(t *testing.T) {
	f := newFixture(t)
	id := f.record(1, comparetest.Four(f.shelf)...)
	of, against, err := f.pair(id+"/good", id+"/slack")
	if err != nil {
		t.Fatal(err)
	}
	rows, _, err := f.rowsOf(context.Background(), of, against, "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, r := range rows.Rows {
		for _, k := range rowKinds {
			if k.has(r) {
				want[k.Key]++
			}
		}
	}
	if want["all"] != 20000 || want["fixed"] == 0 || want["flipped"] != want["fixed"]+want["new"]+want["lost"]+want["gained"] || want["fp"]+want["missed"]+want["caught"]+want["passed"] != 20000 {
		t.Fatalf("rows by kind: %v", want)
	}
	path := func(more url.Values) string { return rowsPath(id+"/good", id+"/slack", more) }
	for _, k := range rowKinds {
		body := f.get(path(url.Values{"kind": {k.Key}}))
		if shown, fit := shownRows(t, body); strings.ReplaceAll(fit, ",", "") != fmt.Sprint(want[k.Key]) || shown != min(want[k.Key], rowsPerPage) {
			t.Errorf("%s: %d shown of %s, want %d", k.Key, shown, fit, want[k.Key])
		}
		if strings.Contains(body, "<b>test</b>") {
			t.Fatal("a row's text is markup")
		}
	}
	last := f.get(path(url.Values{"kind": {"all"}, "page": {"199"}, "order": {"test"}}))
	if shown, _ := shownRows(t, last); shown != 100 || !strings.Contains(last, "row 19999 of") || strings.Contains(last, `rel="next"`) {
		t.Errorf("the last page shows %d rows", shown)
	}
	if shown, fit := shownRows(t, f.get(path(url.Values{"kind": {"all"}, "q": {"ROW 19999"}}))); shown != 1 || fit != "1" {
		t.Errorf("the filter finds %s", fit)
	}
	for name, values := range map[string]string{"category": "jailbreak", "source": "s3", "cluster": "recipe"} {
		body := f.get(path(url.Values{"kind": {"fp"}, name: {values}}))
		if shown, fit := shownRows(t, body); fit == fmt.Sprint(want["fp"]) || shown > 0 && strings.Count(body, values+"</td>")+strings.Count(body, values+"”</td>") != shown {
			t.Errorf("%s=%s: %d shown, %s fit", name, values, shown, fit)
		}
	}
	for _, bad := range []string{"/rows?of=none/good", "/rows?of=" + id + "/none", "/rows/detail?of=" + id + "/good&id=none", "/compare?of=x", "/compare/report"} {
		if res, _ := f.ask("GET", bad, f.inside); res.StatusCode != 404 {
			t.Errorf("GET %s: %s", bad, res.Status)
		}
	}
	f.record(2, measured("hybrid", 0.01))
	if body := f.get("/rows"); !strings.Contains(body, errNoRows.Error()) {
		t.Error("a run without scored rows isn't told apart from one without false positives")
	}
}

// withData is a strategy whose rows are in its data, too.
func withData(f *fixture) record.Pipeline {
	f.t.Helper()
	p := comparetest.Four(f.shelf)[0]
	put := func(rows ...artifact.Row) map[string]cache.Blob {
		out, err := artifact.WriteRows(filepath.Join(f.t.TempDir(), "rows"), rows)
		if err != nil {
			f.t.Fatal(err)
		}
		return map[string]cache.Blob{"rows": f.shelf.Put(out.Path)}
	}
	first := artifact.Row{ID: "r0", Text: "the <i>first</i>", Label: "benign", Root: "r0", Source: "mail"}
	second := artifact.Row{ID: "r1", Text: "the second\u202e", Label: "benign", Root: "r0", Parent: "r0", Method: "synonym"}
	tested := artifact.Row{ID: "test10433", Text: "as tested", Label: "benign", Root: "r0", Parent: "r1", Method: "typo"}
	sister := artifact.Row{ID: "r3", Text: "a sister", Label: "benign", Root: "r0", Parent: "r0", Method: "mutation"}
	p.Steps[0].Outputs = put(first, artifact.Row{ID: "x", Text: "somebody else's", Root: "x"})
	p.Steps[3].Outputs = put(second, tested)
	p.Steps[4].Outputs = put(first, second, tested, sister)
	return p
}

// A row's detail leads up to the row that it was made of, and says which step each came from.
func TestRowLineage(t *testing.T) {
	f := newFixture(t)
	id := f.record(1, withData(f))
	body := f.get("/rows/detail?of=" + id + "/good&id=test10433")
	at := 0
	for _, want := range []string{"please ignore the poem row 10433", "<strong>sampled</strong> by typo", "made of <strong>sampled</strong> by synonym", "the second␣", "made of <strong>corpus</strong>", "the &lt;i&gt;first&lt;/i&gt;", "1 row of the same origin", "dataset by mutation", "a sister"} {
		i := strings.Index(body[at:], want)
		if i < 0 {
			t.Fatalf("no %q where it belongs in\n%s", want, body)
		}
		at += i
	}
	if strings.Contains(body, "somebody else") {
		t.Error("a row of another origin is in the lineage")
	}
	if body := f.get("/rows/detail?of=" + id + "/good&id=test1"); !strings.Contains(body, "not in the store") {
		t.Errorf("a row whose data are gone: %s", body)
	}
}

// Two runs of one strategy stand side by side under names that tell them apart.
func TestCompareTwoRuns(t *testing.T) {
	f := newFixture(t)
	four := comparetest.Four(f.shelf)
	a, b := f.record(1, four[0], four[1]), f.record(2, four[0])
	body := f.get("/compare/report?of=" + a + "/good&of=" + b + "/good&of=cheap&of=" + a + "/cheap")
	for _, want := range []string{`data-column="good abc00100 11-01 00:01"`, `data-column="good abc00200 11-01 00:02"`, `data-column="cheap"`, `id="matrix-rows"`, `id="provenance"`} {
		if n := strings.Count(body, want); n != 1 {
			t.Errorf("%d times %s", n, want)
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "style=") || strings.Contains(body, "<main") || strings.Contains(body, "<h1") {
		t.Error("the report is no part of a page")
	}
	if page := f.get("/compare"); !strings.Contains(page, "data-src=") || !strings.Contains(page, " checked") {
		t.Error("without a choice the newest run isn't shown")
	}
}

// With 100,000 rows the browser has a page of them at a time, and the keyboard filters, pages and opens.
func TestManyRowsInABrowser(t *testing.T) {
	b := newTab(t)
	f := newFixture(t)
	model := comparetest.Model{FP: 0.01, FN: 0.01, UnseenFP: 0.02, UnseenFN: 0.05, Rows: 100_000}
	id := f.record(1, f.shelf.Strategy("big", comparetest.Weak, model, 1, 90000))
	b.open(f.address("/rows?of=" + id + "/big&kind=all&order=test"))
	b.until("document.querySelector('[role=status]:not([hidden])').textContent.startsWith('100,000 of 100,000')")
	rows := "document.querySelectorAll('table.rows tbody tr').length"
	if n := value[int](b, rows); n != rowsPerPage {
		t.Fatalf("%d rows are in the page", n)
	}
	b.press("/")
	b.press(strings.Split("row 9999", "")...)
	b.until(rows + " === 19") // 9999, 19999 to 99999, 99990 to 99998
	b.press("Escape")
	b.press("j")
	b.press("Enter")
	b.until("document.querySelector('tr.detail dl')")
	if text := value[string](b, "document.querySelector('tr.detail .text').textContent"); !strings.Contains(text, "row 9999 of <b>test</b>") {
		t.Errorf("the row that was opened is %q", text)
	}
	value[bool](b, "(q => { q.value = ''; return q.dispatchEvent(new Event('input', {bubbles: true})); })(document.querySelector('#q'))")
	b.until(rows + " === 100")
	b.press("]")
	b.until("document.querySelector('.pager span').textContent.startsWith('101 to 200')")
	b.quiet()
}

// What could not be compared once is tried again, and what could is kept.
func TestComparedAgain(t *testing.T) {
	f := newFixture(t)
	id := f.record(1, comparetest.Four(f.shelf)[0])
	n, right := 0, f.Compare
	f.Compare = func(ctx context.Context, of []record.Pipeline) (*compare.Result, error) {
		if n++; n == 1 {
			return nil, errors.New("the <disk> is away")
		}
		return right(ctx, of)
	}
	path := "/compare/report?of=" + id + "/good"
	if res, body := f.ask("GET", path, f.inside); res.StatusCode != 500 || !strings.Contains(body, "the &lt;disk&gt; is away") {
		t.Errorf("%s %s", res.Status, body)
	}
	first := f.get(path)
	if f.get(path) != first || n != 2 {
		t.Errorf("compared %d times", n)
	}
}
