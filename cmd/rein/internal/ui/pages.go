package ui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"unicode"

	"rein/pipelines/compare/render"
	"rein/pipelines/compare/render/markup"
)

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
	Body   func(*markup.Writer)
	Menu   []menuItem
}

// body draws a page's data, between its head and its foot.
func body[T any](draw func(*markup.Writer, T), data T) func(*markup.Writer) {
	return func(w *markup.Writer) { draw(w, data) }
}

// page writes a page.
func (s *Server) page(w http.ResponseWriter, status int, f frame) error {
	f.Menu = menu
	var page markup.Writer
	drawHead(&page, f)
	f.Body(&page)
	drawFoot(&page, f)
	return writeHTML(w, status, page.String())
}

// fragment writes a part of a page.
func fragment[T any](w http.ResponseWriter, draw func(*markup.Writer, T), data T) error {
	var part markup.Writer
	draw(&part, data)
	return writeHTML(w, http.StatusOK, part.String())
}

func writeHTML(w http.ResponseWriter, status int, page string) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := io.WriteString(w, page)
	return err
}

// failure is why a page can't be shown.
type failure struct{ Title, Text string }

// problem writes a page that says why the requested one can't be shown.
func (s *Server) problem(w http.ResponseWriter, status int, title, text string) {
	if err := s.page(w, status, frame{Title: title, Body: body(drawProblem, failure{title, text})}); err != nil {
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
