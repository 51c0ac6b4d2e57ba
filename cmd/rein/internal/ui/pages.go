package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
	"unicode"

	"rein/cmd/rein/internal/view"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/human"
)

//go:embed pages/*.gohtml
var pageFiles embed.FS

//go:embed assets/*
var assetFiles embed.FS

// assets are the files that pages load, by name.
var assets = sync.OnceValue(func() map[string][]byte {
	out := map[string][]byte{"report.css": []byte(render.Style()), "report.js": []byte(render.Script())}
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(err) // they are embedded
	}
	for _, e := range entries {
		b, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			panic(err)
		}
		out[e.Name()] = b
	}
	return out
})

// assetHash identifies an asset's content, so that a browser may cache it.
func assetHash(name string) string {
	sum := sha256.Sum256(assets()[name])
	return hex.EncodeToString(sum[:8])
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("f")
	b, ok := assets()[name]
	if !ok || r.PathValue("hash") != assetHash(name) {
		return errNotFound
	}
	w.Header().Set("Content-Type", map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}[path.Ext(name)])
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	_, err := w.Write(b)
	return err
}

// menuItem is a page that the head of every page links to.
type menuItem struct{ Path, Name, Key string }

var menu = []menuItem{{"/", "Runs", "r"}, {"/history", "History", "h"}, {"/compare", "Compare", "c"}, {"/rows", "Rows", "o"}, {"/review", "Review", "v"}, {"/plan", "Plan", "p"}}

// frame is what stands around every page.
type frame struct {
	Title  string
	At     string // path of the page
	Script string // the page's own, in assets
	Body   any
	Menu   []menuItem
}

// templates are the pages.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"asset":    func(name string) string { return "/assets/" + assetHash(name) + "/" + name },
		"when":     human.Time,
		"took":     func(from, to time.Time) string { return human.Duration(to.Sub(from)) },
		"ms":       func(ms int64) string { return human.Duration(time.Duration(ms) * time.Millisecond) },
		"revision": view.Revision,
		"statuses": view.StatusText[string],
		"label":    render.Label,
		"figure":   func(metric string, f *compare.Figure) string { return render.Format(metric, *f) },
		"n":        func(n int) string { return human.Count(int64(n)) },
		"many":     human.Many,
		"score":    func(v float64) string { return fmt.Sprintf("%.3f", v) },
		"visible":  visible,
		"odds":     render.Odds,
		"add":      func(a, b int) int { return a + b },
	}).ParseFS(pageFiles, "pages/*.gohtml"))
})

// page writes a page: whole, or an error.
func (s *Server) page(w http.ResponseWriter, status int, name string, f frame) error {
	f.Menu = menu
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, "head", f); err != nil {
		return err
	}
	if err := templates().ExecuteTemplate(&b, name, f.Body); err != nil {
		return err
	}
	if err := templates().ExecuteTemplate(&b, "foot", f); err != nil {
		return err
	}
	return writeHTML(w, status, &b)
}

// fragment writes a part of a page.
func (s *Server) fragment(w http.ResponseWriter, name string, data any) error {
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	return writeHTML(w, http.StatusOK, &b)
}

func writeHTML(w http.ResponseWriter, status int, b *bytes.Buffer) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := b.WriteTo(w)
	return err
}

// problem writes a page that says why the requested one can't be shown.
func (s *Server) problem(w http.ResponseWriter, status int, title, text string) {
	if err := s.page(w, status, "problem", frame{Title: title, Body: struct{ Title, Text string }{title, text}}); err != nil {
		http.Error(w, text, status)
	}
}

// visible makes deceptive characters of a text visible: control characters, and marks that reverse or join the text around them.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return '␣'
		}
		return r
	}, s)
}
