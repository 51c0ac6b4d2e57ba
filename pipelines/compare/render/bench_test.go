package render

import (
	"context"
	"fmt"
	"io"
	"testing"

	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/comparetest"
)

// BenchmarkCompare is a comparison of four strategies and the baseline on 110,000 test rows: what a second run waits for.
func BenchmarkCompare(b *testing.B) {
	s := comparetest.NewShelf(b)
	base := model{FP: 0.04, FN: 0.01, UnseenFP: 0.1, UnseenFN: 0.05, Rows: 110_000}
	var p []record.Pipeline
	for i := range 4 {
		own := base
		own.FP /= float64(i + 2)
		p = append(p, s.Strategy(fmt.Sprint("strategy", i), base, own, 1, 80_000))
	}
	for name, draw := range map[string]func(*compare.Result) error{
		"compute": func(*compare.Result) error { return nil },
		"table":   func(r *compare.Result) error { return Table(io.Discard, r, Options{Width: 140}) },
		"html":    func(r *compare.Result) error { return HTML(context.Background(), io.Discard, r, Options{}) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r, err := compare.Compute(context.Background(), compare.Input{Pipelines: p, Blobs: s})
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
