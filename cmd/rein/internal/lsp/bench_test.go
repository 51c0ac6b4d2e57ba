package lsp

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"rein/engine"
	"rein/pipelines/lang"
)

// manySteps is a strategy of n steps, each using the one before.
func manySteps(n int) string {
	var b strings.Builder
	b.WriteString("pipeline \"many\" {}\nvariable \"size\" {\n  default = 9\n}\nstep \"synthesize\" \"s0\" {}\nlocals {\n  first = step.s0.train\n}\n")
	last := "local.first"
	for i := range n - 1 {
		fmt.Fprintf(&b, "step \"sample\" \"a%d\" {\n  rows = %s\n  size = var.size\n  seed = %d\n}\n", i, last, i+1)
		last = fmt.Sprintf("step.a%d.rows", i)
	}
	return b.String()
}

// BenchmarkAnswer is the time from a key that is pressed to the answer of a request, in a file of 1,000 steps: the edit,
// loading what it made, and the answer over the wire. The target is 50 ms.
func BenchmarkAnswer(b *testing.B) {
	methods := []string{"completion", "hover", "definition", "references", "documentHighlight", "rename", "documentSymbol", "foldingRange",
		"semanticTokens/full", "codeAction", "codeLens", "formatting"}
	for _, m := range methods {
		b.Run(strings.ReplaceAll(m, "/", "-"), func(b *testing.B) {
			c := start(b, map[string]string{})
			c.open("many.hcl", manySteps(1000))
			c.checked("many.hcl")
			p := c.at("many.hcl", "rows = step.a50")
			p["newName"], p["range"], p["context"] = "renamed", span{}, map[string]any{"includeDeclaration": true}
			i := 0
			for b.Loop() {
				c.edit("many.hcl", fmt.Sprintf("seed = %d", 998+i), fmt.Sprintf("seed = %d", 999+i))
				i++
				c.call("textDocument/"+m, p, nil)
			}
			b.StopTimer()
			c.checked("many.hcl")
		})
	}
}

// BenchmarkDiagnostics is the time from a key that is pressed to the diagnostics.
func BenchmarkDiagnostics(b *testing.B) {
	c := start(b, map[string]string{})
	c.open("many.hcl", manySteps(1000))
	c.checked("many.hcl")
	i := 0
	for b.Loop() {
		c.edit("many.hcl", fmt.Sprintf("seed = %d", 998+i), fmt.Sprintf("seed = %d", 999+i))
		i++
		c.checked("many.hcl")
	}
}

// TestNothingWaitsForTheStore: a store that never answers holds nothing up, and is left alone after the next edit.
func TestNothingWaitsForTheStore(t *testing.T) {
	asked, left := make(chan bool, 10), make(chan bool, 10)
	c := start(t, map[string]string{"base.hcl": base}, func(o *Config) {
		o.Status = func(ctx context.Context, _ string, _ *lang.Program) (Statuses, error) {
			asked <- true
			<-ctx.Done()
			left <- true
			return nil, ctx.Err()
		}
	})
	c.open("p.hcl", strategy)
	<-asked
	var h *hover
	c.call("textDocument/hover", c.at("p.hcl", "step.so"), &h)
	if h == nil || strings.Contains(h.Contents.Value, "ached") {
		t.Errorf("hover: %+v", h)
	}
	var lenses []codeLens
	c.call("textDocument/codeLens", c.document("p.hcl"), &lenses)
	equal(t, "lenses", 0, len(lenses))
	c.edit("p.hcl", "size = 7", "size = 8")
	<-left
	<-asked
}

func TestLenses(t *testing.T) {
	statuses := Statuses{
		"corpus": {Plan: engine.StepForecast{Status: engine.PlanCached}, Headline: "FP rate 0.70% (0.66-0.76)"},
		"some":   {Plan: engine.StepForecast{Status: engine.PlanRun, ForecastMS: 10_000, Samples: 2}},
		"both":   {Plan: engine.StepForecast{Status: engine.PlanUnknown, ForecastMS: 4_000, Samples: 1}},
	}
	c := start(t, map[string]string{"base.hcl": base}, func(o *Config) {
		o.Status = func(context.Context, string, *lang.Program) (Statuses, error) { return statuses, nil }
	})
	c.write("p.hcl", strategy)
	c.open("p.hcl", strategy)
	c.open("base.hcl", base)
	c.awaitCalls("workspace/codeLens/refresh")
	lenses := func(name string) []string {
		var list []codeLens
		c.call("textDocument/codeLens", c.document(name), &list)
		var out []string
		for _, l := range list {
			out = append(out, fmt.Sprint(l.Range.Start.Line, " ", l.Command.Title))
		}
		return out
	}
	equal(t, "of the strategy", []string{"7 re-runs 1 step, about 4.0 s"}, lenses("p.hcl"))
	equal(t, "of the base", []string{"4 p: cached · FP rate 0.70% (0.66-0.76)", "7 p: re-runs 2 steps, about 14 s"}, lenses("base.hcl"))
}
