package engine_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"rein/cache"
	"rein/engine"
	"rein/engine/enginetest"
)

// layered is a graph of n steps, each reading two of the layer above.
func layered(n, width int) *engine.Graph {
	nodes := make([]*engine.Node, n)
	for i := range nodes {
		o := &op{Config: map[string]any{"i": i}}
		if i < width {
			nodes[i] = step(fmt.Sprintf("s%d", i), o)
			continue
		}
		above := i - width - i%width
		nodes[i] = step(fmt.Sprintf("s%d", i), o, from("x", nodes[above+i%width], nodes[above+(i+1)%width]))
	}
	return graph(nodes...)
}

// BenchmarkWarm60 opens a store and finds 60 cached steps: what a second `rein run` of the four strategies costs.
func BenchmarkWarm60(b *testing.B) {
	dir := b.TempDir()
	g := layered(60, 8)
	run := func() {
		s, err := cache.Open(dir, cache.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		if _, err := engine.Run(b.Context(), g, options(s)); err != nil {
			b.Fatal(err)
		}
	}
	run()
	for b.Loop() {
		run()
	}
}

// BenchmarkCold1000 runs 1,000 steps that do almost nothing.
func BenchmarkCold1000(b *testing.B) {
	for b.Loop() {
		s := enginetest.Store(b)
		if _, err := engine.Run(b.Context(), layered(1000, 50), options(s)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlan100000 plans 100,000 steps of which nothing is known.
func BenchmarkPlan100000(b *testing.B) {
	s := enginetest.Store(b)
	g := layered(100_000, 1000)
	for b.Loop() {
		if _, err := engine.Plan(b.Context(), g, options(s)); err != nil {
			b.Fatal(err)
		}
	}
}

// instant is an executor whose jobs are over at once.
type instant struct{ workers int }

func (x instant) MaxJobs() int { return x.workers }

func (x instant) Execute(context.Context, *engine.Job) (engine.Usage, error) {
	return engine.Usage{Host: "node"}, nil
}

// ledger is a remote that has nothing, and counts what it is asked and given.
type ledger struct{ fetches, sends atomic.Int64 }

func (l *ledger) Fetch(context.Context, cache.Digest) (*cache.Entry, error) {
	l.fetches.Add(1)
	return nil, &cache.Miss{What: "entry", Reason: "not there"}
}

func (l *ledger) Send(context.Context, *cache.Entry) { l.sends.Add(1) }

// BenchmarkThousandWorkers sends steps without outputs to 1,000 workers that need no time: what is left is the
// scheduler and the store. REIN_BENCH_STEPS sets their number (1000000 for the figures in docs).
func BenchmarkThousandWorkers(b *testing.B) {
	n := 20_000
	if s := os.Getenv("REIN_BENCH_STEPS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		nodes := make([]*engine.Node, n)
		for i := range nodes {
			nodes[i] = &engine.Node{Name: strconv.Itoa(i), Op: &op{Config: map[string]any{"i": i}}}
			if i >= 1000 {
				nodes[i].After = []*engine.Node{nodes[i-1000]}
			}
		}
		o := options(enginetest.Store(b))
		o.Child, o.Executor, o.Executors = []string{"rein"}, "x", map[string]engine.Executor{"x": instant{1000}}
		var shared ledger
		o.Remote = &shared
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		r, err := engine.Run(b.Context(), graph(nodes...), o)
		if err != nil || r.Verdict != "pass" {
			b.Fatal(err, r.Verdict)
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/float64(n), "us/step")
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "heapB/step")
		b.ReportMetric(float64(shared.fetches.Load())/float64(n), "fetches/step")
		b.ReportMetric(float64(shared.sends.Load())/float64(n), "sends/step")
		runtime.KeepAlive(r)
	}
}
