package ui

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"rein/cmd/rein/internal/runlog"
	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/compare/render/markup"
)

// shownRun is a run on its page.
type shownRun struct {
	*record.Run
	Live      bool
	Ended     bool // there is a record
	Pipelines []shownPipeline
}

type shownPipeline struct {
	record.Pipeline
	Graph   markup.HTML
	Scored  bool // it has rows to look at
	Figures []shownFigure
}

type shownFigure struct{ Name, Value string }

// run is a run's record, or what was known when the run began; ended tells which.
func (s *Server) run(id string) (rec *record.Run, live, ended bool, err error) {
	rec, err = runlog.Read(s.Store, id)
	if err == nil {
		return rec, false, true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, false, err
	}
	if rec, err = runlog.Head(s.Store, id); err != nil {
		return nil, false, false, errNotFound
	}
	live, err = runlog.Goes(s.Store, id)
	if err == nil && !live {
		if again, gone := runlog.Read(s.Store, id); gone == nil { // it ended meanwhile
			return again, false, true, nil
		}
	}
	return rec, live, false, err
}

func (s *Server) runPage(w http.ResponseWriter, r *http.Request) error {
	rec, live, ended, err := s.run(r.PathValue("id"))
	if err != nil {
		return err
	}
	shown := &shownRun{Run: rec, Live: live, Ended: ended}
	for _, p := range rec.Pipelines {
		of := shownPipeline{Pipeline: p, Figures: mainFigures(p)}
		for _, st := range p.Steps {
			if _, ok := st.Outputs["scores"]; ok {
				of.Scored = true
			}
		}
		of.Graph = render.Steps(p.Name, timings(p.Steps))
		shown.Pipelines = append(shown.Pipelines, of)
	}
	return s.page(w, http.StatusOK, frame{Title: "Run " + rec.ID, At: "/", Script: "run.js", Body: body(drawRun, shown)})
}

// timings are steps as the report draws them.
func timings(steps []record.Step) []compare.Timing {
	var out []compare.Timing
	for _, st := range steps {
		out = append(out, compare.Timing{Name: st.Name, Type: st.Type, Status: st.Status, MS: st.Result.RunMS, Needs: st.Needs})
	}
	return out
}

// mainFigures are a pipeline's main figures.
func mainFigures(p record.Pipeline) []shownFigure {
	sum, err := compare.Summarize(p)
	if err != nil {
		return nil // a record of another version
	}
	names := slices.SortedFunc(maps.Keys(sum.Figures), func(a, b string) int { return render.MainRank(a) - render.MainRank(b) })
	var out []shownFigure
	for _, name := range names {
		if render.MainRank(name) < render.MainRank("") {
			out = append(out, shownFigure{render.Label(name), render.Format(name, sum.Figures[name])})
		}
	}
	return out
}

// runEvents sends a run's events after Last-Event-ID, and follows the run while it is in progress. If the events aren't kept any more, it
// sends what the record holds.
func (s *Server) runEvents(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, _, _, err := s.run(id); err != nil {
		return err
	}
	stream := newStream(w)
	defer stream.close()
	from, _ := strconv.ParseInt(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("from")), 10, 64) // 0: from the first
	told := map[[2]string]bool{}
	err := runlog.Follow(r.Context(), s.Store, id, max(0, from), func(line []byte, next int64) error {
		var e struct {
			Action         engine.Action
			Pipeline, Step string
		}
		if json.Unmarshal(line, &e) == nil && e.Action == engine.ActionSeries {
			told[[2]string{e.Pipeline, e.Step}] = true
		}
		return stream.send("", strconv.FormatInt(next, 10), line)
	})
	if err != nil {
		return nil // the browser closed the connection; it will connect again
	}
	if rec, err := runlog.Read(s.Store, id); err == nil {
		for _, e := range recorded(rec, told) {
			line, err := json.Marshal(e)
			if err != nil {
				return err
			}
			if err := stream.send("", "", line); err != nil {
				return nil
			}
		}
	}
	_ = stream.send("end", "", []byte("{}"))
	return nil
}

// recorded converts a record to events: each step's curves, unless they were sent already, its notes and its end.
func recorded(rec *record.Run, told map[[2]string]bool) []engine.Event {
	var out []engine.Event
	for _, p := range rec.Pipelines {
		for _, st := range p.Steps {
			e := engine.Event{Time: rec.Ended, Pipeline: p.Name, Step: st.Name, Type: st.Type}
			if !told[[2]string{p.Name, st.Name}] {
				for _, name := range slices.Sorted(maps.Keys(st.Result.Series)) {
					for _, at := range st.Result.Series[name] {
						c := e
						c.Action, c.Metric, c.At, c.Value = engine.ActionSeries, name, at[0], at[1]
						out = append(out, c)
					}
				}
			}
			e.Action, e.Status, e.Reasons, e.Text, e.ElapsedMS = engine.ActionEnd, engine.Status(st.Status), st.Reasons, st.Error, st.RunMS
			out = append(out, e)
		}
	}
	return append(out, engine.Event{Time: rec.Ended, Action: engine.ActionDone, Verdict: rec.Verdict, Run: rec.ID})
}
