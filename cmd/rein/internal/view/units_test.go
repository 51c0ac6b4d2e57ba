package view

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"pgregory.net/rapid"

	"rein/engine"
	"rein/pipelines/human"
)

func TestSparkline(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		v     []float64
		width int
		want  string
	}{
		{nil, 8, ""}, {[]float64{1}, 8, "▁"}, {[]float64{2, 2}, 8, "▁▁"}, {[]float64{0, 7}, 8, "▁█"},
		{[]float64{9, 0, 1, 2, 3, 4, 5, 6, 7}, 8, "▁▂▃▄▅▆▇█"}, {[]float64{1, 2}, 0, ""},
		{[]float64{0, nan, 7, math.Inf(1)}, 8, "▁?█?"},
	} {
		if got := Sparkline(c.v, c.width); got != c.want {
			t.Errorf("Sparkline(%v, %d) = %q, want %q", c.v, c.width, got, c.want)
		}
	}
}

func TestResizeGoesUpOverWrappedLines(t *testing.T) {
	var out bytes.Buffer
	width, now := 100, time.Unix(1000, 0)
	v := newTTY(&out, true, func() (int, int) { return width, 24 }, func() time.Time { return now })
	v.Event(engine.Event{Time: now, Action: engine.ActionPlan, Total: 3})
	v.draw()
	whole := runewidth.StringWidth(uncolour(v.drawn[len(v.drawn)-1]))
	out.Reset()
	v.draw()
	if out.Len() != 0 {
		t.Errorf("the same frame is written again: %q", out.String())
	}
	width = whole/2 + 1
	v.draw()
	if !strings.Contains(out.String(), "\x1b[3A\r\x1b[J") {
		t.Errorf("an empty line, and one that wraps into two on %d cells; got %q", width, out.String())
	}
}

// What a plan foresaw becomes the time left, less what has ended and what running steps have done.
func TestTimeLeft(t *testing.T) {
	start := time.Unix(1000, 0)
	now := start
	v := newTTY(&bytes.Buffer{}, false, func() (int, int) { return 100, 24 }, func() time.Time { return now })
	v.Slots(2)
	step := func(name string, status engine.PlanStatus, ms int64, samples int) engine.StepForecast {
		return engine.StepForecast{Name: name, Status: status, ForecastMS: ms, Samples: samples, First: true}
	}
	v.Expect(&engine.Forecast{Pipelines: []engine.PipelineForecast{
		{Name: "a", Steps: []engine.StepForecast{step("data", engine.PlanCached, 0, 0), step("train", engine.PlanRun, 60_000, 3), step("test", engine.PlanUnknown, 20_000, 3)}},
		{Name: "b", Steps: []engine.StepForecast{step("train", engine.PlanRun, 40_000, 1), step("off", engine.PlanSkipped, 0, 0)}},
	}})
	shows := func(want string) {
		t.Helper()
		if got := strings.Join(v.frame(), "\n"); !strings.Contains(got, want) {
			t.Errorf("want %q in\n%s", want, got)
		}
	}
	v.Event(engine.Event{Time: now, Action: engine.ActionPlan, Total: 4})
	v.Event(engine.Event{Time: now, Action: engine.ActionEnd, Pipeline: "a", Step: "data", Status: engine.StatusCached})
	v.Event(engine.Event{Time: now, Action: engine.ActionStart, Pipeline: "a", Step: "train"})
	v.Event(engine.Event{Time: now, Action: engine.ActionStart, Pipeline: "b", Step: "train"})
	shows("about 1 min 0 s left") // 120 s on two slots, and none longer than 60 s
	shows("a 1 of 3   b 0 of 1")
	shows("of about 40 s")
	now = start.Add(30 * time.Second)
	shows("about 30 s left") // 30 + 20 + 10 s on two slots
	v.Event(engine.Event{Time: now, Action: engine.ActionProgress, Pipeline: "a", Step: "train", Done: 10, Total: 40, Unit: "rows"})
	shows("about 1 min 30 s left") // by its own rate, the step is late
	v.Event(engine.Event{Time: now, Action: engine.ActionEnd, Pipeline: "a", Step: "train", Status: engine.StatusRan})
	v.Event(engine.Event{Time: now, Action: engine.ActionEnd, Pipeline: "a", Step: "test", Status: engine.StatusUnchanged})
	shows("about 10 s left")
}

// Jobs on a cluster take no slot, wait with a reason, and go on when they say something.
func TestStepsElsewhere(t *testing.T) {
	now := time.Unix(1000, 0)
	v := newTTY(&bytes.Buffer{}, false, func() (int, int) { return 100, 24 }, func() time.Time { return now })
	v.Slots(2)
	show := func(e engine.Event, want, not string) {
		t.Helper()
		e.Time, e.Pipeline = now, "p"
		v.Event(e)
		if got := strings.Join(v.frame(), "\n"); !strings.Contains(got, want) || not != "" && strings.Contains(got, not) {
			t.Errorf("want %q, not %q in\n%s", want, not, got)
		}
	}
	v.Event(engine.Event{Time: now, Action: engine.ActionPlan, Total: 3})
	show(engine.Event{Action: engine.ActionStart, Step: "a", Executor: "gpu"}, "0 cached, 1 on a cluster, 2 queued", "slots")
	show(engine.Event{Action: engine.ActionStart, Step: "b"}, "1 of 2 slots busy, 1 on a cluster, 1 queued", "")
	show(engine.Event{Action: engine.ActionWait, Step: "a", Text: "Slurm job 1 is held"}, "waits: Slurm job 1 is held", "")
	show(engine.Event{Action: engine.ActionLog, Step: "a", Text: "runs"}, "1 of 2 slots busy, 1 on a cluster", "waits")
}

// The rate is that of late: neither what came before the first report, nor a slow start, nor what a resumed training had done
// already counts for long.
func TestRateIsOfLate(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	report := func(s *step, seconds float64, done int64, unit string) {
		s.progress(engine.Event{Time: at(seconds), Done: done, Total: 10000, Unit: unit})
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if got < 0.99*want || got > 1.01*want {
			t.Errorf("%s: %v a second, want %v", what, got, want)
		}
	}
	s := &step{started: start}
	report(s, 1, 50, "rows")
	near("at first, of all since it began", s.rate(at(1)), 50)

	s = &step{started: start}
	report(s, 20, 1, "graphs")
	report(s, 40, 5000, "rows") // resumed, after 40 s of preparing
	report(s, 43, 5300, "rows")
	near("after preparing", s.rate(at(43)), 100)

	s = &step{started: start}
	report(s, 0, 0, "rows")
	report(s, 30, 16, "rows")
	for i := range 40 {
		report(s, float64(31+i), int64(16+100*i), "rows")
	}
	near("long after a slow start", s.rate(at(70)), 100)
	report(s, 71, 10, "rows")
	if r := s.rate(at(71)); r < 0 {
		t.Errorf("it began again: %v a second", r)
	}
}

func TestClipHoldsForAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, width := human.Safe(rapid.String().Draw(t, "text")), rapid.IntRange(2, 200).Draw(t, "width")
		if w := runewidth.StringWidth(clip(text, width)); w > width {
			t.Fatalf("clip to %d gave %d cells", width, w)
		}
	})
}
