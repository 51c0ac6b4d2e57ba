package balance

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

func config(onBreach string) Config {
	return Config{Ideal: []float64{0.4, 0.6}, Acceptable: 0.62, Critical: 0.65, OnBreach: onBreach}
}

func TestJudge(t *testing.T) {
	for share, want := range map[float64]Severity{
		0.4: Ideal, 0.5: Ideal, 0.591: Ideal, 0.6: Ideal,
		0.617: Acceptable, 0.39: Acceptable, 0.624: Concerning, 0.646: Concerning, 0.36: Concerning, 0.651: Critical, 0.2: Critical, 1: Critical,
	} {
		if got := config("stop").Judge(share); got != want {
			t.Errorf("%v is %v, want %v", share, got, want)
		}
	}
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		benign, malicious int
		onBreach          string
		verdict           bool
		said              string
	}{
		{5, 5, "stop", false, ""},
		{9, 1, "stop", true, ""},
		{9, 1, "record", false, "90.0% of 10 rows are benign: critical"},
		{0, 0, "record", false, ""},
	} {
		var rows []artifact.Row
		for range c.benign {
			rows = append(rows, artifact.Row{Label: artifact.Benign})
		}
		for range c.malicious {
			rows = append(rows, artifact.Row{Label: artifact.Malicious})
		}
		in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
		if err != nil {
			t.Fatal(err)
		}
		env := stepstest.New(t, "rows")
		out, err := run(t.Context(), env.Env, config(c.onBreach), In{in})
		if stepstest.IsVerdict(err) != c.verdict || (err != nil) != (c.verdict || len(rows) == 0) {
			t.Errorf("%+v: %v", c, err)
		}
		if notes := strings.Join(env.Notes, ";"); !strings.Contains(notes, c.said) {
			t.Errorf("%+v: notes %q", c, notes)
		}
		if err == nil {
			if got, err := out.Rows.Read(); err != nil || len(got) != len(rows) {
				t.Errorf("%+v: %d rows, %v", c, len(got), err)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), []artifact.Row{
		{Label: artifact.Benign, Source: "a", Text: "x"}, {Label: artifact.Benign, Source: "a", Text: "x"},
		{Label: artifact.Malicious, Source: "b", Category: "pii", Text: strings.Repeat("y", 300)}, {Label: artifact.Malicious, Source: "c", Category: "pii", Text: "y"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for want, l := range map[string]Limit{
		`source "a" has 50.0% of 4 rows, more than 40%`:                    {By: "source", Most: 0.4},
		`category "pii" has 100.0% of 2 malicious rows, more than 90%`:     {By: "category", Label: artifact.Malicious, Most: 0.9},
		`category "jailbreak" has 0.0% of 2 malicious rows, less than 10%`: {By: "category", Label: artifact.Malicious, Most: 1, Least: 0.1, Of: []string{"jailbreak", "pii"}},
		`length "long" has 25.0% of 4 rows, less than 30%`:                 {By: "length", Most: 1, Least: 0.3},
		"": {By: "source", Label: artifact.Malicious, Most: 0.5},
	} {
		c := config("record")
		c.Limits = []Limit{l}
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		env := stepstest.New(t, "rows")
		if _, err := run(t.Context(), env.Env, c, In{in}); err != nil {
			t.Error(err)
		}
		if got := strings.Join(env.Notes, "; "); got != want || env.Metrics["balance_breaches"] != float64(len(env.Notes)) {
			t.Errorf("notes %q, want %q; %v", got, want, env.Metrics)
		}
		c.OnBreach = "stop"
		if _, err := run(t.Context(), stepstest.New(t, "rows").Env, c, In{in}); stepstest.IsVerdict(err) != (want != "") {
			t.Errorf("%+v: got %v", l, err)
		}
	}
}

func TestRowsPassUnchanged(t *testing.T) {
	in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), []artifact.Row{{Label: artifact.Benign}, {Label: artifact.Malicious}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := run(t.Context(), stepstest.New(t, "rows").Env, config("stop"), In{in})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := os.ReadFile(in.Path)
	b, _ := os.ReadFile(out.Rows.Path)
	if !bytes.Equal(a, b) {
		t.Error("the bytes differ")
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []Config{
		{Ideal: []float64{0.4}}, {Ideal: []float64{0.6, 0.4}, Acceptable: 0.7, Critical: 0.8},
		{Ideal: []float64{0.4, 0.6}, Acceptable: 0.62, Critical: 0.65, Limits: []Limit{{By: "source", Most: 1}}},
		{Ideal: []float64{0.4, 0.6}, Acceptable: 0.62, Critical: 0.65, Limits: []Limit{{By: "source", Most: 0.2, Least: 0.3}}},
		{Ideal: []float64{0.4, 0.6}, Acceptable: 0.5, Critical: 0.8}, {Ideal: []float64{0.4, 0.6}, Acceptable: 0.7, Critical: 1.2},
	} {
		if c.Validate() == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}
