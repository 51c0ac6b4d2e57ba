package engine

import (
	"context"
	"iter"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"rein/cache"
)

// historyDepth is how many past results of a step type are read.
const historyDepth = 256

// history is what the store remembers of past runs. The results of a step, and the newest of a step type, are read once.
type history struct {
	store *cache.Store
	mu    sync.Mutex
	steps map[[2]string][]*past // by pipeline and step
	types map[string][]*past
}

// past is a result, and what a forecast sees of it.
type past struct {
	*cache.Entry
	sample sample
	ports  string // at which it had inputs
}

func newHistory(s *cache.Store) *history {
	return &history{store: s, steps: map[[2]string][]*past{}, types: map[string][]*past{}}
}

func pastOf(entries []*cache.Entry) []*past {
	out := make([]*past, len(entries))
	for i, e := range entries {
		out[i] = &past{Entry: e, sample: sample{ms: float64(e.Result.RunMS), size: inputSize(e.Key)}, ports: portsOf(e.Key)}
		for _, b := range e.Outputs {
			out[i].sample.bytes += float64(b.Size)
		}
	}
	return out
}

// own lists the past results of u, newest first. Results that can't be read are left out.
func (h *history) own(ctx context.Context, u *unit) (all []*past) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range u.nodes {
		k := [2]string{n.pipeline.Name, n.Name}
		found, known := h.steps[k]
		if !known {
			entries, _ := h.store.OfStep(ctx, k[0], k[1])
			if found = pastOf(entries); len(found) == 0 { // an older rein has kept no list of each step's
				for _, x := range h.newest(ctx, u.desc.Type) {
					if x.Pipeline == k[0] && x.Step == k[1] {
						found = append(found, x)
					}
				}
			}
			h.steps[k] = found
		}
		all = append(all, found...)
	}
	return all
}

// of lists the newest results of a step type.
func (h *history) of(ctx context.Context, typ string) []*past {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.newest(ctx, typ)
}

func (h *history) newest(ctx context.Context, typ string) []*past {
	found, known := h.types[typ]
	if !known {
		entries, _ := h.store.Recent(ctx, typ, historyDepth)
		found = pastOf(entries)
		h.types[typ] = found
	}
	return found
}

// maxOthers is how many results of other steps of the type a step is compared with when it has none of its own.
const maxOthers = 32

// candidates are the past results that u is compared with: its own, or else those of other steps of its type.
func (h *history) candidates(ctx context.Context, u *unit) []*past {
	if own := h.own(ctx, u); len(own) > 0 {
		return own
	}
	all := h.of(ctx, u.desc.Type)
	return all[:min(len(all), maxOthers)]
}

// estimate is a forecast from history.
type estimate struct {
	known       bool
	ms, low, hi float64 // median, and the quartiles around it
	bytes       int64   // of outputs
	samples     int
}

// sample is one past run as a forecast sees it.
type sample struct {
	ms    float64
	size  float64 // bytes of input
	bytes float64 // of output
}

// alike are the past results that a forecast of u rests on: its own or, if there are none, those of other steps of its type that had
// inputs at the same ports. A training that starts from another kind of model takes another time, so the arguments that say which have
// to be the same in either case.
func (h *history) alike(ctx context.Context, u *unit) (out []sample) {
	pace := u.nodes[0].Traits.Pace
	want := paceOf(slices.Values(u.facts), pace)
	same := func(x *past) bool {
		return len(pace) == 0 || slices.Equal(paceOf(strings.Lines(x.Key), pace), want)
	}
	for _, x := range h.own(ctx, u) {
		if same(x) {
			out = append(out, x.sample)
		}
	}
	if len(out) > 0 {
		return out
	}
	var names []string
	for _, in := range u.nodes[0].Inputs {
		if len(in.Refs) > 0 {
			names = append(names, label(in.Port))
		}
	}
	ports := portList(names)
	for _, x := range h.of(ctx, u.desc.Type) {
		if len(out) < maxOthers && x.ports == ports && same(x) {
			out = append(out, x.sample)
		}
	}
	return out
}

// paceOf are the lines of a key for arguments of these paths, without those that are empty.
func paceOf(lines iter.Seq[string], paths []string) (out []string) {
	if len(paths) == 0 {
		return nil
	}
	for line := range lines {
		line = strings.TrimSuffix(line, "\n")
		path, value := nextToken(strings.TrimPrefix(line, "config "))
		if slices.Contains(paths, path) && value != `""` {
			out = append(out, line)
		}
	}
	return out
}

// portsOf names the ports at which a key has inputs.
func portsOf(key string) string {
	var names []string
	for f := range ParseKey(key) {
		if f.Kind == "input" {
			names = append(names, f.input().port)
		}
	}
	return portList(names)
}

func portList(names []string) string {
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// estimate forecasts u from past runs of the same step or, if there are none, from runs of its type with inputs at the same ports and of
// a similar size. size is the size of the inputs in bytes, negative if it isn't known yet.
func (h *history) estimate(ctx context.Context, u *unit, size float64) estimate {
	same := h.alike(ctx, u)
	if ss := likeSize(same, size); len(ss) > 0 {
		return summarise(ss)
	}
	return summarise(scaled(same, size))
}

// likeSize keeps the samples whose input is within a factor of two of size; all of them if size isn't known.
func likeSize(ss []sample, size float64) []sample {
	if size < 0 {
		return ss
	}
	var out []sample
	for _, s := range ss {
		if (s.size+1)/(size+1) < 2 && (size+1)/(s.size+1) < 2 {
			out = append(out, s)
		}
	}
	return out
}

// scaled takes the samples of the nearest size, and scales them as if time were proportional to size, by a factor of at most ten.
func scaled(ss []sample, size float64) []sample {
	if len(ss) == 0 {
		return nil
	}
	distance := func(s sample) float64 { return math.Abs(math.Log((s.size + 1) / (size + 1))) }
	sort.SliceStable(ss, func(i, j int) bool { return distance(ss[i]) < distance(ss[j]) })
	nearest := ss[:min(len(ss), 5)]
	out := make([]sample, len(nearest))
	for i, s := range nearest {
		f := min(max((size+1)/(s.size+1), 0.1), 10)
		out[i] = sample{ms: s.ms * f, size: size, bytes: s.bytes * f}
	}
	return out
}

func summarise(ss []sample) estimate {
	if len(ss) == 0 {
		return estimate{}
	}
	ms := make([]float64, len(ss))
	bytes := make([]float64, len(ss))
	for i, s := range ss {
		ms[i], bytes[i] = s.ms, s.bytes
	}
	slices.Sort(ms)
	slices.Sort(bytes)
	return estimate{known: true, ms: quantile(ms, 0.5), low: quantile(ms, 0.25), hi: quantile(ms, 0.75),
		bytes: int64(quantile(bytes, 0.5)), samples: len(ss)}
}

// quantile interpolates in sorted xs.
func quantile(xs []float64, q float64) float64 {
	at := q * float64(len(xs)-1)
	i := int(at)
	if i+1 >= len(xs) {
		return xs[len(xs)-1]
	}
	return xs[i] + (at-float64(i))*(xs[i+1]-xs[i])
}

// inputSize is the size of all inputs of a key.
func inputSize(key string) (total float64) {
	for f := range ParseKey(key) {
		if f.Kind == "input" {
			if n, err := strconv.ParseFloat(f.input().size, 64); err == nil {
				total += n
			}
		}
	}
	return total
}

func ms(d time.Duration) int64 { return d.Milliseconds() }
