package engine

import (
	"context"
	"errors"
	"fmt"

	"rein/cache"
)

// lookup answers what a unit's key is and whether the store has its result. Asking writes nothing.
type lookup struct {
	store   *cache.Store
	sources *sources
	work    *work
}

// inputs are a unit's resolved inputs.
type inputs struct {
	lines []string             // of the key
	ports map[string][]located // by port, in the order of the references
}

// inputs resolves u's inputs. outputs gives the outputs of a unit that is finished, nil if they aren't known yet;
// then ok is false.
func (l *lookup) inputs(ctx context.Context, u *unit, outputs func(*unit) map[string]cache.Blob) (in inputs, ok bool, err error) {
	in.ports = map[string][]located{}
	byPort := map[string]Input{}
	n := u.nodes[0]
	for _, i := range n.Inputs {
		byPort[i.Port] = i
	}
	for _, port := range sortedKeys(byPort) {
		for _, r := range byPort[port].Refs {
			var found []located
			if r.Path != nil {
				if found, err = l.sources.get(ctx, r.Path); err != nil {
					return in, false, err
				}
			} else {
				from := l.work.nodes[r.Node]
				outs := outputs(from.unit)
				if outs == nil {
					return in, false, nil
				}
				b, have := outs[r.Port]
				if !have {
					return in, false, fmt.Errorf("input %s: step %q has no output %q; it has: %s", port, r.Node.Name, r.Port, listOf(sortedKeys(outs)))
				}
				found = []located{{blob: b}}
			}
			for _, f := range found {
				in.lines = append(in.lines, inputLine(port, len(in.ports[port]), f.blob, f.name))
				in.ports[port] = append(in.ports[port], f)
			}
		}
	}
	return in, true, nil
}

// entry asks the store for a result and has it prove that every output of it is there and whole.
// A nil entry comes with the reason of the miss.
func (l *lookup) entry(ctx context.Context, action cache.Digest) (*cache.Entry, string, error) {
	e, err := l.store.Get(ctx, action)
	var miss *cache.Miss
	switch {
	case errors.As(err, &miss):
		return nil, miss.Reason, nil
	case err != nil:
		return nil, "", err
	}
	for _, port := range sortedKeys(e.Outputs) {
		_, err := l.store.Path(ctx, e.Outputs[port])
		switch {
		case errors.As(err, &miss):
			return nil, fmt.Sprintf("the cached output %q is not to be had: %s", port, miss.Reason), nil
		case err != nil:
			return nil, "", fmt.Errorf("cached output %q: %w", port, err)
		}
	}
	return e, "", nil
}

// complete tells whether an entry has every port that the node promises: an exec step's ports are named by the
// pipeline, and an older entry of equal key has them all, unless it was damaged.
func complete(e *cache.Entry, ports []Port) bool {
	for _, p := range ports {
		if _, ok := e.Outputs[p.Name]; !ok {
			return false
		}
	}
	return true
}

func listOf(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	out := names[0]
	for _, n := range names[1:] {
		out += ", " + n
	}
	return out
}
