package split

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"rein/engine"
	"rein/steps/artifact"
	"rein/steps/dataset"
	"rein/steps/internal/leak"
)

// realRows are the real prompts, which are not part of the repository.
func realRows(t testing.TB) artifact.Rows {
	t.Helper()
	dir := os.Getenv("REIN_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real prompts: %v (set REIN_DATA to a folder with benign.jsonl and malicious.jsonl)", err)
	}
	op, err := dataset.Step().Op(cty.EmptyObjectVal)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "rows")
	call := &engine.Call{Inputs: map[string][]engine.File{"data": {{Path: dir}}}, Outputs: map[string]string{"rows": out}, Emit: func(engine.Event) {}}
	if err := op.Run(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	return artifact.Rows{Path: out}
}

func TestRealData(t *testing.T) {
	if testing.Short() {
		t.Skip("clusters 53,073 rows")
	}
	rows := realRows(t)
	for seed := 1; seed <= 3; seed++ {
		c := Config{By: "auto", Near: leak.DefaultNear, Choosing: validationSources, Seed: seed}
		g, err := group(t.Context(), c, In{Rows: []artifact.Rows{rows}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := assign(c, g)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d, by %s: train %v validation %v pool %v test %v unseen %v; %q",
			seed, g.by, p.counts[train], p.counts[validation], p.counts[pool], p.counts[test], p.counts[unseen], p.notes)
		if g.by != "source" {
			t.Errorf("seed %d: groups are by %s", seed, g.by)
		}
		for s := range sets {
			for l, total := range g.total {
				if want := 0.5 * c.share(s) * float64(total); s != train && !(s == pool && l == malicious) && float64(p.counts[s][l]) < want {
					t.Errorf("seed %d: %s has %d %s rows, want %.0f at least", seed, s, p.counts[s][l], labelNames[l], want)
				}
			}
		}
	}
}
