package calibrate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/threshold"
	"rein/steps/score"
	"rein/steps/stats"
	"rein/steps/stepstest"
)

// traffic writes n rows. Labels, if any, are wrong on purpose, because they must be ignored.
func traffic(t *testing.T, n int, label string) artifact.Rows {
	t.Helper()
	var rows []artifact.Row
	for i := range n {
		rows = append(rows, artifact.Row{ID: fmt.Sprint(i), Text: fmt.Sprintf("prompt %d about %x", i, i*i), Label: label})
	}
	out, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// report returns the report of an evaluation in which the attacks have the given scores.
func report(t *testing.T, scores ...float64) artifact.Report {
	t.Helper()
	s := stats.NewSet()
	for i, v := range scores {
		s.Add(stats.Observation{Malicious: true, Threat: v})
		s.Add(stats.Observation{Threat: float64(i) / 1000})
	}
	s.Finish(0.01, 10, 1)
	b, err := json.Marshal(stats.Report{Basis: stats.OwnTraffic, Sets: map[string]*stats.Set{stats.OwnTraffic: s}})
	if err != nil {
		t.Fatal(err)
	}
	out := artifact.Report{Path: filepath.Join(t.TempDir(), "report.json")}
	if err := os.WriteFile(out.Path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return out
}

var config = Config{Limit: 0.05, Share: 0, Confidence: 0.95, Cap: 1}

func calibrated(t *testing.T, c Config, in In) (*stepstest.Env, Out, *Result, error) {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	env := stepstest.New(t, "model", "report")
	out, err := run(t.Context(), env.Env, c, in)
	b, readErr := os.ReadFile(out.Report.Path)
	if readErr != nil {
		return env, out, nil, err
	}
	var r Result
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return env, out, &r, err
}

// The calibrated model must flag no more of the traffic than the limit allows, but would with a threshold one score lower. Labels are
// ignored, and the rest of the model stays as it was.
func TestTheModelKeepsTheLimit(t *testing.T) {
	model := ngramtest.Random(t, 0.001, true)
	env, out, r, err := calibrated(t, config, In{Model: model, Traffic: traffic(t, 400, artifact.Malicious)})
	if err != nil {
		t.Fatal(err)
	}
	info, err := out.Model.Info()
	if err != nil || info.Threshold != r.Chosen.Threshold || env.Metrics["threshold"] != info.Threshold || !strings.Contains(info.Rule, "400 rows of traffic") {
		t.Fatalf("%+v, %v", info, err)
	}
	s, err := score.Open(t.Context(), out.Model.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows, err := traffic(t, 400, "").Read()
	if err != nil {
		t.Fatal(err)
	}
	flagged, scores := 0, []float64{}
	for _, row := range rows {
		a, err := s.Score(t.Context(), []string{row.Text})
		if err != nil {
			t.Fatal(err)
		}
		if scores = append(scores, a[0].Score); a[0].Malicious {
			flagged++
		}
	}
	if flagged != r.Chosen.Flagged || stats.AtMost(flagged, 400, 0.95) > 0.05 || env.Metrics["traffic_fp_rate_at_most"] > 0.05 {
		t.Errorf("%d of 400 flagged, the report says %+v", flagged, r.Chosen)
	}
	slices.SortFunc(scores, func(a, b float64) int { return cmp.Compare(b, a) })
	more := 0
	for _, v := range scores {
		if v >= scores[flagged] {
			more++
		}
	}
	if stats.AtMost(more, 400, 0.95) <= 0.05 {
		t.Errorf("%d could be flagged", more)
	}
}

// The table must show the recall on labelled rows. Half of the recall caps the threshold.
func TestRecallAndCap(t *testing.T) {
	attacks := []float64{0.2, 0.4, 0.6, 0.8, 0.9, 0.92, 0.94, 0.96, 0.98, 0.99}
	c := config
	c.Cap = 0
	_, _, r, err := calibrated(t, c, In{Model: ngramtest.Random(t, 0.5, true), Traffic: traffic(t, 400, ""), Reports: []artifact.Report{report(t, attacks...)}})
	if r == nil || r.Cap == nil || *r.Cap != 0.94 || r.Own.Recall == nil || *r.Own.Recall != 0.8 {
		t.Fatalf("%+v, %v", r, err)
	}
	if over := r.Chosen.Threshold > *r.Cap; over != (err != nil) || over && !strings.Contains(err.Error(), "over the cap of 0.94") {
		t.Errorf("threshold %v, cap %v: %v", r.Chosen.Threshold, *r.Cap, err)
	}
	for _, l := range r.Table {
		if (l.Need == 0) != (l.Recall != nil) {
			t.Errorf("%+v", l)
		}
	}
}

// Each problem or weakness must be reported together with what to do about it.
// The cap that the message names is one that takes the threshold.
func TestTheCapThatIsNamedIsEnough(t *testing.T) {
	for _, at := range []float64{0.5041381, 0.5041387677192688, 0.504138, 0.9999999} {
		limit := 0.4
		r := &Result{Config: config, Chosen: Line{Calibrated: threshold.Calibrated{Threshold: at}}, Cap: &limit}
		_, hint, ok := strings.Cut(fmt.Sprint(r.Verdict()), "--cap ")
		hint, _, _ = strings.Cut(hint, " ")
		if named, err := strconv.ParseFloat(hint, 64); !ok || err != nil || named < at || named > 1 {
			t.Errorf("threshold %v: --cap %s, %v", at, hint, err)
		}
	}
}

func TestBadTrafficIsSaid(t *testing.T) {
	model := ngramtest.Random(t, 0.5, true)
	same := func(n int) artifact.Rows {
		var rows []artifact.Row
		for i := range n {
			rows = append(rows, artifact.Row{ID: fmt.Sprint(i), Text: fmt.Sprint("again ", i%9)})
		}
		out, err := artifact.WriteRows(filepath.Join(t.TempDir(), "same"), rows)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	long, err := artifact.WriteRows(filepath.Join(t.TempDir(), "long"), []artifact.Row{{ID: "1", Text: strings.Repeat("a megabyte of text ", 1<<16)}})
	if err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		in     In
		change func(*Config)
	}{
		"there is no traffic: no row has a text; 59 rows are the least": {In{Model: model, Traffic: traffic(t, 0, "")}, nil},
		"need 59":                        {In{Model: model, Traffic: traffic(t, 20, "")}, nil},
		"has no report of labelled rows": {In{Model: model, Traffic: traffic(t, 400, "")}, nil},
		"Only 9 of the 400 texts differ": {In{Model: model, Traffic: same(400)}, func(c *Config) { c.Limit = 0.5 }},
		"less than the attack share of 60.00%: if so many are attacks, the model misses most of them": {In{Model: ngramtest.Random(t, 0.999999, true), Traffic: traffic(t, 400, "")}, func(c *Config) { c.Share = 0.6 }},
		"attacks: no row of them is labelled malicious":                                               {In{Model: model, Traffic: traffic(t, 400, ""), Attacks: traffic(t, 5, artifact.Benign)}, nil},
		"1 row is longer than the model reads":                                                        {In{Model: model, Traffic: long}, nil},
	} {
		cfg := config
		if c.change != nil {
			c.change(&cfg)
		}
		_, _, r, err := calibrated(t, cfg, c.in)
		said := fmt.Sprint(err)
		if r != nil {
			said += strings.Join(r.Notes, "\n")
		}
		if !strings.Contains(said, want) {
			t.Errorf("%s; want %q", said, want)
		}
	}
	for want, c := range map[string]Config{
		"attack share 1": {Limit: 0.01, Share: 1, Confidence: 0.95}, "limit 0": {Share: 0.01, Confidence: 0.95}, "cap: 2; want a threshold": {Limit: 0.01, Confidence: 0.95, Cap: 2},
		"confidence 1": {Limit: 0.01, Confidence: 1}, "least attack share 0.5": {Limit: 0.01, Share: 0.1, Least: 0.5, Confidence: 0.95},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A kept result must be the threshold when the package is opened with the profile. Nothing else in the package may change.
func TestKeepAndOpen(t *testing.T) {
	model := ngramtest.Random(t, 0.5, true)
	rows, err := traffic(t, 400, "").Read()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Package(t.Context(), model.Path, config, func(yield func(string, error) bool) {
		for _, row := range rows {
			if !yield(row.Text, nil) {
				return
			}
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Keep(model.Path, "mine", r); err != nil {
		t.Fatal(err)
	}
	s, err := score.OpenProfile(t.Context(), model.Path, "mine")
	if err != nil || s.Threshold() != r.Chosen.Threshold {
		t.Fatalf("%v, want %v", err, r.Chosen.Threshold)
	}
	s.Close()
	if s, err = score.Open(t.Context(), model.Path); err != nil || s.Threshold() != 0.5 {
		t.Errorf("%v", err)
	}
	s.Close()
	if _, err := score.OpenProfile(t.Context(), model.Path, "nobody"); err == nil || !strings.Contains(err.Error(), `no profile "nobody": the package has mine`) {
		t.Errorf("%v", err)
	}
}
