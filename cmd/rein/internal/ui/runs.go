package ui

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rein/cmd/rein/internal/runlog"
	"rein/engine/record"
)

// pageSize is how many lines of a list a page has.
const pageSize = 50

// historyCache keeps the summaries of runs until a run is added.
type historyCache struct {
	mu     sync.Mutex
	ids    []string
	runs   []runlog.Summary
	broken []error
}

// runs are the summaries of all runs, newest first.
func (s *Server) runs() ([]runlog.Summary, error) {
	runs, _, err := s.readRuns()
	return runs, err
}

// readRuns is runs, with how many can't be read.
func (s *Server) readRuns() (runs []runlog.Summary, broken int, err error) {
	c := &s.history
	c.mu.Lock()
	defer c.mu.Unlock()
	ids, err := s.Store.Runs()
	if err != nil {
		return nil, 0, err
	}
	if c.runs == nil || !slices.Equal(ids, c.ids) {
		runs, broken, err := runlog.History(s.Store, 0, nil, func(runlog.Summary) bool { return true })
		if err != nil {
			return nil, 0, err
		}
		c.ids, c.runs, c.broken = ids, runs, broken
	}
	return c.runs, len(c.broken), nil
}

// runList is a page of runs.
type runList struct {
	State  string // of the moment before the list was made
	Live   []liveRun
	Runs   []runlog.Summary
	Filter string
	Total  int
	Broken int
	Pages  pager
}

type liveRun struct {
	*record.Run
	Names string
	Steps int
}

// pager says which part of a list is shown.
type pager struct {
	From, To, Of int    // rows FROM+1 to TO
	Older, Newer string // addresses; "": there are none
}

// newPager makes the pager of page number `page` (from 0) of a list.
func newPager(page, size, total int, at func(page int) string) pager {
	page = max(0, min(page, (total-1)/size))
	p := pager{From: page * size, To: min((page+1)*size, total), Of: total}
	if page > 0 {
		p.Newer = at(page - 1)
	}
	if p.To < total {
		p.Older = at(page + 1)
	}
	return p
}

func number(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil {
		return 0
	}
	return n
}

func (s *Server) runsPage(w http.ResponseWriter, r *http.Request) error {
	state, err := s.runsState()
	if err != nil {
		return err
	}
	list, err := s.runList(r)
	if err != nil {
		return err
	}
	list.State = state
	return s.page(w, http.StatusOK, frame{Title: "Runs", At: "/", Script: "runs.js", Body: body(drawRuns, list)})
}

func (s *Server) runsTable(w http.ResponseWriter, r *http.Request) error {
	list, err := s.runList(r)
	if err != nil {
		return err
	}
	return fragment(w, drawRunsTable, list)
}

func (s *Server) runList(r *http.Request) (*runList, error) {
	all, broken, err := s.readRuns()
	if err != nil {
		return nil, err
	}
	list := &runList{Filter: r.URL.Query().Get("q"), Broken: broken}
	words := strings.Fields(strings.ToLower(list.Filter))
	var found []runlog.Summary
	for _, run := range all {
		if matches(words, summaryText(run)) {
			found = append(found, run)
		}
	}
	list.Total = len(all)
	list.Pages = newPager(number(r, "page"), pageSize, len(found), func(page int) string {
		return "/?" + url.Values{"q": {list.Filter}, "page": {strconv.Itoa(page)}}.Encode()
	})
	list.Runs = found[list.Pages.From:list.Pages.To]
	live, err := runlog.Live(s.Store)
	for _, run := range live {
		l := liveRun{Run: run}
		var names []string
		for _, p := range run.Pipelines {
			names = append(names, p.Name)
			l.Steps += len(p.Steps)
		}
		l.Names = strings.Join(names, " ")
		list.Live = append(list.Live, l)
	}
	return list, err
}

// matches tells whether a text has all words.
func matches(words []string, text string) bool {
	text = strings.ToLower(text)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

func summaryText(s runlog.Summary) string {
	parts := []string{s.ID, s.Outcome, s.Git.Revision, s.Started.Local().Format(time.DateTime)}
	for _, p := range s.Pipelines {
		parts = append(parts, p.Name, p.File)
	}
	return strings.Join(parts, "\n")
}

// runsChanges sends an event each time a run begins or ends.
func (s *Server) runsChanges(w http.ResponseWriter, r *http.Request) error {
	stream := newStream(w)
	defer stream.close()
	last := ""
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		now, err := s.runsState()
		if err != nil {
			return err
		}
		if now != last {
			if err := stream.send("runs", now, []byte(strconv.Quote(now))); err != nil {
				return nil
			}
			last = now
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-tick.C:
		}
	}
}

// runsState is a text that changes when a run begins or ends.
func (s *Server) runsState() (string, error) {
	ids, err := s.Store.Runs()
	if err != nil {
		return "", err
	}
	live, err := runlog.Live(s.Store)
	if err != nil {
		return "", err
	}
	goes := map[string]bool{}
	for _, l := range live {
		goes[l.ID] = true
	}
	last := ""
	if len(ids) > 0 {
		last = ids[len(ids)-1]
	}
	return fmt.Sprintf("%d %s %s", len(ids), last, strings.Join(slices.Sorted(maps.Keys(goes)), " ")), nil
}
