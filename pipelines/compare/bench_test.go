package compare

import (
	"context"
	"fmt"
	"io"
	"testing"

	"rein/engine/record"
)

// BenchmarkCompare is a comparison of four strategies and the baseline on 110,000 test rows: what a second run waits for.
func BenchmarkCompare(b *testing.B) {
	s := &shelf{b, shared.dir, shared.made}
	base := model{fp: 0.04, fn: 0.01, fpU: 0.1, fnU: 0.05, rows: 110_000}
	var p []record.Pipeline
	for i := range 4 {
		own := base
		own.fp /= float64(i + 2)
		p = append(p, s.strategy(fmt.Sprint("strategy", i), base, own, 1, 80_000))
	}
	for name, draw := range map[string]func(*Result) error{
		"compute": func(*Result) error { return nil },
		"table":   func(r *Result) error { return Table(io.Discard, r, Options{Width: 140}) },
		"html":    func(r *Result) error { return HTML(context.Background(), io.Discard, r, Options{}) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r, err := Compute(context.Background(), Input{Pipelines: p, Blobs: s})
				if err != nil {
					b.Fatal(err)
				}
				if err := draw(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
