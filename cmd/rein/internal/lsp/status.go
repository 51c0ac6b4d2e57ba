package lsp

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rein/engine"
	"rein/pipelines/human"
	"rein/pipelines/lang"
)

// Statuses is what the store knows of a pipeline's steps, by the names of their nodes.
type Statuses map[string]Status

// Status is what the store knows of a step.
type Status struct {
	Plan     engine.StepForecast
	Made     time.Time // when its result was made; zero: there is none
	Took     string    // "14 s"
	Headline string    // "FP rate 0.70% (0.66-0.76)"; "" for a step that doesn't measure it
	Figures  string    // everything it measured, in a line
}

// known is the latest that was found out about a pipeline.
type known struct {
	statuses Statuses
	program  *lang.Program
}

// askStatus asks the store about the pipelines of the open files in the background, and tells the client when it knows. A question about an
// older state is cancelled.
func (s *server) askStatus(ctx context.Context, snap *snapshot) {
	if s.config.Status == nil || len(snap.opened) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	if s.stopAsking != nil {
		s.stopAsking()
	}
	s.stopAsking = cancel
	s.work.Go(func() {
		defer cancel()
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.config.StatusDelay):
		}
		if err := s.guard("status", func() error { return s.learn(ctx, snap) }); err != nil && ctx.Err() == nil {
			s.log.Printf("status: %v", err)
		}
	})
}

func (s *server) learn(ctx context.Context, snap *snapshot) error {
	found := map[string]known{}
	for file := range snap.opened {
		loaded := snap.program(file)
		if loaded.diags.HasErrors() || len(loaded.p.Pipelines) != 1 || found[loaded.p.Pipelines[0].File].statuses != nil {
			continue
		}
		statuses, err := s.config.Status(ctx, snap.root, loaded.p)
		if err != nil {
			return err
		}
		found[loaded.p.Pipelines[0].File] = known{statuses, loaded.p}
	}
	s.mu.Lock()
	s.known = found
	s.mu.Unlock()
	if !s.client.Workspace.CodeLens.RefreshSupport {
		return nil
	}
	return s.conn.Call(ctx, "workspace/codeLens/refresh", nil, nil)
}

// knownOf is what is known of the pipeline that a file is part of, perhaps of the state before the last edit.
func (s *server) knownOf(snap *snapshot, file string) (known, string) {
	pipeline := snap.index().Pipelines(file)[0]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[pipeline], pipeline
}

// stepStatus is the text for a tooltip: what is cached of a step, and when it was made.
func (s *server) stepStatus(snap *snapshot, file, step string) string {
	k, _ := s.knownOf(snap, file)
	var b strings.Builder
	for _, n := range k.instances(step) {
		x := k.statuses[n.Name]
		b.WriteString("\n\n")
		if n.Name != step {
			fmt.Fprintf(&b, "%s: ", n.Name)
		}
		switch {
		case x.Plan.Status == engine.PlanCached && !x.Made.IsZero():
			fmt.Fprintf(&b, "Cached: made %s in %s.", human.Time(x.Made), x.Took)
		case x.Plan.Status == engine.PlanSkipped:
			b.WriteString("Not needed.")
		case x.Plan.Status == engine.PlanUnknown:
			fmt.Fprintf(&b, "Runs if needed: %s.", strings.Join(x.Plan.Reasons, "; "))
		case x.Plan.Status == engine.PlanRun:
			fmt.Fprintf(&b, "Not cached: %s.", strings.Join(x.Plan.Reasons, "; "))
		}
		if x.Figures != "" {
			b.WriteString(" " + x.Figures + ".")
		}
	}
	return b.String()
}

// instances are the nodes that a step block became.
func (k known) instances(step string) []*engine.Node {
	var out []*engine.Node
	if k.program == nil {
		return nil
	}
	for _, n := range k.program.Graph.Pipelines[0].Nodes {
		if n.Name == step || strings.HasPrefix(n.Name, step+"[") {
			out = append(out, n)
		}
	}
	return out
}
