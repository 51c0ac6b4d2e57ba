package view

import (
	"fmt"
	"strings"
	"time"

	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/human"
)

// trace is the state that a run's events add up to. Every renderer reads it.
type trace struct {
	started time.Time
	total   int
	steps   []*step // in the order of their first events
	byKey   map[[2]string]*step
	counts  map[engine.Status]int
	done    *engine.Event
}

// step is what is known of one step of one pipeline.
type step struct {
	pipeline, name, typ string
	executor            string // where it runs; "": here
	started, ended      time.Time
	status              engine.Status // "" while it runs or waits
	waiting             bool
	reasons             []string
	why                 []engine.Reason
	done, total         int64
	unit                string
	progressAt          time.Time
	phaseAt             mark   // where the present piece of work began
	pace                []mark // of the last paceOver
	elapsed             time.Duration
	series              map[string][]float64
	logs                []string
	notes               []string
	text                string
}

// mark is how much was done when.
type mark struct {
	at   time.Time
	done int64
}

const (
	// paceOver is the time over which a rate is measured: long enough for steps that report seldom, short enough to forget a slow start or
	// a pause.
	paceOver = 30 * time.Second
	// paceFrom is the shortest time for a rate. Before that, the rate is since the step began.
	paceFrom = 2 * time.Second
)

// logTail is how many log lines of a step are kept in case it fails.
const logTail = 20

func newTrace() *trace {
	return &trace{byKey: map[[2]string]*step{}, counts: map[engine.Status]int{}}
}

func (t *trace) step(e engine.Event) *step {
	k := [2]string{e.Pipeline, e.Step}
	s := t.byKey[k]
	if s == nil {
		s = &step{pipeline: e.Pipeline, name: e.Step, typ: e.Type}
		t.byKey[k] = s
		t.steps = append(t.steps, s)
	}
	return s
}

// add takes in an event and returns the step that it is about, if any. It makes texts harmless first, so that no renderer has to.
func (t *trace) add(e engine.Event) *step {
	e = harmless(e)
	if t.started.IsZero() {
		t.started = e.Time
	}
	switch e.Action {
	case engine.ActionPlan:
		t.total = int(e.Total)
		return nil
	case engine.ActionDone:
		t.done = &e
		return nil
	}
	if e.Step == "" {
		return nil
	}
	s := t.step(e)
	switch e.Action {
	case engine.ActionLog, engine.ActionProgress, engine.ActionSeries, engine.ActionMetric: // it goes on
		s.waiting = false
	}
	switch e.Action {
	case engine.ActionStart:
		s.started, s.waiting, s.reasons, s.why, s.executor = e.Time, false, e.Reasons, e.Why, e.Executor
	case engine.ActionWait:
		s.waiting, s.text = true, e.Text
	case engine.ActionProgress:
		s.progress(e)
	case engine.ActionLog:
		if s.logs = append(s.logs, e.Text); len(s.logs) > logTail {
			s.logs = s.logs[1:]
		}
	case engine.ActionNote:
		s.notes = append(s.notes, e.Text)
	case engine.ActionSeries:
		if s.series == nil {
			s.series = map[string][]float64{}
		}
		s.series[e.Metric] = append(s.series[e.Metric], e.Value)
	case engine.ActionEnd:
		s.status, s.ended, s.text, s.waiting = e.Status, e.Time, e.Text, false
		s.elapsed = time.Duration(e.ElapsedMS) * time.Millisecond
		if len(e.Reasons) > 0 {
			s.reasons, s.why = e.Reasons, e.Why
		}
		t.counts[e.Status]++
	}
	return s
}

// needed is how many steps have to end, and ended how many have. Steps that aren't needed don't count.
func (t *trace) needed() int { return t.total - t.counts[engine.StatusNotNeeded] }

func (t *trace) ended() int {
	n := 0
	for status, c := range t.counts {
		if status != engine.StatusNotNeeded {
			n += c
		}
	}
	return n
}

// skips lists the skipped steps, one line for each reason.
func (t *trace) skips() []string {
	var order []string
	byReason := map[string][]*step{}
	for _, s := range t.steps {
		if s.status != engine.StatusSkipped {
			continue
		}
		k := because(s.reasons)
		if byReason[k] == nil {
			order = append(order, k)
		}
		byReason[k] = append(byReason[k], s)
	}
	var lines []string
	for _, k := range order {
		whole, parts := whose(byReason[k])
		lines = append(lines, whole+" skipped"+k+parts)
	}
	return lines
}

