package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/internal/ort"
)

// If a miss costs more, the threshold must be lower: more attacks are caught, and more benign prompts flagged.
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
	wantRule(t, out, "lowest expected cost on validation rows: 1 a false positive, 10000 a miss, 0.01 of prompts malicious")
}

// wantRule checks that a model records how its threshold was chosen.
func wantRule(t *testing.T, out Outputs, want string) {
	t.Helper()
	info, err := out.Model.Info()
	if err != nil {
		t.Fatal(err)
	}
	if info.Rule != want {
		t.Errorf("rule %q, want %q", info.Rule, want)
	}
}

// If there are too few benign rows for the wanted confidence, a note must say so, and the threshold must flag none of them.
func TestThresholdWithConfidence(t *testing.T) {
	c := toyConfig()
	plain, _ := trainToy(t, c)
	c.FPRateConfidence = 0.9999
	sure, out := trainToy(t, c)
	if a, b := plain.Metrics, sure.Metrics; !(b["threshold"] >= a["threshold"]) || b["validation_fp_rate"] != 0 || len(plain.Notes) > 0 {
		t.Errorf("%v, with confidence %v; %v", a, b, plain.Notes)
	}
	if len(sure.Notes) != 1 || !strings.Contains(sure.Notes[0], "with 0.9999 confidence, which takes 917") {
		t.Errorf("%q", sure.Notes)
	}
	wantRule(t, out, "highest recall on validation rows that show an FP rate of at most 0.01 with 0.9999 confidence")
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	if err := toyConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"fp_rate_confidence: 1 is not between 0 and 0.9999":            func(c *Config) { c.FPRateConfidence = 1 },
		"fp_rate_confidence: no number of rows shows an FP rate of 0":  func(c *Config) { c.FPRateConfidence, c.AtMost = 0.95, 0 },
		"schedule_epochs: 1 is less than epochs":                       func(c *Config) { c.Epochs, c.Horizon = 2, 1 },
		"method_weights: copies: -1 is negative":                       func(c *Config) { c.MethodWeight = map[string]float64{"copies": -1} },
		"model.revision: it pins a base of the hub, and there is none": func(c *Config) { c.Model = &ModelConfig{Buckets: 64, Dim: 1, Hidden: 1, Revision: "x"} },
		"buckets: 3 is not between 4 and":                              func(c *Config) { c.Model = &ModelConfig{Buckets: 3, Dim: 1, Hidden: 1} },
	} {
		c := toyConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A training's key must contain the version of the ONNX Runtime that trains, even if another one replaces the built-in one.
func TestTheLibraryIsInTheKey(t *testing.T) {
	t.Setenv(ort.LibraryEnv, "")
	if v := versions()["onnxruntime"]; v != ort.Carried() {
		t.Errorf("%q, carried is %q", v, ort.Carried())
	}
	dir := t.TempDir()
	file, link := filepath.Join(dir, "libonnxruntime.so.1.99.0"), filepath.Join(dir, "libonnxruntime.so")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip("no links here: ", err)
	}
	t.Setenv(ort.LibraryEnv, link)
	if v := versions()["onnxruntime"]; v != "libonnxruntime.so.1.99.0" {
		t.Errorf("%q", v)
	}
}
