package ui

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"rein/engine"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/compare/render/markup"
)

// Plan is what would run if a file had a certain text, or what is wrong with the text.
type Plan struct {
	Summary   string
	Pipelines []PlannedPipeline
	Problems  []Problem
}

// PlannedPipeline is one pipeline of a plan.
type PlannedPipeline struct {
	Name   string
	Counts string // in words
	Steps  []engine.StepForecast
	Needs  map[string][]string // by step
}

// Problem is a diagnostic of a text.
type Problem struct {
	Severity, Summary, Detail, File string
	Line                            int // from 1; 0: none
}

// Graph draws the pipeline; a box says how long its step would take.
func (p PlannedPipeline) Graph() markup.HTML {
	var out []compare.Timing
	for _, s := range p.Steps {
		t := compare.Timing{Name: s.Name, Type: s.Type, Status: string(s.Status), MS: s.ForecastMS, Needs: p.Needs[s.Name]}
		if s.Status == engine.PlanSkipped {
			t.Status = string(engine.StatusNotNeeded)
		}
		out = append(out, t)
	}
	return render.Steps(p.Name, out)
}

// Pending are the steps that would run, or may.
func (p PlannedPipeline) Pending() []engine.StepForecast {
	var out []engine.StepForecast
	for _, s := range p.Steps {
		if s.Status == engine.PlanRun || s.Status == engine.PlanUnknown {
			out = append(out, s)
		}
	}
	return out
}

// planView is what the plan's page shows.
type planView struct {
	Files      []string
	File, Text string
	Plan       *Plan
}

func (s *Server) planPage(w http.ResponseWriter, r *http.Request) error {
	files, err := s.Files(r.Context())
	if err != nil {
		return err
	}
	v := planView{Files: files, File: r.URL.Query().Get("file")}
	if v.File == "" && len(files) > 0 {
		v.File = files[0]
	}
	if v.File != "" {
		if !slices.Contains(files, v.File) {
			return errNotFound
		}
		if v.Text, err = s.Read(v.File); err != nil {
			return err
		}
		if v.Plan, err = s.Config.Plan(r.Context(), v.File, v.Text); err != nil {
			v.Plan = &Plan{Problems: []Problem{{Severity: "error", Summary: err.Error()}}}
		}
	}
	return s.page(w, http.StatusOK, frame{Title: "Plan", At: "/plan", Script: "plan.js", Body: body(drawPlan, v)})
}

// planText plans an unsaved text. It writes nothing.
func (s *Server) planText(w http.ResponseWriter, r *http.Request) error {
	var given struct{ File, Text string }
	if err := readJSON(w, r, &given); err != nil {
		return badRequest(w, err)
	}
	files, err := s.Files(r.Context())
	if err != nil {
		return err
	}
	if !slices.Contains(files, given.File) {
		return errNotFound
	}
	p, err := s.Config.Plan(r.Context(), given.File, given.Text)
	if err != nil {
		p = &Plan{Problems: []Problem{{Severity: "error", Summary: err.Error()}}}
	}
	return fragment(w, drawPlanResult, p)
}

// planChanges sends the text of a file each time it was saved.
func (s *Server) planChanges(w http.ResponseWriter, r *http.Request) error {
	file := r.URL.Query().Get("file")
	files, err := s.Files(r.Context())
	if err != nil {
		return err
	}
	if !slices.Contains(files, file) {
		return errNotFound
	}
	stream := newStream(w)
	defer stream.close()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for last, n := "", 0; ; {
		text, err := s.Read(file)
		if err == nil && (n == 0 || text != last) { // a file that an editor is replacing may be absent for a moment
			last, n = text, n+1
			b, err := jsonText(text)
			if err != nil {
				return err
			}
			if stream.send("saved", fmt.Sprint(n), b) != nil {
				return nil
			}
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-tick.C:
		}
	}
}