// whose names steps of one pipeline. Steps of several pipelines are counted, in all and for each pipeline.
func whose(steps []*step) (whole, parts string) {
	const most = 3
	var pipelines, names []string
	counts := map[string]int{}
	for _, s := range steps {
		if counts[s.pipeline]++; counts[s.pipeline] == 1 {
			pipelines = append(pipelines, s.pipeline)
		}
		names = append(names, s.name)
	}
	if len(pipelines) == 1 {
		if len(names) > most+1 {
			names = append(names[:most:most], fmt.Sprintf("%d more", len(names)-most))
		}
		return pipelines[0] + "/" + strings.Join(names, ", "), ""
	}
	for i, p := range pipelines {
		pipelines[i] = fmt.Sprintf("%d of %s", counts[p], p)
	}
	return human.Many(len(steps), "step"), ": " + strings.Join(pipelines, ", ")
}

// broke reports whether the step failed or said no.
func (s *step) broke() bool {
	return s.status == engine.StatusFailed || s.status == engine.StatusVerdict
}

// twin reports whether a step failed because another one did that does the same work. That is reported once.
func (s *step) twin() bool {
	return s.broke() && len(s.why) == 1 && s.why[0].Code == record.SameWork
}

// accounts are the texts about failed steps for the end of a run, without a step whose last line said everything.
func (t *trace) accounts(last *step) [][]string {
	twins := map[string][]string{}
	var broken []*step
	for _, s := range t.steps {
		if s.twin() {
			of := s.why[0].Of
			twins[of] = append(twins[of], label(s))
		} else if s.broke() {
			broken = append(broken, s)
		}
	}
	var out [][]string
	for _, s := range broken {
		lines := s.titled()
		if s == last && len(lines) == 1 && len(broken) == 1 {
			continue
		}
		if also := twins[label(s)]; len(also) > 0 {
			lines = append(lines, "(also "+strings.Join(also, ", ")+": the same work)")
		}
		out = append(out, lines)
	}
	return out
}

// note is the first line of the newest note, and the number of further lines.
func (s *step) note() string {
	lines := strings.Split(strings.TrimRight(s.notes[len(s.notes)-1], "\n"), "\n")
	if len(lines) == 1 {
		return lines[0]
	}
	if len(lines) == 2 {
		return lines[0] + " (and 1 more line: rein show last)"
	}
	return fmt.Sprintf("%s (and %d more lines: rein show last)", lines[0], len(lines)-1)
}

// progress takes in a progress event. Another unit, or a lower count than before, begins another piece of work.
func (s *step) progress(e engine.Event) {
	if e.Unit != s.unit || e.Done < s.done {
		s.pace, s.phaseAt = nil, mark{e.Time, e.Done}
		if s.unit == "" && e.Done > 0 { // the step has reported nothing before: it began with this work
			s.phaseAt = mark{s.started, 0}
		}
	}
	s.done, s.total, s.unit, s.progressAt = e.Done, e.Total, e.Unit, e.Time
	s.pace = append(s.pace, mark{e.Time, e.Done})
	for len(s.pace) > 2 && e.Time.Sub(s.pace[1].at) >= paceOver {
		s.pace = s.pace[1:]
	}
}

// rate is units a second, lately; 0: not known.
func (s *step) rate(now time.Time) float64 {
	from := s.phaseAt
	if len(s.pace) > 0 && now.Sub(s.pace[0].at) >= paceFrom {
		from = s.pace[0]
	}
	d := now.Sub(from.at).Seconds()
	if from.at.IsZero() || d <= 0 {
		return 0
	}
	return float64(s.done-from.done) / d
}

// account is the text about a step that failed or said no. For a fault it ends with the last log lines, unless the text has them already.
func (s *step) account() []string {
	lines := strings.Split(strings.TrimRight(s.text, "\n"), "\n")
	if s.status != engine.StatusFailed {
		return lines
	}
	if n := len(s.logs); n > 0 && !strings.Contains(s.text, strings.TrimPrefix(s.logs[n-1], "error: ")) {
		for _, l := range s.logs {
			lines = append(lines, "  | "+l)
		}
	}
	return lines
}

// titled is the account below the step's name.
func (s *step) titled() []string {
	lines := s.account()
	lines[0] = strings.TrimSuffix(fmt.Sprintf("%s %s: %s", label(s), s.status, lines[0]), ": ")
	return lines
}
