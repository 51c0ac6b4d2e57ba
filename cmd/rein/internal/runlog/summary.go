package runlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"rein/cache"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
)

// Summary is a line of cache.Store.RunSummaries. It is what the history needs of a run, so that it needn't read the record, which has every
// step and key.
type Summary struct {
	ID        string            `json:"id"`
	Started   time.Time         `json:"started"`
	Ended     time.Time         `json:"ended"`
	Outcome   string            `json:"outcome"`
	Git       record.Git        `json:"git"`
	Statuses  map[string]int    `json:"statuses"` // steps by how they ended
	Pipelines []PipelineSummary `json:"pipelines"`
}

// PipelineSummary is one pipeline of a Summary.
type PipelineSummary struct {
	Name    string                    `json:"name"`
	File    string                    `json:"file"`
	Figures map[string]compare.Figure `json:"figures,omitempty"`
}

// summarize makes a record's summary with the figures that keep asks for.
func summarize(r *record.Run, keep func(metric string) bool) Summary {
	s := Summary{ID: r.ID, Started: r.Started, Ended: r.Ended, Outcome: r.Verdict, Git: r.Git, Statuses: StatusCounts(r), Pipelines: []PipelineSummary{}}
	for _, p := range r.Pipelines {
		own := PipelineSummary{Name: p.Name, File: p.File}
		if of, err := compare.Summarize(p); err == nil { // a record of another version may hold facts that can't be read
			for name, f := range of.Figures {
				if keep(name) {
					if own.Figures == nil {
						own.Figures = map[string]compare.Figure{}
					}
					own.Figures[name] = f
				}
			}
		}
		s.Pipelines = append(s.Pipelines, own)
	}
	return s
}

// StatusCounts counts a run's steps by how they ended.
func StatusCounts(r *record.Run) map[string]int {
	out := map[string]int{}
	for _, p := range r.Pipelines {
		for _, st := range p.Steps {
			out[st.Status]++
		}
	}
	return out
}

// InSummary tells whether a summary has a metric: it has the main ones, for all kinds of rows.
func InSummary(metric string) bool {
	for _, prefix := range []string{"own_", "new_", "unseen_"} {
		metric = strings.TrimPrefix(metric, prefix)
	}
	return render.MainRank(metric) < render.MainRank("") || strings.HasPrefix(metric, "recall_at_fp_")
}

// Remember adds a run to the summaries. A failure is harmless, because the record is there.
func Remember(store *cache.Store, r *record.Run) { remember(store, summarize(r, InSummary)) }

// Note is what Again needs of a run whose record it doesn't get.
func Note(r *record.Run) []byte {
	text, err := json.Marshal(summarize(r, InSummary))
	if err != nil {
		return nil // Again leaves it out
	}
	return text
}

// Again is Remember of a run that ended as another did, from which the note is. r has no pipelines.
func Again(store *cache.Store, r *record.Run, note []byte) {
	var s Summary
	if json.Unmarshal(note, &s) == nil {
		s.ID, s.Started, s.Ended, s.Git = r.ID, r.Started, r.Ended, r.Git
		remember(store, s)
	}
}

func remember(store *cache.Store, s Summary) {
	line, err := json.Marshal(s)
	if err != nil {
		return
	}
	f, err := cache.OpenPlain(store.RunSummaries(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return
	}
	defer f.Close()
	// The line before may be incomplete, so this one begins with a line end of its own. It is written in one call.
	_, _ = f.Write(slices.Concat([]byte("\n"), line, []byte("\n")))
}

// History lists the newest runs, newest first: at most n (0: all) of those that want accepts, with the given metrics. Runs that can't be
// read are left out and counted.
func History(store *cache.Store, n int, metrics []string, want func(Summary) bool) (runs []Summary, broken []error, err error) {
	ids, err := store.Runs()
	if err != nil {
		return nil, nil, err
	}
	known := &summaries{}
	if !slices.ContainsFunc(metrics, func(m string) bool { return !InSummary(m) }) {
		if err := known.open(store); err != nil {
			return nil, nil, err
		}
		defer known.close()
	}
	keep := func(m string) bool { return InSummary(m) || slices.Contains(metrics, m) }
	runs = []Summary{}
	for _, id := range slices.Backward(ids) {
		if n > 0 && len(runs) == n {
			break
		}
		var s Summary
		line, err := known.of(id)
		if err != nil {
			return nil, nil, err
		}
		if json.Unmarshal(line, &s) != nil || s.ID != id {
			r, err := Read(store, id)
			if err != nil {
				broken = append(broken, err)
				continue
			}
			s = summarize(r, keep)
		}
		if want(s) {
			runs = append(runs, s)
		}
	}
	return runs, broken, nil
}

// summaries are the lines of the summaries' file, by run. The file is read from its end, where the newest runs are, as far as necessary.
type summaries struct {
	file  *os.File // nil: there is none
	at    int64    // what is before this offset hasn't been read
	block int64    // how much is read at a time
	torn  []byte   // the end of the line that begins before at
	lines map[string][]byte
}

func (s *summaries) open(store *cache.Store) error {
	f, err := cache.OpenPlain(store.RunSummaries(), os.O_RDONLY, 0)
	if cache.Outside(err) {
		return fmt.Errorf("the runs' summaries: %w", err)
	} else if err != nil {
		return nil
	}
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return errors.Join(err, f.Close())
	}
	s.file, s.at, s.block, s.lines = f, st.Size(), 1<<18, map[string][]byte{}
	return nil
}

func (s *summaries) close() {
	if s.file != nil {
		s.file.Close()
	}
}

// longestLine is more than any line has, in bytes. What precedes a longer one isn't looked at: the file is damaged.
const longestLine = 1 << 20

// of is a run's line; nil where there is none.
func (s *summaries) of(id string) ([]byte, error) {
	for s.lines[id] == nil && s.at > 0 {
		size := min(s.at, s.block)
		text := make([]byte, size, int(size)+len(s.torn))
		if _, err := s.file.ReadAt(text, s.at-size); err != nil {
			return nil, fmt.Errorf("the runs' summaries: %w", err)
		}
		s.at -= size
		text = append(text, s.torn...)
		if s.torn = nil; s.at > 0 {
			first := bytes.IndexByte(text, '\n') + 1
			if first == 0 {
				first = len(text)
			}
			if s.torn, text = text[:first], text[first:]; len(s.torn) > longestLine {
				s.torn, s.at = nil, 0
			}
		}
		for _, line := range slices.Backward(bytes.Split(text, []byte("\n"))) {
			s.add(line)
		}
	}
	return s.lines[id], nil
}

// add keeps a line. Of two lines of a run, the one that was written last counts: it is read first.
func (s *summaries) add(line []byte) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"id":"`))
	if !ok {
		return
	}
	if id, _, ok := bytes.Cut(rest, []byte(`"`)); ok && s.lines[string(id)] == nil {
		s.lines[string(id)] = line
	}
}

// Read reads a run's record.
func Read(store *cache.Store, id string) (*record.Run, error) {
	raw, err := store.ReadRun(id)
	if err != nil {
		return nil, err
	}
	var r record.Run
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("run %s: %w", id, err)
	}
	return &r, nil
}
