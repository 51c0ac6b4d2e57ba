package main

import (
	"bufio"
	"context"
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

func servePage(t *testing.T, dir, addr string, jar http.CookieJar) *page {
	t.Helper()
	c := exec.Command("rein", "ui", "--addr", addr)
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
