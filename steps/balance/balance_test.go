package balance

import (
	"path/filepath"
	"strings"
	"testing"

	"rein/steps"
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
		if steps.IsVerdict(err) != c.verdict || (err != nil) != (c.verdict || len(rows) == 0) {
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

func TestValidate(t *testing.T) {
	for _, c := range []Config{
		{Ideal: []float64{0.4}}, {Ideal: []float64{0.6, 0.4}, Acceptable: 0.7, Critical: 0.8},
		{Ideal: []float64{0.4, 0.6}, Acceptable: 0.5, Critical: 0.8}, {Ideal: []float64{0.4, 0.6}, Acceptable: 0.7, Critical: 1.2},
	} {
		if c.Validate() == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}
