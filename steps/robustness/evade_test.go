package robustness

import (
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/scorer"
	"rein/steps/internal/scorer/scorertest"
	"rein/steps/stepstest"
)

// Of a model whose words don't add, the price is one that the model really takes.
func TestEvasionIsReal(t *testing.T) {
	env := stepstest.New(t, "report")
	out, err := run(t.Context(), env.Env, Config{Size: 30, Strengths: []float64{0.5}, Seed: 1, Evasion: 10}, In{Model: ngramtest.Random(t, 0.6, false), Rows: []artifact.Rows{rows(t, artifact.Benign, artifact.Malicious)}})
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, out)
	if r.Evasion == nil || r.Evasion.Texts == 0 || r.Evasion.Texts > 10 {
		t.Fatalf("%+v", r.Evasion)
	}
	for _, e := range r.Evasion.Found {
		if e.Score >= 0.6 || e.Before < 0.6 {
			t.Errorf("%+v is no evasion", e)
		}
	}
	if env.Metrics["evasion_words"] != r.Evasion.Median || env.Metrics["evasion_words_p10"] > r.Evasion.Median {
		t.Errorf("%v, %+v", env.Metrics, r.Evasion)
	}
	env = stepstest.New(t, "report")
	if _, err := run(t.Context(), env.Env, Config{Size: 30, Strengths: []float64{0.5}, Seed: 1}, In{Model: ngramtest.Random(t, 0.6, false), Rows: []artifact.Rows{rows(t, artifact.Benign, artifact.Malicious)}}); err != nil {
		t.Fatal(err)
	}
	if _, ok := env.Metrics["evasion_words"]; ok {
		t.Error("measured though nobody asked for it")
	}
}

// Words that raise an alarm on a benign row are told, too: how few it takes, and which do it alone.
func TestAlarmWordsAreReal(t *testing.T) {
	in := rows(t, artifact.Benign, artifact.Malicious)
	m := scorertest.Halved(t, in)
	s, err := scorer.Open(t.Context(), m, scorer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	env := stepstest.New(t, "report")
	out, err := run(t.Context(), env.Env, Config{Size: 30, Strengths: []float64{0.5}, Seed: 1, Evasion: 10}, In{Model: m, Rows: []artifact.Rows{in}})
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, out)
	if r.Alarms == nil || r.Alarms.Texts == 0 || env.Metrics["alarm_words"] != r.Alarms.Median || env.Metrics["alarmed_share"] != float64(r.Alarms.Turned)/float64(r.Alarms.Texts) {
		t.Errorf("%v, %+v", env.Metrics, r.Alarms)
	}
	for _, e := range r.Alarms.Found {
		if e.Score < s.Threshold() || e.Before >= s.Threshold() {
			t.Errorf("%+v is no alarm", e)
		}
	}
	if r.Alarms.Turned == 0 || (r.Alarms.Tenth == 1) != (len(r.Alarms.Alone) > 0) {
		t.Errorf("%+v", r.Alarms)
	}
}
