package render

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rein/pipelines/compare"
	"rein/steps/stats"
)

func htmlPage(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	if err := HTML(context.Background(), &b, four(t), Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHTMLIsSelfContained(t *testing.T) {
	page := htmlPage(t)
	for _, part := range []string{"False alarms of cheap that this one doesn", "False alarms that cheap doesn", "False alarms of the baseline that are gone", "F1 of malicious rows 0.", "calibration error (ECE) 0.", `id="decision"`, `id="forest-own_recall_at_fp_1"`, `class="allowed"`, `<nav aria-label="Sections"`, `id="roc"`, `id="roc-zoom"`, `id="pr"`, `id="calibration"`, `id="curve-train_loss"`, `id="hist-good"`, `class="confusion"`, `class="matrix"`, "★ cheap"} {
		if !strings.Contains(strings.ReplaceAll(page, "-t\"", "\""), part) {
			t.Errorf("the page has no %s", part)
		}
	}
	if n := strings.Count(page, "<details open>"); n != 1 || !strings.Contains(page, "<details open><summary>cheap") {
		t.Errorf("%d lists of rows are open, want the recommended strategy's", n)
	}
	if !regexp.MustCompile(`<li>What to keep in mind of it:<ul><li>[^<]+</li>`).MatchString(page) {
		t.Error("the recommended strategy's concerns are no list")
	}
	if !strings.Contains(page, `class="under">against baseline`) {
		t.Error("a row under another doesn't look it")
	}
	if m := regexp.MustCompile(`(?i)(src|href)="(?:https?:)?//|<script[^>]|@import|url\(|fetch\(|XMLHttp`).FindString(page); m != "" {
		t.Errorf("the page reaches out: %s", m)
	}
	if strings.Contains(page, "<b>test</b>") {
		t.Error("text of rows is markup in the page")
	}
	if strings.Contains(page, "NaN") || strings.Contains(page, "ZgotmplZ") {
		t.Error("the page has NaN or unsafe values in it")
	}
}

func browser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// probe is run in a page that shows the report in frames of several widths; what it finds is left in the page's text.
const probe = `
addEventListener('load', () => setTimeout(() => {
  const out = [];
  for (const f of document.querySelectorAll('iframe')) {
    const d = f.contentDocument, e = d.documentElement;
    out.push({width: f.clientWidth, scroll: e.scrollWidth, charts: d.querySelectorAll('svg[role=img]').length, tables: d.querySelectorAll('table').length,
      drawn: [...d.querySelectorAll('svg.chart')].filter(s => s.getBoundingClientRect().width > 100).length,
      unnamed: [...d.querySelectorAll('svg[role=img]')].filter(s => !s.getAttribute('aria-label') && !d.getElementById(s.getAttribute('aria-labelledby') || '')).length,
      headers: [...d.querySelectorAll('th')].filter(h => !h.scope).length,
      ids: (() => { const all = [...d.querySelectorAll('[id]')].map(x => x.id); return all.length - new Set(all).size; })(),
      unreachable: [...d.querySelectorAll('.scroll')].filter(x => x.tabIndex < 0 || !x.getAttribute('aria-label')).length
        + [...d.querySelectorAll('a[href^="#"]')].filter(a => !d.getElementById(a.getAttribute('href').slice(1))).length,
      skipped: (() => { let last = 0, n = 0; for (const h of d.querySelectorAll('h1,h2,h3,h4')) { const l = +h.tagName[1]; if (l > last + 1) n++; last = l; } return n; })(),
      sideways: [...d.querySelectorAll('figure')].filter(x => x.scrollWidth > x.clientWidth).length,
      cut: [...d.querySelectorAll('svg.chart text')].filter(t => {
        const a = t.getBoundingClientRect(), b = t.ownerSVGElement.getBoundingClientRect();
        return a.width && (a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1);
      }).map(t => t.textContent).join('|'),
      lang: d.documentElement.lang,
      color: f.contentWindow.getComputedStyle(d.body).backgroundColor});
  }
  document.body.textContent = JSON.stringify(out);
}, 0));`

type probed struct {
	Width, Scroll, Charts, Tables, Drawn, Unnamed, Headers, IDs, Unreachable, Skipped, Sideways int
	Color, Lang, Cut                                                                            string
}

func TestHTMLInABrowser(t *testing.T) {
	chromium := browser()
	if chromium == "" {
		t.Skip("no Chromium on this machine: the page's looks are not checked")
	}
	if testing.Short() {
		t.Skip("starts a browser")
	}
	var wrapper strings.Builder
	wrapper.WriteString("<!doctype html><script>" + probe + "</script><body>")
	source := html.EscapeString(htmlPage(t))
	for _, width := range []int{390, 768, 1280, 2000} {
		fmt.Fprintf(&wrapper, `<iframe width="%d" height="800" style="border:0" srcdoc="%s"></iframe>`, width, source)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "probe.html")
	if err := os.WriteFile(path, []byte(wrapper.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for scheme, dark := range map[string]bool{"light": false, "dark": true} {
		args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--user-data-dir=" + filepath.Join(dir, scheme), "--virtual-time-budget=10000", "--dump-dom"}
		if dark {
			args = append(args, "--blink-settings=preferredColorScheme=0")
		}
		var said strings.Builder
		cmd := exec.Command(chromium, append(args, "file://"+path)...)
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Skipf("Chromium doesn't start here: %v", err)
		}
		if strings.Contains(said.String(), "CONSOLE") {
			t.Errorf("the console says:\n%s", said.String())
		}
		body := regexp.MustCompile(`(?s)<body[^>]*>(.*)</body>`).FindStringSubmatch(string(out))
		if body == nil {
			t.Fatalf("no body in %.300s", out)
		}
		var frames []probed
		if err := json.Unmarshal([]byte(html.UnescapeString(body[1])), &frames); err != nil {
			t.Fatalf("%v in %.300s", err, body[1])
		}
		check(t, scheme, dark, frames)
	}
}

func check(t *testing.T, scheme string, dark bool, frames []probed) {
	t.Helper()
	if len(frames) != 4 {
		t.Fatalf("%d frames", len(frames))
	}
	for _, f := range frames {
		at := fmt.Sprintf("%s, %d px", scheme, f.Width)
		if f.Scroll > f.Width {
			t.Errorf("%s: the page is %d px wide: it scrolls sideways", at, f.Scroll)
		}
		if f.Sideways > 0 || f.Cut != "" {
			t.Errorf("%s: %d charts scroll sideways; texts that stand out of their chart: %s", at, f.Sideways, f.Cut)
		}
		if f.Charts < 15 || f.Tables < 8 || f.Drawn < 8 {
			t.Errorf("%s: %d charts, %d of them drawn, %d tables", at, f.Charts, f.Drawn, f.Tables)
		}
		if f.Unnamed > 0 || f.Headers > 0 || f.IDs > 0 {
			t.Errorf("%s: %d charts without a name, %d headers without a scope, %d ids twice", at, f.Unnamed, f.Headers, f.IDs)
		}
		if f.Unreachable > 0 || f.Skipped > 0 || f.Lang != "en" {
			t.Errorf("%s: %d regions or links that a keyboard doesn't reach, %d skipped heading levels, language %q", at, f.Unreachable, f.Skipped, f.Lang)
		}
		if white := f.Color == "rgb(255, 255, 255)"; white == dark {
			t.Errorf("%s: the background is %s", at, f.Color)
		}
	}
}

// A figure of new sources has the interval of the matrix beside the confusion, too: over sources.
func TestConfusionsHaveTheIntervalsOfTheMatrix(t *testing.T) {
	set := stats.NewSet()
	for i := range 1200 {
		malicious := i%4 == 0
		threat := float64(i*37%100) / 100
		if malicious { // of some sources few are found
			threat = min(1, threat+0.2*float64(i/4%6))
		}
		set.Add(stats.Observation{Malicious: malicious, Flagged: threat >= 0.9, Threat: threat, Slices: map[string]string{"source": fmt.Sprint("s", i/4%6)}})
	}
	set.Finish(0.01, 200, 1)
	i := set.RecallAt["1"]
	over, ok := set.OverSources("recall_at_fp_1", i)
	if !ok || over.High-over.Low < 1.5*(i.High-i.Low) {
		t.Fatalf("%v over sources, %v over rows", over, i)
	}
	f := compare.FigureOf(*i)
	f.SourcesLow, f.SourcesHigh = &over.Low, &over.High
	for _, c := range []struct {
		new  bool
		want compare.Figure
	}{{true, f}, {false, compare.FigureOf(*i)}} {
		facts := confusions("a", &stats.Report{}, set, c.new).Facts
		if want := fmt.Sprintf("recall %s at 1%% FP rate", withInterval("recall", c.want)); !slices.Contains(facts, want) {
			t.Errorf("new sources %v: no %q in %q", c.new, want, facts)
		}
	}
}
