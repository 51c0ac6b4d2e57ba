package augment

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// TestBesideNLPAug compares augment with nlpaug on the same rows, on one core each. It times the same operation alone (including the
// division into words) and the whole step (including reading, the search for duplicates, lineage and writing), and logs the ratios.
// .ci/python installs what it needs.
func TestBesideNLPAug(t *testing.T) {
	python := os.Getenv("REIN_NLPAUG_PYTHON")
	if python == "" {
		t.Skip("REIN_NLPAUG_PYTHON names no Python that has nlpaug")
	}
	var texts []string
	for i := range 20_000 {
		texts = append(texts, fmt.Sprintf("%s (%d)", benignTexts[i%len(benignTexts)], i))
	}
	b, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rows.json")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "testdata/nlpaug_speed.py", path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs map[string]float64
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	ours := map[string]float64{}
	rows := rowsOf(artifact.Benign, "other", texts)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, name := range []string{"swap", "delete", "synonym", "punctuate"} {
		start := time.Now()
		got, _ := vary(t, Config{Variations: 1, Methods: map[string]float64{name: 1}, MaxGrowth: 3, Seed: 1}, rows)
		ours[name] = float64(len(got)) / time.Since(start).Seconds()
	}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		t.Logf("nlpaug %-9s %8.0f variations/s", name, theirs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		t.Logf("rein   %-9s %8.0f variations/s", name, ours[name])
	}
	alone := map[string]float64{}
	for _, m := range benignMethods(builtIn()) {
		rng, made, start := text.RNG(1, m.name), 0, time.Now()
		for _, s := range texts {
			if _, ok := m.apply(parse(s), rng); ok {
				made++
			}
		}
		alone[m.name] = float64(made) / time.Since(start).Seconds()
	}
	for _, name := range []string{"swap", "delete"} {
		t.Logf("%s: alone %.1f times nlpaug, as a step %.1f times", name, alone[name]/theirs[name], ours[name]/theirs[name])
	}
}
