package train

import (
	"strings"
	"testing"
)

// A dearer miss moves the threshold down: more attacks are caught, more benign prompts flagged.
func TestThresholdByCost(t *testing.T) {
	c := toyConfig()
	c.Rule, c.CostFP, c.CostMiss, c.BaseRate = "cost", 1, 10, 0.01
	cheap, _ := trainToy(t, c)
	c.CostMiss = 10_000
	dear, out := trainToy(t, c)
	a, b := cheap.Metrics, dear.Metrics
	if !(b["threshold"] < a["threshold"] && b["validation_tp_rate"] >= a["validation_tp_rate"] && b["validation_fp_rate"] >= a["validation_fp_rate"]) {
		t.Errorf("a miss at 10: %v, at 10,000: %v", a, b)
	}
	info, err := out.Model.Info()
	if err != nil {
		t.Fatal(err)
	}
	if want := "lowest expected cost on validation rows: 1 a false positive, 10000 a miss, 0.01 of prompts malicious"; info.Rule != want {
		t.Errorf("rule %q, want %q", info.Rule, want)
	}
}

// Where there are too few benign rows to be as sure as was asked for, that is said, and the threshold flags none of them.
func TestThresholdWithConfidence(t *testing.T) {
	c := toyConfig()
	plain, _ := trainToy(t, c)
	c.Sure = 0.9999
	sure, out := trainToy(t, c)
	if a, b := plain.Metrics, sure.Metrics; !(b["threshold"] >= a["threshold"]) || b["validation_fp_rate"] != 0 || len(plain.Notes) > 0 {
		t.Errorf("%v, with confidence %v; %v", a, b, plain.Notes)
	}
	if len(sure.Notes) != 1 || !strings.Contains(sure.Notes[0], "with 0.9999 confidence, which takes 917") {
		t.Errorf("%q", sure.Notes)
	}
	info, err := out.Model.Info()
	if err != nil {
		t.Fatal(err)
	}
	if want := "highest recall on validation rows that show an FP rate of at most 0.01 with 0.9999 confidence"; info.Rule != want {
		t.Errorf("rule %q, want %q", info.Rule, want)
	}
}
