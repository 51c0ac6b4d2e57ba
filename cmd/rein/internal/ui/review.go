package ui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"

	"rein/cmd/rein/internal/reviewui"
	"rein/steps/artifact"
	"rein/steps/review"
)

// reviews are the samples under review, by pipeline file. Decisions are only kept in their files, because a terminal may write to them,
// too.
type reviews struct {
	mu     sync.Mutex
	opened map[string]*Review
}

// review is a file's sample as it was when its page was opened.
func (s *Server) review(ctx context.Context, file string) (*Review, error) {
	s.reviews.mu.Lock()
	v := s.reviews.opened[file]
	s.reviews.mu.Unlock()
	if v != nil {
		return v, nil
	}
	files, err := s.Reviews(ctx)
	if err != nil {
		return nil, err
	}
	return s.openReview(ctx, file, files)
}

// openReview reads the sample of one of the files that have one, since the pipeline may have changed.
func (s *Server) openReview(ctx context.Context, file string, files []string) (*Review, error) {
	if !slices.Contains(files, file) {
		return nil, errNotFound
	}
	v, err := s.Review(ctx, file)
	if err != nil {
		return nil, err
	}
	s.reviews.mu.Lock()
	defer s.reviews.mu.Unlock()
	if s.reviews.opened == nil {
		s.reviews.opened = map[string]*Review{}
	}
	s.reviews.opened[file] = v
	return v, nil
}

// reviewed is a row on its card.
type reviewed struct {
	File           string
	Path           string
	At, Of         int
	Decided        int
	Finished       bool
	Row            artifact.Row
	Other          string // the label that it hasn't
	Verdict, Label string
	Note           string
	Text, Original []piece
}

// piece is a part of a text; the marked ones are not in the other text.
type piece struct {
	Text   string
	Marked bool
}

// reviewView is what the review's page shows.
type reviewView struct {
	Files   []string
	File    string
	Problem string
	Card    *reviewed
}

func (s *Server) reviewPage(w http.ResponseWriter, r *http.Request) error {
	files, err := s.Reviews(r.Context())
	if err != nil {
		return err
	}
	view := reviewView{Files: files, File: r.URL.Query().Get("file")}
	if view.File == "" && len(files) > 0 {
		view.File = files[0]
	}
	if view.File != "" {
		v, err := s.openReview(r.Context(), view.File, files)
		switch {
		case errors.Is(err, errNotFound):
			return err
		case err != nil:
			view.Problem = err.Error()
		default:
			if view.Card, err = v.card(view.File, -1); err != nil {
				view.Problem = err.Error()
			}
		}
	}
	return s.page(w, http.StatusOK, frame{Title: "Review", At: "/review", Script: "review.js", Body: body(drawReview, view)})
}

func (s *Server) reviewRow(w http.ResponseWriter, r *http.Request) error {
	file := r.URL.Query().Get("file")
	v, err := s.review(r.Context(), file)
	if err != nil {
		return err
	}
	c, err := v.card(file, number(r, "at"))
	if err != nil {
		return err
	}
	return fragment(w, drawReviewCard, c)
}

// card is the card of the row at an index; -1 means the first undecided row.
func (v *Review) card(file string, at int) (*reviewed, error) {
	d, err := review.DecisionsSoFar(v.Path)
	if err != nil {
		return nil, err
	}
	c := &reviewed{File: file, Path: v.Path, Of: len(v.Rows), Decided: d.Decided(v.Rows)}
	if at < 0 {
		at = d.Next(v.Rows, 0)
	}
	if at < 0 || len(v.Rows) == 0 {
		c.Finished = true
		return c, nil
	}
	c.At = at % len(v.Rows)
	c.Row = v.Rows[c.At]
	if c.Other = artifact.Malicious; c.Row.Label == artifact.Malicious {
		c.Other = artifact.Benign
	}
	if x, ok := d[c.Row.ID]; ok {
		c.Verdict, c.Label, c.Note = x.Verdict, x.Label, x.Note
	}
	original, varied := v.Originals[c.Row.Parent]
	if !varied || c.Row.Parent == "" {
		c.Text = pieces(c.Row.Text, nil)
		return c, nil
	}
	inText, inOriginal := reviewui.Differing(c.Row.Text, original)
	c.Text, c.Original = pieces(c.Row.Text, inText), pieces(original, inOriginal)
	return c, nil
}

// pieces divides a text into marked and unmarked parts.
func pieces(text string, marked []bool) []piece {
	if marked == nil {
		return []piece{{Text: text}}
	}
	var out []piece
	add := func(s string, m bool) {
		if n := len(out); n > 0 && out[n-1].Marked == m {
			out[n-1].Text += s
		} else if s != "" {
			out = append(out, piece{s, m})
		}
	}
	rest := text
	for i, w := range strings.Fields(text) {
		at := strings.Index(rest, w)
		add(rest[:at], false)
		add(w, marked[i])
		rest = rest[at+len(w):]
	}
	add(rest, false)
	return out
}

// decision is what a person decided of a row; without a verdict it is taken back.
type decision struct {
	File, ID, Verdict, Label, Note string
}

// decide writes a decision to the review's file.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) error {
	var d decision
	if err := readJSON(w, r, &d); err != nil {
		return badRequest(w, err)
	}
	v, err := s.review(r.Context(), d.File)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(v.Rows, func(x artifact.Row) bool { return x.ID == d.ID })
	if at < 0 {
		return badRequest(w, fmt.Errorf("row %q is none of those that are reviewed", d.ID))
	}
	x := review.Decision{Verdict: d.Verdict, Label: d.Label, Note: d.Note}
	if d.Verdict != review.Relabel {
		x.Label = ""
	}
	if d.Verdict != "" {
		if err := x.Check(); err != nil {
			return badRequest(w, err)
		}
	}
	s.reviews.mu.Lock()
	defer s.reviews.mu.Unlock()
	change := &x
	if d.Verdict == "" {
		change = nil
	}
	all, err := review.Change(v.Path, d.ID, change)
	if err != nil {
		return badRequest(w, fmt.Errorf("the decision is not written: %w", err))
	}
	return writeJSON(w, map[string]int{"decided": all.Decided(v.Rows), "next": all.Next(v.Rows, at+1), "at": at})
}

const maxBody = 1 << 20

// readJSON reads the body that a script of ours sends. A form on another site can't send this content type.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return errors.New("want JSON")
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// badRequest says to a script what is wrong.
func badRequest(w http.ResponseWriter, err error) error {
	http.Error(w, err.Error(), http.StatusBadRequest)
	return nil
}
