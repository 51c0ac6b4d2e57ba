package engine

import (
	"time"

	"rein/cache"
	"rein/engine/record"
)

// How units and nodes end, and what is reported of it.

// result is how a unit ended.
type result struct {
	status  Status // ran, cached, unchanged, failed, verdict, stopped, skipped
	reasons []Reason
	err     error
	action  cache.Digest
	key     string                // text of the key of the entry in the store; "" if there is none
	outputs map[string]cache.Blob // nil unless it is finished well
	kept    cache.Result
	queued  time.Duration
	ran     time.Duration
}

// good tells whether the unit's outputs can be used.
func (r *result) good() bool {
	switch r.status {
	case StatusRan, StatusCached, StatusUnchanged:
		return true
	}
	return false
}

// nodeResult is how one node ended: as its unit did, unless a check of its own or an upstream step says otherwise.
type nodeResult struct {
	status  Status
	reasons []Reason
	err     error
	cause   string // of skipped: the step that failed upstream
}

// nodeEnd is what is reported of a node that has ended.
type nodeEnd struct {
	node   *nodeOf
	how    nodeResult
	action cache.Digest // of its unit
	ran    time.Duration
}

// blocked is the name of the step that keeps n from running, "" if none does.
func (s *schedule) blocked(n *nodeOf) string {
	for _, d := range neighbours(n.Node) {
		dn := s.work.nodes[d]
		switch res := &s.nodes[dn.id]; res.status {
		case StatusFailed, StatusVerdict, StatusStopped:
			return dn.Name
		case StatusSkipped:
			if res.cause != "" {
				return res.cause
			}
			return dn.Name
		}
	}
	return ""
}

// endNodes gives each node of a unit that has ended its own end.
func (s *schedule) endNodes(u *unit) {
	res := &s.results[u.id]
	for i, n := range u.nodes {
		nr := nodeResult{status: res.status, reasons: res.reasons, err: res.err}
		if cause := s.blocked(n); cause != "" {
			nr = nodeResult{status: StatusSkipped, cause: cause, reasons: []Reason{s.blockReason(n, cause)}}
		} else if i > 0 {
			nr = shared(u.nodes[0], nr)
		}
		if res.good() && nr.cause == "" {
			if err := checkNode(n, res); err != nil {
				nr.status, nr.err = StatusVerdict, err
			}
		}
		if nr.status == StatusFailed {
			s.halt(n)
		}
		s.endNode(n, nr, res)
	}
}

func (s *schedule) blockReason(n *nodeOf, cause string) Reason {
	why := Reason{Code: record.UpstreamNone, Of: cause}
	for _, d := range s.work.order[n.pipeline] {
		if d.Name != cause {
			continue
		}
		switch s.nodes[d.id].status {
		case StatusVerdict:
			why.Code = record.UpstreamNo
		case StatusStopped:
			why.Code = record.UpstreamStop
		case StatusFailed:
			why.Code = record.UpstreamFail
		}
	}
	return why
}

// shared is the end of a node whose work was done for another pipeline's.
func shared(first *nodeOf, nr nodeResult) nodeResult {
	where := first.pipeline.Name + "/" + first.Name
	switch nr.status {
	case StatusRan:
		nr.status, nr.reasons = StatusCached, []Reason{{Code: record.RanWith, Of: where}}
	case StatusFailed, StatusVerdict:
		nr.reasons = []Reason{{Code: record.SameWork, Of: where}}
	}
	return nr
}

// checkNode evaluates a node's assert blocks.
func checkNode(n *nodeOf, res *result) error {
	for _, c := range n.Checks {
		if err := c.Test(res.kept.Metrics); err != nil {
			if isVerdict(err) {
				return err
			}
			return &Verdict{Text: err.Error()}
		}
	}
	return nil
}

// endNode keeps how a node ended.
func (s *schedule) endNode(n *nodeOf, nr nodeResult, res *result) {
	s.nodes[n.id] = nr
	s.untold = append(s.untold, nodeEnd{n, nr, res.action, res.ran})
}

// event says how the node ended.
func (x nodeEnd) event() Event {
	n, nr := x.node, x.how
	e := Event{Action: ActionEnd, Pipeline: n.pipeline.Name, Step: n.Name, Type: n.Type, Status: nr.status, Reasons: record.Words(nr.reasons), Why: nr.reasons}
	if !x.action.IsZero() && nr.status != StatusSkipped {
		e.ActionID = x.action.String()
	}
	if nr.err != nil {
		e.Text = nr.err.Error()
	}
	if nr.status == StatusRan || nr.status == StatusFailed || nr.status == StatusVerdict {
		e.ElapsedMS = ms(x.ran)
	}
	return e
}

// verdict sums up the steps' states.
func (s *schedule) verdict() string {
	verdict := verdictPass
	for i := range s.nodes {
		switch s.nodes[i].status {
		case StatusStopped:
			return verdictStopped
		case StatusFailed, StatusVerdict, StatusSkipped:
			verdict = verdictFail
		}
	}
	return verdict
}

// done sends the last event.
func (r *runner) done(rec *record.Run) {
	var cached, ran, failed, skipped int
	for i := range r.schedule.nodes {
		switch r.schedule.nodes[i].status {
		case StatusCached, StatusUnchanged:
			cached++
		case StatusRan:
			ran++
		case StatusFailed, StatusVerdict:
			failed++
		case StatusSkipped, StatusStopped:
			skipped++
		}
	}
	verdict := rec.Verdict
	if verdict == verdictStopped {
		verdict = verdictFail
	}
	r.emit(Event{Action: ActionDone, Cached: &cached, Ran: &ran, Failed: &failed, Skipped: &skipped, Verdict: verdict,
		Run: rec.ID, ElapsedMS: ms(rec.Ended.Sub(rec.Started))})
}
