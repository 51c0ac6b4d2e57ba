package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"rein/cache"
)

type idle struct{ name string }

func (i idle) Describe(context.Context) (Description, error) {
	return Description{Type: i.name, Version: 1, Config: []byte("{}")}, nil
}
func (i idle) Run(context.Context, *Call) error { return nil }

// board is a schedule that is driven by words, so that a test can be read: each line of a table is an event and what is to be done
// after it.
type board struct {
	t     *testing.T
	s     *schedule
	units map[string]*unit
	tasks map[string]*task
}

// newBoard makes steps of "a", "b:a" (b reads a), "c:a,b".
func newBoard(t *testing.T, keepGoing bool, steps string) *board {
	t.Helper()
	p := &Pipeline{Name: "p"}
	nodes := map[string]*Node{}
	for _, spec := range strings.Fields(steps) {
		name, deps, _ := strings.Cut(spec, ":")
		n := &Node{Name: name, Type: name, Op: idle{name}, Ports: []Port{{Name: "out", Kind: "file"}}}
		for _, d := range strings.FieldsFunc(deps, func(r rune) bool { return r == ',' }) {
			n.Inputs = append(n.Inputs, Input{Port: d, Refs: []Ref{{Node: nodes[d], Port: "out"}}})
		}
		nodes[name], p.Nodes = n, append(p.Nodes, n)
	}
	w, err := prepare(t.Context(), &Graph{Pipelines: []*Pipeline{p}}, func(*Node) string { return "" }, func() ([]byte, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	b := &board{t: t, s: newSchedule(w, keepGoing), units: map[string]*unit{}, tasks: map[string]*task{}}
	for _, u := range w.units {
		b.units[u.nodes[0].Name] = u
	}
	return b
}

func (b *board) task(name string) *task {
	key, other, _ := strings.Cut(name, "=")
	if other == "" {
		other = key
	}
	t := &task{unit: b.units[key], action: cache.Sum([]byte(other))}
	b.tasks[key] = t
	return t
}

// event tells the schedule something: "cached a", "run a", "run b=a" (b has the key of a), "ran a", "fails a", "hollow a", "b lacks a",
// "stop", "finish".
func (b *board) event(words string) {
	b.t.Helper()
	f := strings.Fields(words)
	done := func(status Status) result {
		return result{status: status, action: b.tasks[f[1]].action, outputs: map[string]cache.Blob{}}
	}
	switch {
	case len(f) == 3:
		b.s.lacks(b.task(f[0]), []*unit{b.units[f[2]]})
	case f[0] == "cached":
		b.s.end(b.units[f[1]], result{status: StatusCached})
	case f[0] == "run":
		b.s.offer(b.task(f[1]))
	case f[0] == "ran":
		b.s.end(b.units[f[1]], done(StatusRan))
	case f[0] == "fails":
		res := done(StatusFailed)
		res.err = errors.New("boom")
		b.s.end(b.units[f[1]], res)
	case f[0] == "hollow":
		b.s.open(b.units[f[1]], result{status: StatusCached})
	case f[0] == "stop":
		b.s.stop()
	case f[0] == "finish":
		b.s.finish()
	case f[0] != "begin":
		b.t.Fatalf("no event %q", words)
	}
}

// todo is what is to be done: "look a, look b for c, start d, a ran".
func (b *board) todo(ask func(*task) (fit, error)) string {
	var out []string
	for {
		j, ok := b.s.nextLookup()
		if !ok {
			break
		}
		text := "look " + j.unit.nodes[0].Name
		if j.user != nil {
			text += " for " + j.user.nodes[0].Name
		}
		out = append(out, text)
	}
	for _, t := range b.s.startable(ask) {
		out = append(out, "start "+t.unit.nodes[0].Name)
	}
	ends, _ := b.s.tell()
	for _, e := range ends {
		out = append(out, e.node.Name+" "+string(e.how.status))
	}
	return strings.Join(out, ", ")
}

func everything(*task) (fit, error) { return fits, nil }

func TestSchedule(t *testing.T) {
	for name, c := range map[string]struct {
		steps     string
		keepGoing bool
		table     [][2]string
	}{
		"what is there is looked up and no more": {"a b:a", false, [][2]string{{"begin", "look a"}, {"cached a", "look b, a cached"}, {"cached b", "b cached"}}},
		"what isn't there runs":                  {"a b:a", false, [][2]string{{"begin", "look a"}, {"run a", "start a"}, {"ran a", "look b, a ran"}, {"run b", "start b"}, {"ran b", "b ran"}}},
		"a step waits for all that it reads":     {"a b c:a,b", false, [][2]string{{"begin", "look a, look b"}, {"cached b", "b cached"}, {"cached a", "look c, a cached"}}},
		"nothing starts after a failure": {"a b", false, [][2]string{{"begin", "look a, look b"}, {"run a", "start a"}, {"fails a", "a failed"},
			{"run b", "b skipped"}}},
		"unless it is to go on":       {"a b c:a", true, [][2]string{{"begin", "look a, look b"}, {"run a", "start a"}, {"fails a", "a failed, c skipped"}, {"run b", "start b"}}},
		"equal work is done once":     {"a b", false, [][2]string{{"begin", "look a, look b"}, {"run a", "start a"}, {"run b=a", ""}, {"ran a", "a ran, b cached"}}},
		"and fails once":              {"a b", true, [][2]string{{"begin", "look a, look b"}, {"run a", "start a"}, {"run b=a", ""}, {"fails a", "a failed, b failed"}}},
		"a hollow step's users begin": {"a b:a", false, [][2]string{{"begin", "look a"}, {"hollow a", "look b"}, {"cached b", "b cached"}, {"finish", "a cached"}}},
		"it is made again when one needs it": {"a b:a", false, [][2]string{{"begin", "look a"}, {"hollow a", "look b"}, {"b lacks a", "look a for b"}, {"run a", "start a"},
			{"ran a", "look b, a ran"}, {"run b", "start b"}, {"ran b", "b ran"}}},
		"once for all that do": {"a b:a c:a", false, [][2]string{{"begin", "look a"}, {"hollow a", "look b, look c"}, {"b lacks a", "look a for b"}, {"c lacks a", ""},
			{"run a", "start a"}, {"ran a", "look b, look c, a ran"}}},
		"a hollow chain is made from above": {"a b:a c:b", false, [][2]string{{"begin", "look a"}, {"hollow a", "look b"}, {"hollow b", "look c"}, {"c lacks b", "look b for c"},
			{"b lacks a", "look a for b"}, {"run a", "start a"}, {"ran a", "look b for c, a ran"}, {"run b", "start b"}, {"ran b", "look c, b ran"}}},
		"its failure is that of its users": {"a b:a", true, [][2]string{{"begin", "look a"}, {"hollow a", "look b"}, {"b lacks a", "look a for b"}, {"run a", "start a"},
			{"fails a", "a failed, b skipped"}}},
		"what was cached and is damaged is made again": {"a b:a", true, [][2]string{{"begin", "look a"}, {"cached a", "look b, a cached"}, {"b lacks a", "look a for b"},
			{"run a", "start a"}, {"ran a", "look b, a ran"}, {"run b", "start b"}, {"ran b", "b ran"}}},
		"but only once": {"a b:a", true, [][2]string{{"begin", "look a"}, {"cached a", "look b, a cached"}, {"b lacks a", "look a for b"}, {"run a", "start a"},
			{"ran a", "look b, a ran"}, {"b lacks a", "look b"}, {"b lacks a", "b failed"}}},
		"what was just made and is lost is a fault": {"a b:a", true, [][2]string{{"begin", "look a"}, {"run a", "start a"}, {"ran a", "look b, a ran"}, {"b lacks a", "b failed"}}},
		"what came meanwhile is looked for once more": {"a b:a c:a", true, [][2]string{{"begin", "look a"}, {"hollow a", "look b, look c"}, {"b lacks a", "look a for b"},
			{"run a", "start a"}, {"ran a", "look b, a ran"}, {"c lacks a", "look c"}, {"c lacks a", "c failed"}}},
		"an interruption ends what waits":                 {"a b c:b", false, [][2]string{{"begin", "look a, look b"}, {"run a", "start a"}, {"stop", ""}, {"run b", "b stopped, c skipped"}, {"ran a", "a ran"}}},
		"and what would have begun after it":              {"a b:a", false, [][2]string{{"begin", "look a"}, {"run a", "start a"}, {"stop", ""}, {"ran a", "a ran, b stopped"}}},
		"a step below one that isn't run is skipped once": {"a b:a c:a,b", true, [][2]string{{"begin", "look a"}, {"run a", "start a"}, {"fails a", "a failed, b skipped, c skipped"}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoard(t, c.keepGoing, c.steps)
			for _, line := range c.table {
				b.event(line[0])
				if got := b.todo(everything); got != line[1] {
					t.Fatalf("after %q: %q, want %q", line[0], got, line[1])
				}
			}
		})
	}
}

// What lacks memory or a GPU is passed over; what lacks slots holds up the rest.
func TestTasksThatDontFit(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]fit
		want    string
	}{
		"all fit":           {nil, "start a, start b, start c"},
		"one is passed":     {map[string]fit{"a": later}, "start b, start c"},
		"one holds up":      {map[string]fit{"b": nothing}, "start a"},
		"nothing does":      {map[string]fit{"a": nothing}, ""},
		"passed, then held": {map[string]fit{"a": later, "c": nothing}, "start b"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoard(t, false, "a b c")
			b.todo(everything)
			for _, name := range slices.Sorted(maps.Keys(b.units)) {
				b.event("run " + name)
			}
			ask := func(x *task) (fit, error) { return c.answers[x.unit.nodes[0].Name], nil }
			if got := b.todo(ask); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			c.answers = nil
			if got := b.todo(ask); strings.Count(got+c.want, "start") != 3 {
				t.Errorf("with room for all: %q", got)
			}
		})
	}
}

