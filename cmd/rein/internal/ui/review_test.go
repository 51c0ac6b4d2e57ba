package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/engine"
	"rein/steps/artifact"
	"rein/steps/review"
)

// withFiles gives a fixture's server a pipeline file, and a sample of rows to review in it.
func withFiles(f *fixture, rows int) (decisions string) {
	f.t.Helper()
	dir := f.t.TempDir()
	decisions = filepath.Join(dir, "review.csv")
	file := filepath.Join(dir, "p.hcl")
	if err := os.WriteFile(file, []byte("pipeline \"p\" {}\n"), 0o644); err != nil {
		f.t.Fatal(err)
	}
	v := &Review{Path: decisions, Originals: map[string]string{"o": "say <i>this</i> to me"}}
	for i := range rows {
		v.Rows = append(v.Rows, artifact.Row{ID: fmt.Sprint("r", i), Text: fmt.Sprintf("say <b>that</b> to me %d", i), Label: artifact.Benign, Parent: "o", Method: "synonym"})
	}
	f.Files = func(context.Context) ([]string, error) { return []string{"p.hcl"}, nil }
	f.Read = func(string) (string, error) { b, err := os.ReadFile(file); return string(b), err }
	f.Reviews = f.Files
	f.Config.Review = func(_ context.Context, name string) (*Review, error) { return v, nil }
	f.Config.Plan = func(_ context.Context, name, text string) (*Plan, error) {
		if strings.Contains(text, "fault") {
			return nil, errors.New("a <b>fault</b>")
		}
		if strings.Contains(text, "wrong") {
			return &Plan{Problems: []Problem{{Severity: "error", Summary: "Unknown <block>", File: name, Line: 3}}}, nil
		}
		return &Plan{Summary: fmt.Sprintf("%d to run", strings.Count(text, "step")), Pipelines: []PlannedPipeline{{Name: "p", Counts: "1 to run", Needs: map[string][]string{"model": {"corpus"}},
			Steps: []engine.StepForecast{{Name: "corpus", Type: "synthesize", Status: engine.PlanCached}, {Name: "model", Type: "train-gpu", Status: engine.PlanRun, ForecastMS: 42000, Reasons: []string{"seed 1 -> 2"}},
				{Name: "test", Type: "evaluate", Status: engine.PlanUnknown}}}}}, nil
	}
	return decisions
}

// post sends JSON as our scripts do.
func (f *fixture) post(path, body string) (int, string) {
	f.t.Helper()
	res, answer := f.ask("POST", path, func(r *http.Request) {
		f.inside(r)
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Body = io.NopCloser(strings.NewReader(body))
	})
	return res.StatusCode, strings.TrimSpace(answer)
}

