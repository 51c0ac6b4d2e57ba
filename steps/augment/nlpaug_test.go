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
)

// TestBesideNLPAug writes variations of the same rows with nlpaug and with the whole step (reading, looking for duplicates,
// lineage and writing included), each on one core, and logs how they compare. .ci/nlpaug installs what it needs.
func TestBesideNLPAug(t *testing.T) {
	python := os.Getenv("REIN_NLPAUG_PYTHON")
	if python == "" {
		t.Skip("REIN_NLPAUG_PYTHON names no Python that has nlpaug")
	}
	var texts []string
	for i := range 2000 {
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
	for _, name := range []string{"swap", "delete"} {
		t.Logf("%s: %.1f times nlpaug", name, ours[name]/theirs[name])
	}
}
