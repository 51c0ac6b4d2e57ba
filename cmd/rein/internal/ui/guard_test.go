package ui

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// ask sends a request to a fixture's server, as a client that nothing stops from sending what it likes.
func (f *fixture) ask(method, path string, change func(*http.Request)) (*http.Response, string) {
	f.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:7346"+path, nil)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Result().Body)
	return w.Result(), string(body)
}

// inside gives a request the cookie of somebody who had the address.
func (f *fixture) inside(r *http.Request) {
	r.AddCookie(&http.Cookie{Name: "rein_ui_7346", Value: f.guard.issue()})
}

func (f *fixture) get(path string) string {
	f.t.Helper()
	res, body := f.ask("GET", path, f.inside)
	if res.StatusCode != http.StatusOK {
		f.t.Fatalf("GET %s: %s\n%s", path, res.Status, body)
	}
	return body
}

func TestOnlyWhoHasTheTokenGetsIn(t *testing.T) {
	f := newFixture(t)
	for path, want := range map[string]int{
		"/": 401, "/history": 401, "/runs/x/events": 401, "/assets/x/ui.css": 401, "/?token=": 401, "/?token=wrong": 401, "/?token=T0KE": 401, "/?token=T0KENx": 401,
		"/?token=t0ken": 401, "/history?metric=fp_rate&token=T0KEN": 200, "/nothing?token=T0KEN": 200,
	} {
		if res, _ := f.ask("GET", path, nil); res.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, res.StatusCode, want)
		}
	}
	if res, _ := f.ask("POST", "/?token=T0KEN", nil); res.StatusCode != 401 {
		t.Errorf("a POST with the token gets in: %d", res.StatusCode)
	}
	res, body := f.ask("GET", "/history?metric=fp_rate&token=T0KEN", nil)
	c := res.Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/" || strings.Contains(c[0].Value, testToken) {
		t.Fatalf("cookies %v", c)
	}
	if !strings.Contains(body, `0;url=/history?metric=fp_rate"`) || strings.Contains(body, testToken) {
		t.Errorf("the entrance doesn't lead to the page without its token: %s", body)
	}
	if res, _ := f.ask("GET", "/history", func(r *http.Request) { r.AddCookie(c[0]) }); res.StatusCode != 200 {
		t.Errorf("the cookie opens nothing: %d", res.StatusCode)
	}
}

// An address that leads to another host must not come out of ours.
func TestEntranceStaysHere(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"//evil.example/x", `/\evil.example`, "///evil.example"} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:7346/?token=T0KEN", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		f.Handler().ServeHTTP(w, r)
		if body := w.Body.String(); strings.Contains(body, "url=//") || strings.Contains(body, `url=/\`) {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestCookies(t *testing.T) {
	f := newFixture(t)
	good := f.guard.issue()
	until, mac, _ := strings.Cut(good, ".")
	for name, value := range map[string]string{"none": "", "no signature": until, "another time": "9" + until + "." + mac, "another signature": until + "." + strings.Repeat("A", len(mac)),
		"another key's": newGuard("x", []byte("other"), nil).issue()} {
		if f.guard.valid(value) {
			t.Errorf("%s: a cookie is taken for good", name)
		}
	}
	if !f.guard.valid(good) {
		t.Error("a good cookie isn't")
	}
	if again := newGuard("another token", []byte("key"), nil); !again.valid(good) {
		t.Error("after a restart, pages that are open can't go on")
	}
	f.guard.now = func() time.Time { return time.Now().Add(cookieLife + time.Minute) }
	if f.guard.valid(good) {
		t.Error("a cookie never ends")
	}
}

// A token on the command line of a browser can be read by others: it is good for once.
func TestOneTimeToken(t *testing.T) {
	f := newFixture(t)
	token := f.OneTimeToken()
	for i, want := range []int{200, 401} {
		if res, _ := f.ask("GET", "/?token="+token, nil); res.StatusCode != want {
			t.Errorf("use %d: %d, want %d", i+1, res.StatusCode, want)
		}
	}
}

// A name that somebody made to point to this machine is none of the server's names.
func TestHosts(t *testing.T) {
	f := newFixture(t)
	f.guard.hosts = []string{"builder"}
	for host, want := range map[string]int{"127.0.0.1:7346": 200, "[::1]:7346": 200, "localhost:7346": 200, "LOCALHOST.:7346": 200, "192.0.2.7:7346": 200, "builder:7346": 200,
		"evil.example:7346": 421, "127.0.0.1.evil.example:7346": 421, "localhost.evil.example:7346": 421, "": 421} {
		res, _ := f.ask("GET", "/", func(r *http.Request) {
			r.Host = host
			r.AddCookie(&http.Cookie{Name: "rein_ui_7346", Value: f.guard.issue()})
		})
		if res.StatusCode != want {
			t.Errorf("Host %q: %d, want %d", host, res.StatusCode, want)
		}
	}
}

// What another site makes a browser send changes nothing, and tells it nothing.
func TestOtherSites(t *testing.T) {
	f := newFixture(t)
	for name, change := range map[string]func(*http.Request){
		"another site":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another port":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"another origin": func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:9") },
	} {
		res, _ := f.ask("POST", "/review", func(r *http.Request) { f.inside(r); change(r) })
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	res, _ := f.ask("OPTIONS", "/", func(r *http.Request) {
		r.Header.Set("Origin", "http://evil.example")
		r.Header.Set("Access-Control-Request-Method", "POST")
	})
	for name := range res.Header {
		if strings.HasPrefix(name, "Access-Control") {
			t.Errorf("CORS: %s", name)
		}
	}
}

func TestEveryAnswerIsProtected(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/", "/history", "/nothing", "/runs/none", "/?token=wrong"} {
		res, _ := f.ask("GET", path, f.inside)
		csp := res.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: CSP %q", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store"} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestLoopback(t *testing.T) {
	for addr, local := range map[string]bool{"127.0.0.1:80": true, "[::1]:80": true, "localhost:0": true, "127.8.8.8:1": true, "0.0.0.0:80": false, "[::]:80": false, ":80": false, "192.0.2.7:80": false, "builder:80": false} {
		if got := Loopback(addr) == nil; got != local {
			t.Errorf("%s: loopback %v", addr, got)
		}
	}
}
