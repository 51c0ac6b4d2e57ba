package ui

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rein/pipelines/compare/render/markup"
)

// A page on a loopback port is within reach of every program and every web site that the user opens. The guard lets in whoever has the
// address that was printed, and nobody else:
//
//   - The address has a token. The first request with it gets a cookie, and an address without the token.
//   - A request for another host than the server's is refused: a site whose name was made to point here gets nothing (DNS rebinding).
//   - A request that another site, or another port of this machine, has made a browser send changes nothing (CSRF), and no answer may be
//     read by one (no CORS, CORP, a cookie for the same site only).
//   - No script or style runs but the server's own files (CSP).

const (
	tokenParam = "token"
	cookieLife = 7 * 24 * time.Hour
)

type guard struct {
	token  string
	mu     sync.Mutex
	once   string // a token that can be used once; "": none
	key    []byte
	hosts  []string
	origin *http.CrossOriginProtection
	now    func() time.Time
}

func newGuard(token string, key []byte, hosts []string) *guard {
	return &guard{token: token, key: key, hosts: hosts, origin: http.NewCrossOriginProtection(), now: time.Now}
}

// policy is the CSP: only our own files are loaded, and the page can't be framed.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (g *guard) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !g.knownHost(r.Host) {
			http.Error(w, "This server is not at "+strconv.Quote(r.Host)+".", http.StatusMisdirectedRequest)
			return
		}
		if err := g.origin.Check(r); err != nil {
			http.Error(w, "Another site has sent this request.", http.StatusForbidden)
			return
		}
		if given := r.URL.Query().Get(tokenParam); given != "" && r.Method == http.MethodGet {
			g.enter(w, r, given)
			return
		}
		if c, err := r.Cookie(g.cookieName(r)); err != nil || !g.valid(c.Value) {
			http.Error(w, "Open the address that rein ui has printed: it has a token in it.", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// oneTime makes a token that can be used once. It is for the browser that we start, whose command line other users can read.
func (g *guard) oneTime() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.once = rand.Text()
	return g.once
}

// admits tells whether a token is the server's.
func (g *guard) admits(given string) bool {
	if subtle.ConstantTimeCompare([]byte(given), []byte(g.token)) == 1 {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	ok := g.once != "" && subtle.ConstantTimeCompare([]byte(given), []byte(g.once)) == 1
	if ok {
		g.once = ""
	}
	return ok
}

// enter exchanges the token for a cookie, by a page that then loads the address without the token. A redirect wouldn't work: if the link is
// on another site's page, the browser doesn't send the new cookie with the redirected request.
func (g *guard) enter(w http.ResponseWriter, r *http.Request, given string) {
	if !g.admits(given) {
		http.Error(w, "This token is not that of the server: open the address that rein ui has printed.", http.StatusUnauthorized)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: g.cookieName(r), Value: g.issue(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		MaxAge: int(cookieLife / time.Second)})
	to := url.URL{Path: "/" + strings.TrimLeft(r.URL.Path, `/\`)} // no other host
	rest := r.URL.Query()
	rest.Del(tokenParam)
	to.RawQuery = rest.Encode()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	var page markup.Writer
	drawEntrance(&page, to.String())
	_, _ = io.WriteString(w, page.String())
}

// cookieName contains the port, because all ports of a host share their cookies, and several servers may run.
func (g *guard) cookieName(r *http.Request) string {
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		port = "80"
	}
	return "rein_ui_" + port
}

// issue makes a cookie's value: its expiry time, signed.
func (g *guard) issue() string {
	until := strconv.FormatInt(g.now().Add(cookieLife).Unix(), 10)
	return until + "." + g.sign(until)
}

func (g *guard) sign(until string) string {
	m := hmac.New(sha256.New, g.key)
	m.Write([]byte("rein ui cookie until " + until))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (g *guard) valid(cookie string) bool {
	until, mac, ok := strings.Cut(cookie, ".")
	if !ok || !hmac.Equal([]byte(mac), []byte(g.sign(until))) {
		return false
	}
	t, err := strconv.ParseInt(until, 10, 64)
	return err == nil && g.now().Before(time.Unix(t, 0))
}

// knownHost tells whether a request is for this server. A numeric address always is; only a name can be made to point elsewhere.
func (g *guard) knownHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	return net.ParseIP(name) != nil || name == "localhost" || slices.Contains(g.hosts, name)
}

// errNotLoopback is the error of an address that other machines can reach.
var errNotLoopback = errors.New("not a loopback address")

// Loopback tells whether only this machine can reach an address HOST:PORT.
func Loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return errNotLoopback
}
