package train

import (
	"strconv"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/seeds"
)

// checkSeeds checks what a training with several seeds leaves: the best model, with the others inside its folder.
func checkSeeds(t *testing.T, c Config, kept artifact.Model) {
	t.Helper()
	info, err := kept.Info()
	if err != nil {
		t.Fatal(err)
	}
	others, err := seeds.Of(kept)
	if err != nil || len(others) != c.Seeds-1 {
		t.Fatalf("%d other seeds, %v", len(others), err)
	}
	seen := map[string]bool{info.Training["seed"]: true}
	for _, o := range others {
		other, err := o.Model.Info()
		if err != nil {
			t.Fatal(err)
		}
		if other.Training["seed"] != strconv.Itoa(o.Seed) {
			t.Errorf("seed %d is in the folder of %d", o.Seed, o.Seed)
		}
		seen[other.Training["seed"]] = true
	}
	if len(seen) != c.Seeds {
		t.Errorf("seeds %v", seen)
	}
}