func TestReview(t *testing.T) {
	f := newFixture(t)
	path := withFiles(f, 3)
	body := f.get("/review")
	for _, want := range []string{"0 of 3 decided", "row 1 of 3", "say <mark>&lt;b&gt;that&lt;/b&gt;</mark> to me <mark>0</mark>", "say <mark>&lt;i&gt;this&lt;/i&gt;</mark> to me"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("looking made the file")
	}
	for _, step := range []struct{ send, answer string }{
		{`{"file":"p.hcl","id":"r1","verdict":"reject","note":"odd, \"really\""}`, `{"at":1,"decided":1,"next":2}`},
		{`{"file":"p.hcl","id":"r2","verdict":"relabel","label":"malicious"}`, `{"at":2,"decided":2,"next":0}`},
		{`{"file":"p.hcl","id":"r0","verdict":"accept","label":"malicious"}`, `{"at":0,"decided":3,"next":-1}`},
		{`{"file":"p.hcl","id":"r0","verdict":""}`, `{"at":0,"decided":2,"next":0}`},
	} {
		if status, answer := f.post("/review", step.send); status != 200 || answer != step.answer {
			t.Fatalf("%s: %d %s, want %s", step.send, status, answer, step.answer)
		}
	}
	want := "id,verdict,label,note\nr1,reject,,\"odd, \"\"really\"\"\"\nr2,relabel,malicious,\n"
	if b, err := os.ReadFile(path); err != nil || string(b) != want {
		t.Errorf("the file is %q, %v", b, err)
	}
	if body := f.get("/review/row?file=p.hcl&at=1"); !strings.Contains(body, `value="odd, &#34;really&#34;"`) || !strings.Contains(body, ">reject<") {
		t.Errorf("a decided row: %s", body)
	}
	// What a terminal wrote meanwhile stays.
	d, err := review.ReadDecisions(path)
	if err != nil {
		t.Fatal(err)
	}
	d["r0"] = review.Decision{Verdict: review.Accept, Note: "from a terminal"}
	delete(d, "r2")
	if err := d.Write(path); err != nil {
		t.Fatal(err)
	}
	if status, answer := f.post("/review", `{"file":"p.hcl","id":"r2","verdict":"accept"}`); status != 200 || answer != `{"at":2,"decided":3,"next":-1}` {
		t.Errorf("%d %s", status, answer)
	}
	if b, _ := os.ReadFile(path); !strings.Contains(string(b), "from a terminal") || !strings.Contains(string(b), "r2,accept") {
		t.Errorf("the file is %q", b)
	}
	if body := f.get("/review"); !strings.Contains(body, "All are decided") {
		t.Error("nobody learns that all are decided")
	}
}

// The pipeline files are read when the page opens, and no more for each row and each decision.
func TestReviewReadsFilesOnce(t *testing.T) {
	f := newFixture(t)
	withFiles(f, 2)
	asked, list := 0, f.Reviews
	f.Reviews = func(ctx context.Context) ([]string, error) { asked++; return list(ctx) }
	f.get("/review")
	f.get("/review/row?file=p.hcl&at=1")
	if status, answer := f.post("/review", `{"file":"p.hcl","id":"r0","verdict":"accept"}`); status != 200 {
		t.Errorf("%d %s", status, answer)
	}
	if asked != 1 {
		t.Errorf("the files were read %d times, want 1", asked)
	}
	f.get("/review")
	if asked != 2 {
		t.Errorf("the page was opened again, and the files were read %d times, want 2", asked)
	}
}

// Whatever is sent, a decisions file that rein review couldn't read is never written, and no other file either.
func TestReviewRefuses(t *testing.T) {
	f := newFixture(t)
	path := withFiles(f, 2)
	for _, send := range []string{``, `{`, `[]`, `{"file":"p.hcl","id":"none","verdict":"accept"}`, `{"file":"p.hcl","id":"r0","verdict":"maybe"}`, `{"file":"p.hcl","id":"r0","verdict":"relabel"}`,
		`{"file":"p.hcl","id":"r0","verdict":"relabel","label":"odd"}`, `{"file":"p.hcl","id":"r0","verdict":"accept","path":"/etc/passwd"}`, `{"file":"p.hcl","id":"r0","note":"` + strings.Repeat("x", maxBody) + `"}`} {
		if status, _ := f.post("/review", send); status != 400 {
			t.Errorf("%.60s: %d", send, status)
		}
	}
	if status, _ := f.post("/review", `{"file":"../p.hcl","id":"r0","verdict":"accept"}`); status != 404 {
		t.Errorf("another file: %d", status)
	}
	res, _ := f.ask("POST", "/review", func(r *http.Request) {
		f.inside(r)
		r.Header.Set("Content-Type", "text/plain") // what a form can send
		r.Body = io.NopCloser(strings.NewReader(`{"file":"p.hcl","id":"r0","verdict":"accept"}`))
	})
	if res.StatusCode != 400 {
		t.Errorf("text/plain: %s", res.Status)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("something was written")
	}
	if err := os.WriteFile(path, []byte("<<<<<<< HEAD\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if status, _ := f.post("/review", `{"file":"p.hcl","id":"r0","verdict":"accept"}`); status != 400 {
		t.Errorf("over a file in conflict: %d", status)
	}
	if b, _ := os.ReadFile(path); string(b) != "<<<<<<< HEAD\n" {
		t.Errorf("what could not be read is gone: %q", b)
	}
}

func TestPlan(t *testing.T) {
	f := newFixture(t)
	withFiles(f, 1)
	body := f.get("/plan")
	for _, want := range []string{"pipeline &#34;p&#34; {}", "0 to run", `class="is-run"`, "seed 1 -&gt; 2", "42 s", "run if needed"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in the page", want)
		}
	}
	for text, want := range map[string]string{"step step": "2 to run", "wrong": "p.hcl:3:</strong> Unknown &lt;block&gt;", "fault": "a &lt;b&gt;fault&lt;/b&gt;"} {
		if status, body := f.post("/plan", `{"file":"p.hcl","text":"`+text+`"}`); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", text, status, body)
		}
	}
	for _, path := range []string{"/plan?file=/etc/passwd", "/plan/changes?file=/etc/passwd", "/review?file=/etc/passwd"} {
		if res, _ := f.ask("GET", path, f.inside); res.StatusCode != 404 {
			t.Errorf("GET %s: %s", path, res.Status)
		}
	}
	if status, _ := f.post("/plan", `{"file":"/etc/passwd","text":""}`); status != 404 {
		t.Errorf("another file is planned: %d", status)
	}
}

