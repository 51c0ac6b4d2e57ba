package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rein/cache"
	"rein/engine/record"
)

// Run executes what is not cached and keeps a record of it. A step that fails is in the record, not an error; the
// error is for what kept the run from starting or from being recorded. When ctx ends, running steps are stopped,
// what is finished is kept, and the record's verdict is "stopped".
func Run(ctx context.Context, g *Graph, o Options) (*record.Run, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	p, err := newPlanner(ctx, g, o)
	if err != nil {
		return nil, err
	}
	if err := p.work.checkExecutors(&o); err != nil {
		return nil, &ConfigError{err}
	}
	if err := p.recover(ctx); err != nil {
		return nil, err
	}
	if err := p.checkVacant(ctx); err != nil {
		return nil, err
	}
	if err := p.withinBudget(ctx); err != nil {
		return nil, err
	}
	started := time.Now()
	p.remote, p.local = o.Remote, p.forced // --force asks nobody
	r, err := newRunner(ctx, p, started)
	if err != nil {
		return nil, err
	}
	defer r.close()
	r.emit(Event{Action: ActionPlan, Total: int64(len(p.work.nodes))})
	r.loop()
	verdict := r.verdict()
	rec := r.record(started, verdict)
	if err := r.judge(rec); err != nil {
		return nil, err
	}
	if rec.Verdict == verdictPass {
		if err = r.publish(); err != nil {
			rec.Verdict, rec.Error = verdictFail, err.Error()
		}
	}
	err = errors.Join(err, r.keep(rec))
	r.done(rec)
	return rec, err
}

// recover fills an index that was lost, and says so.
func (p *planner) recover(ctx context.Context) error {
	found, err := p.store.Recover(ctx)
	if err != nil || found == 0 {
		return err
	}
	text := fmt.Sprintf("the index of results was lost and is made anew from the run records: %d results are found again", found)
	for _, dir := range p.store.SetAside() {
		text += fmt.Sprintf("; what could not be read of it is kept as %s until rein cache verify --repair", dir)
	}
	p.options.Emit(Event{Time: time.Now(), Action: ActionNote, Text: text})
	return nil
}

// The verdicts of a run.
const (
	verdictPass    = "pass"
	verdictFail    = "fail"
	verdictStopped = "stopped"
)

// withinBudget refuses a run that is forecast to take longer than allowed.
func (p *planner) withinBudget(ctx context.Context) error {
	if p.options.Budget <= 0 {
		return nil
	}
	if err := p.plan(ctx); err != nil {
		return asConfig(ctx, err)
	}
	f := p.forecast()
	if f.total() <= p.options.Budget {
		return nil
	}
	more := ""
	if f.NoHistory > 0 {
		more = fmt.Sprintf(", not counting %d steps that never ran", f.NoHistory)
	}
	return configErrorf("the run is forecast to take %v with %d jobs (%v to %v%s), over the budget of %v; nothing was started",
		f.total().Round(time.Second), f.Jobs, time.Duration(f.TotalLowMS)*time.Millisecond,
		time.Duration(f.TotalHighMS)*time.Millisecond, more, p.options.Budget)
}

// verdict sums up the steps' states.
func (r *runner) verdict() string {
	verdict := verdictPass
	for i := range r.nodes {
		switch r.nodes[i].status {
		case StatusStopped:
			return verdictStopped
		case StatusFailed, StatusVerdict, StatusSkipped:
			verdict = verdictFail
		}
	}
	return verdict
}

// judge asks whether the figures of a run that passed reach what they must.
func (r *runner) judge(rec *record.Run) error {
	if rec.Verdict != verdictPass || r.options.Judge == nil {
		return nil
	}
	missed, err := r.options.Judge(rec)
	if err != nil || len(missed) == 0 {
		return err
	}
	rec.Verdict, rec.Missed = verdictFail, missed
	for _, m := range missed {
		r.emit(Event{Action: ActionMissed, Text: m})
	}
	return nil
}

// done sends the last event.
func (r *runner) done(rec *record.Run) {
	var cached, ran, failed, skipped int
	for i := range r.nodes {
		switch r.nodes[i].status {
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

// result is how a unit ended.
type result struct {
	status  Status // ran, cached, unchanged, failed, verdict, stopped, skipped
	reasons []string
	err     error
	action  cache.Digest
	key     string                // of the entry in the store; "" if the result isn't there
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
	reasons []string
	err     error
	cause   string // of skipped: the step that failed upstream
}
