package engine

import (
	"encoding/json"
	"time"

	"rein/engine/record"
)

// record is what is kept of the run.
func (r *runner) record(started time.Time, verdict string) *record.Run {
	rec := &record.Run{Format: record.FormatVersion, ID: r.id, Started: started.UTC(), Ended: time.Now().UTC(), Verdict: verdict,
		Command: r.options.Command, Git: r.options.Git, Host: thisHost(), Versions: r.options.Versions}
	for _, p := range r.work.graph.Pipelines {
		rp := record.Pipeline{Name: p.Name, Title: p.Title, File: p.File, Meta: p.Meta}
		for _, n := range r.work.order[p] {
			rp.Steps = append(rp.Steps, r.recordStep(n))
		}
		rec.Pipelines = append(rec.Pipelines, rp)
	}
	return rec
}

func (r *runner) recordStep(n *nodeOf) record.Step {
	nr := r.schedule.nodes[n.id]
	s := record.Step{Name: n.Name, Type: n.Type, Traits: n.Traits, Pos: n.Pos, Status: string(nr.status), Reasons: record.Words(nr.reasons), Why: nr.reasons, Needs: needs(n.Node)}
	if nr.err != nil {
		s.Error = nr.err.Error()
	}
	if n.unit == nil || nr.status == StatusSkipped {
		return s
	}
	res := &r.schedule.results[n.unit.id]
	if !res.action.IsZero() {
		s.ActionID = res.action.String()
	}
	s.Outputs, s.Result, s.Key, s.Version = res.outputs, res.kept, res.key, n.unit.desc.Version
	if nr.status == StatusRan || nr.status == StatusFailed || nr.status == StatusVerdict {
		s.QueuedMS, s.RunMS = ms(res.queued), ms(res.ran)
	}
	return s
}

// needs names the steps that a node depends on, each once.
func needs(n *Node) []string {
	var out []string
	seen := map[string]bool{}
	for _, d := range neighbours(n) {
		if !seen[d.Name] {
			seen[d.Name] = true
			out = append(out, d.Name)
		}
	}
	return out
}

// keep writes the record.
func (r *runner) keep(rec *record.Run) error {
	b, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	r.options.point("record")
	return r.store.WriteRun(rec.ID, b)
}
