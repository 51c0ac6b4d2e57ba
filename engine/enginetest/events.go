package enginetest

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"rein/engine"
	"rein/engine/record"
)

// Events keeps what a run emits.
type Events struct {
	mu   sync.Mutex
	list []engine.Event
}

// Emit is an engine.Options.Emit.
func (e *Events) Emit(ev engine.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, ev)
}

// All are the events so far.
func (e *Events) All() []engine.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.list)
}

// Of are the events of one kind, of one step if it isn't "".
func (e *Events) Of(a engine.Action, step string) []engine.Event {
	var out []engine.Event
	for _, ev := range e.All() {
		if ev.Action == a && (step == "" || ev.Step == step) {
			out = append(out, ev)
		}
	}
	return out
}

// Statuses is a run in one line: "a:ran b:cached", sorted by name; with several pipelines "p/a:ran".
func Statuses(r *record.Run) string {
	var out []string
	for _, p := range r.Pipelines {
		for _, s := range p.Steps {
			name := s.Name
			if len(r.Pipelines) > 1 {
				name = p.Name + "/" + name
			}
			out = append(out, fmt.Sprintf("%s:%s", name, strings.ReplaceAll(s.Status, " ", "-")))
		}
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

// Find returns a step of a record's first pipeline that has it; the zero Step if there is none.
func Find(r *record.Run, step string) record.Step {
	for _, p := range r.Pipelines {
		for _, s := range p.Steps {
			if s.Name == step {
				return s
			}
		}
	}
	return record.Step{}
}

func sorted(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
