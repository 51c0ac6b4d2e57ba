package engine

import (
	"fmt"
	"math"
	"sync"
	"time"

	"rein/cache"
)

// maxSeriesPoints is how many points of a curve are kept. Each time a curve gets longer, every other point is dropped.
const maxSeriesPoints = 4096

// collector adds time and names to a step's events, passes them on, and keeps what belongs to the result.
type collector struct {
	emit                func(Event)
	mask                mask
	pipeline, step, typ string
	action              string
	mu                  sync.Mutex
	result              cache.Result
	log                 *stepLog
	last                []string // log lines, newest last
	stride              map[string]int
	skipped             map[string]int
}

// tailLines is how many log lines of a failed step its error shows.
const tailLines = 15

func newCollector(n *nodeOf, action cache.Digest, emit func(Event), log *stepLog) *collector {
	return &collector{emit: emit, mask: newMask(n.unit.secrets()), pipeline: n.pipeline.Name, step: n.Name, typ: n.Type, action: action.String(), log: log,
		stride: map[string]int{}, skipped: map[string]int{}}
}

// event is the Emit of a Call.
func (c *collector) event(e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e = c.mask.event(e)
	e.Pipeline, e.Step, e.Type, e.ActionID = c.pipeline, c.step, c.typ, c.action
	if e.Action == ActionMetric || e.Action == ActionSeries {
		if math.IsNaN(e.Value) || math.IsInf(e.Value, 0) || math.IsNaN(e.At) || math.IsInf(e.At, 0) {
			// JSON can't hold NaN or infinity, and a record must stay readable.
			e = Event{Time: e.Time, Action: ActionNote, Pipeline: e.Pipeline, Step: e.Step, Type: e.Type, ActionID: e.ActionID,
				Text: fmt.Sprintf("metric %s is %v at %v: not kept", e.Metric, e.Value, e.At)}
		}
	}
	c.keep(e)
	c.emit(e)
}

func (c *collector) keep(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e.Action {
	case ActionMetric:
		if e.Metric == "device" {
			c.result.Device = e.Text
			return
		}
		if c.result.Metrics == nil {
			c.result.Metrics = map[string]float64{}
		}
		c.result.Metrics[e.Metric] = e.Value
	case ActionSeries:
		c.addPoint(e.Metric, [2]float64{e.At, e.Value})
	case ActionNote:
		c.result.Notes = append(c.result.Notes, e.Text)
	case ActionLog:
		if c.last = append(c.last, e.Text); len(c.last) > tailLines {
			c.last = c.last[1:]
		}
		c.log.line(e.Text)
	}
}

// addPoint adds to a curve, thinning it out when it gets long.
func (c *collector) addPoint(name string, p [2]float64) {
	if c.result.Series == nil {
		c.result.Series = map[string][][2]float64{}
	}
	if c.skipped[name]++; c.skipped[name] < c.stride[name] {
		return
	}
	c.skipped[name] = 0
	ps := append(c.result.Series[name], p)
	if len(ps) >= maxSeriesPoints {
		half := ps[:0]
		for i := 0; i < len(ps); i += 2 {
			half = append(half, ps[i])
		}
		ps = half
		c.stride[name] = max(1, c.stride[name]) * 2
	}
	c.result.Series[name] = ps
}

// restart drops what a failed attempt reported, except its log.
func (c *collector) restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.result = cache.Result{}
	clear(c.stride)
	clear(c.skipped)
}

// taken is the result so far.
func (c *collector) taken() cache.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.result
}

// tail are the last log lines.
func (c *collector) tail() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.last...)
}