// A step that runs alone comes after whatever else can run: until it starts, slots would stand empty.
func TestExclusiveTasksComeLast(t *testing.T) {
	b := newBoard(t, false, "a b c d:b")
	b.units["a"].desc.Exclusive = true
	b.todo(everything)
	for _, name := range []string{"a", "b", "c"} {
		b.event("run " + name)
	}
	free := 1
	ask := func(*task) (fit, error) {
		if free--; free >= 0 {
			return fits, nil
		}
		return nothing, nil
	}
	for _, line := range [][2]string{{"begin", "start b"}, {"ran b", "look d, start c, b ran"}, {"run d", "start d"}, {"ran c", "start a, c ran"}} {
		b.event(line[0])
		if got := b.todo(ask); got != line[1] {
			t.Fatalf("after %q: %q, want %q", line[0], got, line[1])
		}
		free = 1
	}
}

// A long chain of skipped steps is no chain of calls, and every unit ends once.
func TestEveryUnitEndsOnce(t *testing.T) {
	const n = 50_000
	var steps strings.Builder
	steps.WriteString("s0")
	for i := range n {
		fmt.Fprintf(&steps, " s%d:s%d", i+1, i)
	}
	b := newBoard(t, true, steps.String())
	b.todo(everything)
	b.event("run s0")
	b.todo(everything)
	b.event("fails s0")
	ends, _ := b.s.tell()
	if len(ends) != n+1 || b.s.left != 0 {
		t.Errorf("%d ends, %d units left", len(ends), b.s.left)
	}
}

