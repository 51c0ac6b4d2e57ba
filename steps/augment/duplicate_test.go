package augment

import (
	"strings"
	"testing"
)

// The step must write as many copies as it would write variations, of the same rows, and nothing else.
func TestDuplicates(t *testing.T) {
	rows := rowsOf("benign", "other", benignTexts)
	copies, env := vary(t, Config{Variations: 3, Methods: map[string]float64{"duplicate": 1}, MaxGrowth: 3, Seed: 1}, rows)
	varied, _ := vary(t, Config{Variations: 3, MaxGrowth: 3, Seed: 1}, rows)
	if len(copies) != 3*len(rows) || len(copies) != len(varied) || env.Metrics["variations_made"] != 18 {
		t.Fatalf("%d copies, %d variations, %v", len(copies), len(varied), env.Metrics)
	}
	ids := map[string]bool{}
	for i, r := range copies {
		of := rows[i/3]
		if r.Text != of.Text || r.Parent != of.ID || r.Root != of.Root || r.Method != "duplicate" || ids[r.ID] {
			t.Errorf("%+v of %+v", r, of)
		}
		ids[r.ID] = true
	}
	sized, _ := vary(t, Config{Size: 10, Families: map[string]float64{"jailbreak": 1}, Methods: map[string]float64{"duplicate": 1}, MaxGrowth: 3, Seed: 1}, rowsOf("malicious", "jailbreak", attackTexts))
	if len(sized) != 10 {
		t.Errorf("%d copies of attacks, want 10", len(sized))
	}
}

func TestDuplicatesStandAlone(t *testing.T) {
	c := Config{Variations: 1, MaxGrowth: 3, Methods: map[string]float64{"duplicate": 1, "synonym": 1}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), `"duplicate" stands alone, and "synonym" is there too`) {
		t.Errorf("%v", err)
	}
}
