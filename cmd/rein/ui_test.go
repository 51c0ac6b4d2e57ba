package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// page is a rein ui that runs, and a browser's memory of it.
type page struct {
	t       *testing.T
	address *url.URL
	client  *http.Client
	stop    func()
}

func servePage(t *testing.T, dir, addr string, jar http.CookieJar, args ...string) *page {
	t.Helper()
	c := exec.Command("rein", append([]string{"ui", "--addr", addr}, args...)...)
	c.Dir, c.Stderr = dir, os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	ended := false
	p := &page{t: t, address: u, client: &http.Client{Jar: jar}, stop: func() {
		if ended {
			return
		}
		ended = true
		_ = c.Process.Signal(syscall.SIGINT)
		if err := c.Wait(); c.ProcessState.ExitCode() != exitInterrupted {
			t.Errorf("rein ui ended with %v", err)
		}
	}}
	t.Cleanup(p.stop)
	return p
}

// open opens a path; the body is the caller's to close.
func (p *page) open(path string) *http.Response {
	p.t.Helper()
	u := *p.address
	if path != "" {
		u.Path, u.RawQuery = path, ""
	}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, u.String(), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	return res
}

func (p *page) read(path string) (int, string) {
	p.t.Helper()
	res := p.open(path)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

const uiPipeline = `pipeline "p" {}
step "exec" "slow" {
  command = ["sh", "-c", "echo it begins; while ! [ -e go ]; do sleep 0.02; done; echo it goes on; echo x > $REIN_OUT_text"]
  outputs = ["text"]
}
`

// TestUI follows a run of another process to its end, through a restart of the server.
func TestUI(t *testing.T) {
	dir := t.TempDir()
	flag := filepath.Join(dir, "go")
	text := strings.ReplaceAll(uiPipeline, "-e go", "-e "+flag)
	for name, text := range map[string]string{"p.hcl": text, "first.hcl": "pipeline \"first\" {}\nvariable \"s\" {\n  default   = \"x\"\n  sensitive = true\n}\nstep \"exec\" \"one\" {\n  command = [\"sh\", \"-c\", \"echo ${var.s} > $REIN_OUT_text\"]\n  outputs = [\"text\"]\n}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rein := func(args ...string) *exec.Cmd {
		c := exec.Command("rein", args...)
		c.Dir = dir
		return c
	}
	if out, err := rein("run", "-q", "first.hcl").CombinedOutput(); err != nil { // makes the state folder, and the secret that cookies are signed with
		t.Fatalf("%v\n%s", err, out)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := servePage(t, dir, "127.0.0.1:0", jar)
	if status, _ := p.read("/"); status != http.StatusUnauthorized {
		t.Fatalf("without the token: %d", status)
	}
	if status, _ := p.read(""); status != http.StatusOK {
		t.Fatalf("with the token: %d", status)
	}
	run := rein("run", "-q", "p.hcl")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	id := awaitLiveRun(t, p)
	lines := stream(t, p, id)
	await(t, lines, "it begins")
	addr := p.address.Host
	p.stop()
	p = servePage(t, dir, addr, jar)
	if status, _ := p.read("/"); status != http.StatusOK {
		t.Fatalf("after a restart the page that was open gets %d", status)
	}
	lines = stream(t, p, id)
	await(t, lines, "it begins")
	if err := os.WriteFile(flag, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, lines, "it goes on")
	await(t, lines, `"action":"done"`)
	await(t, lines, "event: end")
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	if status, body := p.read("/runs/" + id); status != http.StatusOK || !strings.Contains(body, ">ran</td>") {
		t.Errorf("the run that ended: %d", status)
	}
}

// awaitLiveRun waits until the page lists a run that goes on, by the stream that tells of changes.
func awaitLiveRun(t *testing.T, p *page) string {
	t.Helper()
	res := p.open("/runs/changes")
	defer res.Body.Close()
	s := bufio.NewScanner(res.Body)
	for s.Scan() {
		if !strings.HasPrefix(s.Text(), "event: runs") {
			continue
		}
		_, body := p.read("/")
		if _, rest, ok := strings.Cut(body, `class="live"><a href="/runs/`); ok {
			id, _, _ := strings.Cut(rest, `"`)
			return id
		}
	}
	t.Fatalf("no run appeared: %v", s.Err())
	return ""
}

// stream reads a run's events in the background.
func stream(t *testing.T, p *page, id string) <-chan string {
	t.Helper()
	res := p.open("/runs/" + id + "/events")
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); res.Body.Close() })
	lines := make(chan string)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(res.Body)
		for s.Scan() {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

func await(t *testing.T, lines <-chan string, text string) {
	t.Helper()
	for l := range lines {
		if strings.Contains(l, text) {
			return
		}
	}
	t.Fatalf("the stream ended without %q", text)
}

const uiReviewed = `pipeline "done" {}
step "dataset" "own" {
  data = "rows.jsonl"
}
step "review" "reviewed" {
  rows      = step.own.rows
  decisions = "done.csv"
  share     = 1
  require   = true
}
`

// TestUIPlansAndReviews plans a text that isn't saved, and reviews what a run waits for.
func TestUIPlansAndReviews(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"done.hcl": uiReviewed, "rows.jsonl": "{\"id\":\"r1\",\"text\":\"first prompt\",\"label\":\"benign\"}\n{\"id\":\"r2\",\"text\":\"<b>second</b>\",\"label\":\"benign\"}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func() error {
		c := exec.Command("rein", "run", "-q", "done.hcl")
		c.Dir = dir
		return c.Run()
	}
	if run() == nil {
		t.Fatal("nothing was reviewed, and the run passes")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := servePage(t, dir, "127.0.0.1:0", jar, "done.hcl")
	p.read("")
	if _, body := p.read("/plan"); !strings.Contains(body, "1 to run") || !strings.Contains(body, "share     = 1") {
		t.Errorf("the plan of what is saved: %s", body)
	}
	for text, want := range map[string]string{uiReviewed + "step \"exec\" \"after\" {\n  command = [\"true\"]\n  inputs  = { rows = step.reviewed.rows }\n  outputs = [\"out\"]\n}\n": "1 to run if what", strings.Replace(uiReviewed, "share ", "shore ", 1): "done.hcl:8", "pipeline \"done\" {": "error"} {
		if status, body := p.post("/plan", map[string]string{"file": "done.hcl", "text": text}); status != 200 || !strings.Contains(body, want) {
			t.Errorf("no %q in the plan of\n%s\n%s", want, text, body)
		}
	}
	if _, body := p.read("/review"); !strings.Contains(body, "0 of 2 decided") || !strings.Contains(body, "first prompt") {
		t.Errorf("the review: %s", body)
	}
	for _, d := range []map[string]string{{"file": "done.hcl", "id": "r1", "verdict": "accept"}, {"file": "done.hcl", "id": "r2", "verdict": "reject"}} {
		if status, body := p.post("/review", d); status != 200 {
			t.Errorf("%v: %d %s", d, status, body)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "done.csv")); string(b) != "id,verdict,label,note\nr1,accept,,\nr2,reject,,\n" {
		t.Errorf("the decisions are %q, %v", b, err)
	}
	if err := run(); err != nil {
		t.Errorf("all is decided, and the run ends with %v", err)
	}
}

// post sends what a script of the page sends.
func (p *page) post(path string, body any) (int, string) {
	p.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	u := *p.address
	u.Path, u.RawQuery = path, ""
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, u.String(), bytes.NewReader(b))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", u.Scheme+"://"+u.Host)
	res, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}