// A task that followed another one's work has that one's result, and took no time of its own.
func TestFollowersTakeNoTime(t *testing.T) {
	leader := &unit{nodes: []*nodeOf{{Node: &Node{Name: "s"}, pipeline: &Pipeline{Name: "p"}}}}
	for status, want := range map[Status]Status{StatusRan: StatusCached, StatusFailed: StatusFailed} {
		res := followed(leader, result{status: status, ran: time.Minute, queued: time.Second, err: errors.ErrUnsupported})
		if res.status != want || res.ran != 0 || res.queued != 0 || res.err == nil || res.reasons[0].Of != "p/s" {
			t.Errorf("%s: %+v", status, res)
		}
	}
}

// Work that several pipelines share has the longest of their timeouts, and none where one of them has none.
func TestTheLongestTimeoutCounts(t *testing.T) {
	w := &worker{ctx: t.Context()}
	for _, c := range []struct {
		of          []time.Duration
		least, most time.Duration
	}{{[]time.Duration{2 * time.Hour, time.Hour}, 90 * time.Minute, 2 * time.Hour}, {[]time.Duration{time.Hour, 0}, 0, 0}} {
		u := &unit{}
		for _, d := range c.of {
			u.nodes = append(u.nodes, &nodeOf{Node: &Node{Timeout: d}})
		}
		ctx, cancel := w.limit(u)
		end, limited := ctx.Deadline()
		if left := time.Until(end); limited != (c.most > 0) || limited && (left < c.least || left > c.most) {
			t.Errorf("%v: limited %v, to %v", c.of, limited, left)
		}
		cancel()
	}
}
