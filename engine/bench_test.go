package engine_test

import (
	"fmt"
	"testing"

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
