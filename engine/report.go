package engine

import (
	"errors"
	"slices"
	"sync"
	"time"

	"rein/engine/record"
)

// record is what is kept of the run.
func (r *runner) record(verdict string) *record.Run {
	rec := *r.begun // which others may still look at
	rec.Ended, rec.Verdict, rec.Pipelines = time.Now().UTC(), verdict, slices.Clone(r.begun.Pipelines)
	for i, p := range r.work.graph.Pipelines {
		rec.Pipelines[i].Steps = slices.Clone(rec.Pipelines[i].Steps)
		for j, n := range r.work.order[p] {
			r.fill(&rec.Pipelines[i].Steps[j], n)
		}
	}
	return &rec
}

// outline is the record as far as it is known before anything has run.
func (r *runner) outline(started time.Time) *record.Run {
	rec := &record.Run{Format: record.FormatVersion, ID: r.id, Started: started.UTC(),
		Command: r.options.Command, Git: r.options.Git(), Host: thisHost(), Versions: r.options.Versions}
	for _, p := range r.work.graph.Pipelines {
		rp := record.Pipeline{Name: p.Name, Title: p.Title, File: p.File, Meta: p.Meta}
		rp.Steps = slices.Grow(rp.Steps, len(r.work.order[p]))
		for _, n := range r.work.order[p] {
			rp.Steps = append(rp.Steps, record.Step{Name: n.Name, Type: n.Type, Traits: n.Traits, Pos: n.Pos, Needs: Needs(n.Node)})
		}
		rec.Pipelines = append(rec.Pipelines, rp)
	}
	return rec
}

// fill completes a step's record after the run has ended.
func (r *runner) fill(s *record.Step, n *nodeOf) {
	nr := r.schedule.nodes[n.id]
	s.Status, s.Reasons, s.Why = string(nr.status), record.Words(nr.reasons), nr.reasons
	if nr.err != nil {
		s.Error, s.Advice = nr.err.Error(), AdviceOf(nr.err)
	}
	if n.unit == nil || nr.status == StatusSkipped {
		return
	}
	res := &r.schedule.results[n.unit.id]
	if !res.action.IsZero() {
		s.ActionID = res.action.String()
	}
	s.Outputs, s.Result, s.Key, s.Version = res.outputs, res.kept, res.key, n.unit.desc.Version
	if nr.status == StatusRan || nr.status == StatusFailed || nr.status == StatusVerdict {
		s.QueuedMS, s.RunMS = ms(res.queued), ms(res.ran)
	}
}

// Needs names the steps that a node depends on, each once.
func Needs(n *Node) []string {
	var out []string
	for _, d := range distinct(neighbours(n)) {
		out = append(out, d.Name)
	}
	return out
}

// keep writes the record, and what the next run can go by.
func (r *runner) keep(rec *record.Run, encoded func() (record.Body, error)) error {
	synced := r.store.Sync() // first: a record's results are there
	head, err := rec.Head()
	if err != nil {
		return err
	}
	body, err := encoded()
	if err != nil {
		return err
	}
	r.options.point("record")
	written := sync.OnceValue(func() error { return r.store.WriteRun(rec.ID, head, body.Text) })
	go written()
	if synced == nil {
		r.settle(rec, body, written)
	}
	return errors.Join(synced, written())
}

// meanwhile begins something, and returns what waits for its end.
func meanwhile[T any](do func() (T, error)) func() (T, error) {
	wait := sync.OnceValues(do)
	go wait()
	return wait
}
