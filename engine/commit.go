package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"rein/cache"
	"rein/engine/record"
)

// commit takes a step's outputs into the store: first every output, then the entry in the index. So a kill in between leaves nothing that
// looks finished. An interruption doesn't stop it, because finished work is kept.
func (w *worker) commit(t *task, o *Order, kept cache.Result) result {
	ctx := context.WithoutCancel(w.ctx)
	outputs := map[string]cache.Blob{}
	for _, port := range slices.Sorted(maps.Keys(o.Outputs)) {
		w.options.point("adopt")
		path := o.Outputs[port]
		b, err := w.store.Adopt(ctx, path)
		if errors.Is(err, fs.ErrNotExist) {
			if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
				return result{status: StatusFailed, err: fmt.Errorf("wrote no output %q", port)}
			}
		}
		if err != nil {
			return result{status: StatusFailed, err: fmt.Errorf("output %q: %w", port, err)}
		}
		outputs[port] = b
	}
	if t.verify != nil {
		return verified(t, outputs, kept)
	}
	res := result{status: StatusRan, reasons: t.reasons, outputs: outputs, kept: kept}
	changed, err := w.changedInputs(ctx, t)
	if err != nil {
		return result{status: StatusFailed, err: err}
	}
	if len(changed) > 0 {
		why := Reason{Code: record.InputChanged, Detail: strings.Join(changed, ", ")}
		note := why.String()
		res.kept.Notes = append(slices.Clone(res.kept.Notes), note)
		res.reasons = append(slices.Clone(res.reasons), why)
		n := t.unit.nodes[0]
		w.emit(Event{Action: ActionNote, Pipeline: n.pipeline.Name, Step: n.Name, Type: n.Type, Text: note, ActionID: t.action.String()})
		return res
	}
	w.options.point("put")
	n := t.unit.nodes[0]
	e := &cache.Entry{Action: t.action, Type: t.unit.desc.Type, Version: t.unit.desc.Version,
		Pipeline: n.pipeline.Name, Step: n.Name, Key: t.key, Outputs: outputs, Result: kept}
	if err := w.store.Put(ctx, e); err != nil {
		return result{status: StatusFailed, err: fmt.Errorf("the result could not be kept: %w", err)}
	}
	res.key = t.key
	w.options.point("kept")
	if w.options.Remote != nil {
		w.options.Remote.Send(ctx, e)
	}
	if len(t.unit.desc.Extents) == 0 {
		_ = w.store.DropCheckpoint(t.checkpoint) // gc finds it if this fails
	}
	return res
}

// changedInputs lists the user's files that were written to since the key was made. A file whose content is the same again counts too,
// because nobody knows what the step has read.
func (w *worker) changedInputs(ctx context.Context, t *task) ([]string, error) {
	var changed []string
	for _, port := range slices.Sorted(maps.Keys(t.in.ports)) {
		for _, f := range t.in.ports[port] {
			if !f.user {
				continue
			}
			now, err := w.store.See(ctx, f.path)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				changed = append(changed, f.path)
			case err != nil:
				return nil, fmt.Errorf("input %s: %w", port, err)
			case now != f.seen:
				changed = append(changed, f.path)
			}
		}
	}
	return changed, nil
}

// verified compares a re-run with the cached result.
func verified(t *task, outputs map[string]cache.Blob, kept cache.Result) result {
	var differ []string
	for _, port := range slices.Sorted(maps.Keys(outputs)) {
		if was := t.verify.Outputs[port]; was != outputs[port] {
			differ = append(differ, fmt.Sprintf("output %s was %s, is now %s", port, was.Digest.Short(), outputs[port].Digest.Short()))
		}
	}
	if len(differ) > 0 {
		return result{status: StatusFailed, err: fmt.Errorf(
			"gives other bytes for the same key: %s; the step depends on something that its key doesn't hold, or is not deterministic",
			strings.Join(differ, "; "))}
	}
	return result{status: StatusRan, reasons: because(record.Verified), outputs: outputs, kept: kept}
}
