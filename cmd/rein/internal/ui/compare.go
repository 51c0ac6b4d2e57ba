package ui

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"rein/cmd/rein/internal/runlog"
	"rein/cmd/rein/internal/view"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
)

// A subject of the detailed pages is a pipeline of a run. Addresses name it as RUN/PIPELINE, or as PIPELINE for the newest run that has
// figures for it.

// subject is a pipeline of a run.
type subject struct {
	run  *record.Run
	name string // of the pipeline
	as   string // its name beside the others that are shown
}

func (x subject) ref() string { return x.run.ID + "/" + x.name }

// subjects finds what an address names, and gives each a name of its own.
func (s *Server) subjects(refs []string) ([]subject, error) {
	var out []subject
	runs := map[string]*record.Run{}
	for _, ref := range refs {
		id, name, ok := strings.Cut(ref, "/")
		if !ok {
			id, name = "", ref
		}
		if id == "" {
			var err error
			if id, err = s.newest(name); err != nil {
				return nil, err
			}
		}
		if runs[id] == nil {
			r, err := runlog.Read(s.Store, id)
			if err != nil {
				return nil, errNotFound
			}
			runs[id] = r
		}
		x := subject{run: runs[id], name: name, as: name}
		if x.pipeline() == nil {
			return nil, errNotFound
		}
		if !slices.ContainsFunc(out, func(y subject) bool { return y.ref() == x.ref() }) {
			out = append(out, x)
		}
	}
	for i := range out {
		for j := range out {
			if i != j && out[i].name == out[j].name {
				out[i].as = out[i].name + " " + occasion(out[i].run)
			}
		}
	}
	for i := range out { // two runs of the same minute and commit
		for j := range out[:i] {
			if out[i].as == out[j].as {
				out[i].as += " " + out[i].run.ID
			}
		}
	}
	return out, nil
}

// occasion distinguishes a run from others of the same pipeline.
func occasion(r *record.Run) string {
	return strings.TrimSpace(view.Revision(r.Git) + " " + r.Started.Local().Format("01-02 15:04"))
}

// newest is the newest run that has figures for a pipeline.
func (s *Server) newest(pipeline string) (string, error) {
	all, err := s.runs()
	for _, r := range all {
		for _, p := range r.Pipelines {
			if p.Name == pipeline && len(p.Figures) > 0 {
				return r.ID, nil
			}
		}
	}
	return "", cmp.Or(err, errNotFound)
}

// pipeline is the subject's part of its record; nil if the run has no such pipeline.
func (x subject) pipeline() *record.Pipeline {
	for i := range x.run.Pipelines {
		if x.run.Pipelines[i].Name == x.name {
			return &x.run.Pipelines[i]
		}
	}
	return nil
}

// resultCache keeps the latest comparisons. They stay valid, because records never change.
type resultCache struct {
	mu      sync.Mutex
	entries []*resultEntry // newest first
}

type resultEntry struct {
	key    string
	result func() (*compare.Result, error)
	report func() ([]byte, error)
	mu     sync.Mutex
	rows   map[string]*compare.Rows
}

const keptResults = 4

func (c *resultCache) forget(e *resultEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = slices.DeleteFunc(c.entries, func(x *resultEntry) bool { return x == e })
}

// compared puts subjects side by side.
func (s *Server) compared(ctx context.Context, of []subject) *resultEntry {
	var refs []string
	var pipelines []record.Pipeline
	for _, x := range of {
		p := *x.pipeline()
		p.Name = x.as
		pipelines = append(pipelines, p)
		refs = append(refs, x.ref())
	}
	key := strings.Join(refs, "\n")
	c := &s.results
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.IndexFunc(c.entries, func(e *resultEntry) bool { return e.key == key }); i >= 0 {
		e := c.entries[i]
		c.entries = slices.Insert(slices.Delete(c.entries, i, i+1), 0, e)
		return e
	}
	ctx = context.WithoutCancel(ctx) // others wait for it, too
	e := &resultEntry{key: key, rows: map[string]*compare.Rows{}}
	e.result = sync.OnceValues(func() (*compare.Result, error) {
		r, err := s.Compare(ctx, pipelines)
		if err != nil { // it may go next time
			c.forget(e)
		}
		return r, err
	})
	e.report = sync.OnceValues(func() ([]byte, error) {
		r, err := e.result()
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		err = render.Report(ctx, &b, r, render.Options{All: true})
		return b.Bytes(), err
	})
	c.entries = slices.Insert(c.entries, 0, e)
	c.entries = c.entries[:min(len(c.entries), keptResults)]
	return e
}

