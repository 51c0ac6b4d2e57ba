package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"rein/cache"
	"rein/engine/record"
)

// lookup finds a unit's key, and whether the store has its result. It writes nothing.
type lookup struct {
	store   *cache.Store
	sources *sources
	work    *work
	remote  Remote         // nil: not asked
	local   map[*unit]bool // units for which the remote isn't asked
}

// inputs are a unit's resolved inputs.
type inputs struct {
	lines []string             // of the key
	ports map[string][]located // by port, in the order of the references; nil where only the lines were asked for
}

// inputs resolves u's inputs. outputs gives the outputs of a unit that is finished, or nil if they aren't known yet; then ok is false. The
// key's lines alone are enough to look a result up; with whole there are the files, too.
func (l *lookup) inputs(ctx context.Context, u *unit, whole bool, outputs func(*unit) map[string]cache.Blob) (in inputs, ok bool, err error) {
	if whole {
		in.ports = make(map[string][]located, len(u.nodes[0].Inputs))
	}
	refs := 0
	for _, i := range u.nodes[0].Inputs {
		refs += len(i.Refs)
	}
	in.lines = make([]string, 0, refs)
	for _, i := range byPort(u.nodes[0].Inputs) {
		n := 0 // of the port
		for _, r := range i.Refs {
			var made [1]located
			found := made[:]
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
					return in, false, fmt.Errorf("input %s: step %q has no output %q; it has: %s", i.Port, r.Node.Name, r.Port, listOf(slices.Sorted(maps.Keys(outs))))
				}
				made[0].blob = b
			}
			for k := range found {
				in.lines = append(in.lines, inputLine(i.Port, n, found[k].blob, found[k].name))
				if n++; whole {
					in.ports[i.Port] = append(in.ports[i.Port], found[k])
				}
			}
		}
	}
	return in, true, nil
}

// byPort are the inputs sorted by port. Of two for the same port, the last counts.
func byPort(in []Input) []Input {
	ordered := true
	for i := 1; i < len(in); i++ {
		ordered = ordered && in[i-1].Port < in[i].Port
	}
	if ordered {
		return in
	}
	m := map[string]Input{}
	for _, i := range in {
		m[i.Port] = i
	}
	out := make([]Input, 0, len(m))
	for _, port := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[port])
	}
	return out
}

// entry is what the store's index holds of a result: an entry, or the reason why there is none.
type entry struct {
	*cache.Entry
	reason string
}

// entries asks the index for many results at once.
func (l *lookup) entries(ctx context.Context, actions []cache.Digest, keys []string) ([]entry, error) {
	found, misses, err := l.store.GetEach(ctx, actions, keys)
	if err != nil {
		return nil, err
	}
	out := make([]entry, len(actions))
	for i, e := range found {
		if out[i].Entry = e; e == nil {
			out[i].reason = misses[i].Reason
		}
	}
	return out, nil
}

func (l *lookup) entry(ctx context.Context, action cache.Digest) (entry, error) {
	found, err := l.entries(ctx, []cache.Digest{action}, nil)
	if err != nil {
		return entry{}, err
	}
	return found[0], nil
}

// answer is what the store knows of a unit's result.
type answer struct {
	entry *cache.Entry // nil: a miss
	// hollow: the entry is there but its outputs are not, because they were evicted or lost, and so far nobody needs them. Their digests
	// are known, so the steps below can be looked up. If one of those has to run, the outputs are made again.
	hollow bool
	reason string // of a miss, or of being hollow
	remote bool   // the entry came from the remote just now
}

// ask tells whether a unit's result is available, here or from the remote. found is what the index holds of it.
func (l *lookup) ask(ctx context.Context, u *unit, action cache.Digest, found entry) (answer, error) {
	a, err := l.askHere(ctx, u, found)
	if err != nil || a.entry != nil && !a.hollow {
		return a, err
	}
	e, err := l.fetch(ctx, u, action)
	if err != nil || e == nil {
		return a, err
	}
	return answer{entry: e, remote: true}, nil
}

// askHere asks the store alone.
func (l *lookup) askHere(ctx context.Context, u *unit, found entry) (answer, error) {
	e := found.Entry
	if e == nil {
		return answer{reason: found.reason}, nil
	}
	if !complete(e, u.nodes[0].Ports) {
		return answer{reason: "the cached result lacks an output"}, nil
	}
	reason, err := l.store.Lost(ctx, e)
	if err != nil {
		return answer{}, err
	}
	switch {
	case reason == "":
		return answer{entry: e}, nil
	case u.wanted:
		return answer{reason: reason}, nil
	}
	return answer{entry: e, hollow: true, reason: reason}, nil
}

// hit is the result of a task that the store has.
func (t *task) hit(e *cache.Entry) result {
	res := result{status: StatusCached, action: e.Action, key: e.Key, outputs: e.Outputs, kept: e.Result}
	if res.outputs == nil {
		res.outputs = map[string]cache.Blob{}
	}
	if t.renewed {
		res.status = StatusUnchanged
	}
	return res
}

// madeMeanwhile asks the store again after the lease was taken: its previous holder may have made the result.
func (w *worker) madeMeanwhile(t *task) (result, bool) {
	if t.forced || t.verify != nil {
		return result{}, false
	}
	var a answer
	found, err := w.entry(w.ctx, t.action)
	if err == nil {
		a, err = w.askHere(w.ctx, t.unit, found)
	}
	if err != nil {
		res := w.failure(err)
		res.action = t.action
		return res, true
	}
	if a.entry == nil || a.hollow {
		return result{}, false
	}
	res := t.hit(a.entry)
	res.reasons = because(record.MadeMeanwhile)
	return res, true
}

// complete tells whether an entry has every port of the node. An exec step's ports are named by the pipeline, so an entry of equal key has
// all of them unless it is damaged.
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
