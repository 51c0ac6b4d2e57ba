package evasions

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/scorer"
	"rein/steps/internal/scorer/scorertest"
	"rein/steps/stepstest"
)

func rows(t *testing.T, label func(i int) string) artifact.Rows {
	t.Helper()
	var out []artifact.Row
	for i := range 120 {
		out = append(out, artifact.Row{ID: fmt.Sprint(i), Text: fmt.Sprintf("row %d about %s %x", i, strings.Repeat("tea ", i%5), i*i), Label: label(i), Category: "pii", Source: fmt.Sprint("s", i%3),
			Role: "tool", Channel: "search"})
	}
	r, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), out)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func both(i int) string { return []string{artifact.Benign, artifact.Malicious}[i%2] }

// Each row that is written is one that the model decides rightly without the words behind it, and wrongly with them; it says what it
// descends from.
func TestWhatIsWrittenEvades(t *testing.T) {
	in := rows(t, both)
	model := scorertest.Halved(t, in)
	env := stepstest.New(t, "rows")
	out, err := run(t.Context(), env.Env, Config{Attacks: 40, Benign: 30, Seed: 1}, In{model, in})
	if err != nil {
		t.Fatal(err)
	}
	got, err := out.Rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	all, err := in.Read()
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]artifact.Row{}
	for _, r := range all {
		byID[r.ID] = r
	}
	s, err := scorer.Open(t.Context(), model, scorer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n := map[string]int{}
	for _, r := range got {
		from := byID[r.Parent]
		scores, err := s.Score(t.Context(), []string{from.Text, r.Text})
		if err != nil {
			t.Fatal(err)
		}
		before, after := float64(scores[0].Threat) >= s.Threshold(), float64(scores[1].Threat) >= s.Threshold()
		if before == after || before != (r.Label == artifact.Malicious) || !strings.HasPrefix(r.Text, from.Text+" ") {
			t.Errorf("%q, made of %q: flagged %v, before %v", r.Text, from.Text, after, before)
		}
		if r.Label != from.Label || r.Root != from.ID || r.Role != from.Role || r.Channel != from.Channel || r.Source != from.Source {
			t.Errorf("%+v of %+v", r, from)
		}
		n[r.Method]++
	}
	if n[Evasion] == 0 || n[Alarm] == 0 || n[Evasion] > 40 || n[Alarm] > 30 || env.Metrics["evasions_written"] != float64(n[Evasion]) || env.Metrics["alarms_written"] != float64(n[Alarm]) {
		t.Errorf("%v, metrics %v", n, env.Metrics)
	}
	again := stepstest.New(t, "rows")
	if _, err := run(t.Context(), again.Env, Config{Benign: 30, Seed: 1}, In{model, in}); err != nil || again.Metrics["evasions_written"] != 0 || again.Metrics["alarms_written"] != float64(n[Alarm]) {
		t.Errorf("%v, %v", again.Metrics, err)
	}
}

func TestBothLabelsAreNeeded(t *testing.T) {
	_, err := run(t.Context(), stepstest.New(t, "rows").Env, Config{Attacks: 5, Benign: 5, Seed: 1}, In{ngramtest.Random(t, 0.6, true), rows(t, func(int) string { return artifact.Benign })})
	if err == nil || !strings.Contains(err.Error(), "there are no malicious ones") {
		t.Errorf("%v", err)
	}
	if err := (Config{}).Validate(); err == nil {
		t.Error("nothing to look for passes")
	}
}
