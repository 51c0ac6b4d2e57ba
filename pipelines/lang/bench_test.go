package lang

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"rein/pipelines"
)

// manyInstances is a pipeline of n steps made by for_each, each with an input of another and two values.
func manyInstances(n int) string {
	return fmt.Sprintf(`
locals { keys = [for i in range(%d) : format("k%%05d", i)] }
step "dataset" "source" {
  for_each = local.keys
  data     = "data/${each.key}.csv"
}
step "augment" "varied" {
  for_each   = local.keys
  rows       = step.source[each.key].rows
  variations = 3
  seed       = strlen(each.key)
}
step "exec" "all" {
  command = ["true"]
  inputs  = { rows = step.varied[*].rows }
}
`, n/2)
}

// manySteps is a pipeline of n step blocks, each using the one before.
func manySteps(n int) string {
	var b strings.Builder
	b.WriteString("step \"synthesize\" \"s0\" {}\nlocals {\n  first = step.s0.train\n}\n")
	last := "local.first"
	for i := range n - 1 {
		fmt.Fprintf(&b, "step \"augment\" \"a%d\" {\n  rows       = %s\n  variations = %d\n}\n", i, last, i%7+1)
		last = fmt.Sprintf("step.a%d.rows", i)
	}
	return b.String()
}

// manyPrograms is a pipeline of n exec steps in layers of 100, each with two inputs, as programs write such files.
func manyPrograms(n int) string {
	var b strings.Builder
	b.WriteString("pipeline \"main\" {}\n")
	for i := range n {
		first, second := "file(\"in.txt\")", fmt.Sprintf("file(\"in%d.txt\")", i)
		if layer := i / 100; layer > 0 {
			first, second = fmt.Sprintf("step.s%d.out", i-100), fmt.Sprintf("step.s%d.out", (layer-1)*100+(i*7+3)%100)
		}
		fmt.Fprintf(&b, `step "exec" "s%d" {
  command = ["sh", "-c", "echo s%d | LC_ALL=C sort -u - $REIN_IN_a $REIN_IN_b > $REIN_OUT_out"]
  inputs = {
    a = %s
    b = %s
  }
  outputs = ["out"]
}
`, i, i, first, second)
	}
	return b.String()
}

func benchmarkLoad(b *testing.B, text func(int) string) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o := testOptions(map[string]string{"main.hcl": text(n)})
			for b.Loop() {
				p, diags := Load([]string{"main.hcl"}, o)
				if diags.HasErrors() || len(p.Graph.Pipelines[0].Nodes) < n {
					b.Fatalf("%v, %d nodes", diags, len(p.Graph.Pipelines[0].Nodes))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/step")
		})
	}
}

func BenchmarkLoadForEach(b *testing.B)  { benchmarkLoad(b, manyInstances) }
func BenchmarkLoadBlocks(b *testing.B)   { benchmarkLoad(b, manySteps) }
func BenchmarkLoadPrograms(b *testing.B) { benchmarkLoad(b, manyPrograms) }

// TestLoadingGrowsInProportion counts allocations, which no busy machine disturbs.
func TestLoadingGrowsInProportion(t *testing.T) {
	if testing.Short() {
		t.Skip("loads thousands of steps")
	}
	for name, text := range map[string]func(int) string{"for_each": manyInstances, "blocks": manySteps, "programs": manyPrograms} {
		allocs := func(n int) float64 {
			o := testOptions(map[string]string{"main.hcl": text(n)})
			return testing.AllocsPerRun(1, func() { load([]string{"main.hcl"}, o) })
		}
		few, many := allocs(500), allocs(4000)
		if many > 10*few {
			t.Errorf("%s: 8 times the steps took %.1f times the allocations", name, many/few)
		}
	}
}

// BenchmarkReload is what an editor pays after a keystroke in a strategy that ships.
func BenchmarkReload(b *testing.B) {
	o := testOptions(nil)
	o.FS = pipelines.FS
	text, err := fs.ReadFile(pipelines.FS, "hybrid.hcl")
	if err != nil {
		b.Fatal(err)
	}
	o.Overlay = map[string][]byte{"hybrid.hcl": append(text, '\n')}
	for b.Loop() {
		if _, diags := Load([]string{"hybrid.hcl"}, o); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
}