// comparison is what its page shows.
type comparison struct {
	Of     []offered
	Chosen []subjectLink
	Report string // address
}

// comparePage lists what can be compared, with a place for the comparison.
func (s *Server) comparePage(w http.ResponseWriter, r *http.Request) error {
	refs := r.URL.Query()["of"]
	all, err := s.runs()
	if err != nil {
		return err
	}
	if len(refs) == 0 {
		refs = lastCompared(all)
	}
	of, err := s.subjects(refs)
	if err != nil {
		return err
	}
	v := comparison{Of: offers(all, of)}
	q := url.Values{}
	for _, x := range of {
		q.Add("of", x.ref())
		v.Chosen = append(v.Chosen, subjectLink{x.as, rowsPath(x.ref(), "", nil)})
	}
	if len(of) > 0 {
		v.Report = "/compare/report?" + q.Encode()
	}
	return s.page(w, http.StatusOK, frame{Title: "Compare", At: "/compare", Script: "compare.js", Body: body(drawCompare, v)})
}

type subjectLink struct{ Name, Rows string }

// lastCompared are the pipelines of the newest run that has figures.
func lastCompared(all []runlog.Summary) []string {
	for _, r := range all {
		var out []string
		for _, p := range r.Pipelines {
			if len(p.Figures) > 0 {
				out = append(out, r.ID+"/"+p.Name)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// offered is a pipeline of a run that can be chosen.
type offered struct {
	Ref, Name, File string
	Chosen          bool
	Newest          bool // of its name
	runlog.Summary
}

// mostOffered is the length of the list. Older runs are found with the filter of the list of runs.
const mostOffered = 200

func offers(all []runlog.Summary, chosen []subject) []offered {
	var out []offered
	seen := map[string]bool{}
	for _, r := range all {
		for _, p := range r.Pipelines {
			if len(p.Figures) == 0 {
				continue
			}
			ref := r.ID + "/" + p.Name
			o := offered{Ref: ref, Name: p.Name, File: p.File, Newest: !seen[p.Name], Summary: r,
				Chosen: slices.ContainsFunc(chosen, func(x subject) bool { return x.ref() == ref })}
			seen[p.Name] = true
			if len(out) < mostOffered || o.Chosen {
				out = append(out, o)
			}
		}
	}
	return out
}

// compareReport is the comparison itself.
func (s *Server) compareReport(w http.ResponseWriter, r *http.Request) error {
	of, err := s.subjects(r.URL.Query()["of"])
	if err != nil {
		return err
	}
	if len(of) == 0 {
		return errNotFound
	}
	b, err := s.compared(r.Context(), of).report()
	if err != nil {
		return fmt.Errorf("the comparison: %w", err)
	}
	return writeHTML(w, http.StatusOK, string(b))
}

// rowsOf are the rows of a subject's test, beside those of another one; see compare.Rows.
func (s *Server) rowsOf(ctx context.Context, of, against *subject, set string) (*compare.Rows, *compare.Result, error) {
	both := []subject{*of}
	other := compare.BaselineName
	if against != nil {
		both = append(both, *against)
		other = against.as
	}
	e := s.compared(ctx, both)
	r, err := e.result()
	if err != nil {
		return nil, nil, err
	}
	if !r.Scored(of.as) {
		return nil, r, errNoRows
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.rows[set] == nil {
		rows, err := r.Rows(context.WithoutCancel(ctx), of.as, other, set)
		if err != nil {
			return nil, r, err
		}
		e.rows[set] = rows
	}
	return e.rows[set], r, nil
}

var errNoRows = errors.New("no rows were scored in this run, or they are gone from the store: rein run makes them again")
