package ui

import (
	"fmt"
	"time"

	"rein/cmd/rein/internal/view"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/human"
)

//go:generate go test -tags uncompiled -run TestPagesAreCompiled . -update

// What the pages' templates call, beside functions of other packages.

// assetPath is the address of an asset with its present content.
func assetPath(name string) string { return "/assets/" + assetHash(name) + "/" + name }

func took(from, to time.Time) string { return human.Duration(to.Sub(from)) }

func milliseconds(ms int64) string { return human.Duration(time.Duration(ms) * time.Millisecond) }

func statuses(counts map[string]int) string { return view.StatusText(counts) }

func figureText(metric string, f *compare.Figure) string { return render.Format(metric, *f) }

func counted(n int) string { return human.Count(int64(n)) }

func scoreText(v float64) string { return fmt.Sprintf("%.3f", v) }

func sum(a, b int) int { return a + b }