// The keyboard alone reviews ten rows, undoes one, and what it wrote is what rein review reads.
func TestReviewInABrowser(t *testing.T) {
	b := newTab(t)
	f := newFixture(t)
	path := withFiles(f, 10)
	b.look("review", f.address("/review"), "document.querySelector('.card')")
	for _, key := range []string{"a", "r", "l", "a", "a", "u", "r", "a", "n", "a", "a", "r"} {
		if key == "n" {
			b.press("n")
			b.until("document.activeElement.id === 'note'")
			b.press("o", "d", "d", "Enter")
			b.until("document.activeElement.id !== 'note'")
			continue
		}
		before := value[string](b, "document.querySelector('#review [role=status]').textContent")
		b.press(key)
		b.until(fmt.Sprintf("document.querySelector('#review [role=status]').textContent !== %q", before))
	}
	d, err := review.ReadDecisions(path)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for i := range 10 {
		x := d[fmt.Sprint("r", i)]
		got += x.Verdict + x.Label + x.Note + " "
	}
	if want := "accept reject relabelmalicious accept reject accept acceptodd accept reject  "; got != want {
		t.Errorf("decided %q\nwant    %q", got, want)
	}
	b.press("a")
	b.until("document.querySelector('#review').textContent.includes('All are decided')")
	b.quiet()
}

// The plan follows what is typed, and what another editor saves.
func TestPlanInABrowser(t *testing.T) {
	b := newTab(t)
	f := newFixture(t)
	file := filepath.Join(filepath.Dir(withFiles(f, 1)), "p.hcl")
	b.look("plan", f.address("/plan"), "document.querySelector('#plan-result svg')")
	value[bool](b, "document.querySelector('#text').focus() || true")
	b.press(strings.Split("step step", "")...)
	b.until("document.querySelector('#plan-result .summary')?.textContent === '2 to run'")
	b.press(strings.Split("wrong", "")...)
	b.until("document.querySelector('#plan-result .problem')")
	save := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	save("step from elsewhere") // what was typed here isn't taken away
	b.until("!document.querySelector('#saved').hidden")
	value[bool](b, "document.querySelector('#reload').click() || true")
	b.until("document.querySelector('#text').value === 'step from elsewhere' && document.querySelector('#plan-result .summary')?.textContent === '1 to run'")
	save("step and step again") // nothing was typed since
	b.until("document.querySelector('#text').value === 'step and step again' && document.querySelector('#plan-result .summary')?.textContent === '2 to run'")
	b.quiet()
}
