package robustness

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/text"
	"rein/steps/stats"
	"rein/steps/stepstest"
)

func TestEditsChangeTextAndRepeat(t *testing.T) {
	const s = "Please tell me how the lock of an old door works, step by step"
	for _, e := range transforms {
		a, b := e.edit(s, 0.6, text.RNG(1, e.name)), e.edit(s, 0.6, text.RNG(1, e.name))
		if a == s || a != b {
			t.Errorf("%s: %q, then %q", e.name, a, b)
		}
	}
}

func TestEditsNeverFailAndStayInProportion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		strength := rapid.Float64Range(0.01, 1).Draw(t, "strength")
		for _, e := range transforms {
			if out := e.edit(s, strength, rand.New(rand.NewPCG(1, 2))); len(out) > 6*len(s)+600 {
				t.Fatalf("%s makes %d bytes of %d", e.name, len(out), len(s))
			}
		}
	})
}

func rows(t *testing.T, labels ...string) artifact.Rows {
	t.Helper()
	var out []artifact.Row
	for i := range 60 {
		out = append(out, artifact.Row{ID: fmt.Sprint(i), Text: fmt.Sprintf("row %d about %s", i, strings.Repeat("tea ", i%7)), Label: labels[i%len(labels)]})
	}
	a, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), out)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestReport(t *testing.T) {
	env := stepstest.New(t, "report")
	c := Config{Size: 20, Strengths: []float64{0.2, 0.6}, Seed: 1}
	out, err := run(t.Context(), env.Env, c, In{Model: ngramtest.Random(t, 0.6, false), Rows: []artifact.Rows{rows(t, artifact.Benign, artifact.Malicious)}})
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, out)
	if len(r.Trials) != 2*len(transforms)+len(burials) || r.Trials[0].Recall.Value > r.Trials[len(r.Trials)-1].Recall.Value {
		t.Errorf("%d trials, from %v to %v", len(r.Trials), r.Trials[0].Recall, r.Trials[len(r.Trials)-1].Recall)
	}
	edited := slices.DeleteFunc(slices.Clone(r.Trials), func(t Trial) bool {
		return slices.ContainsFunc(burials, func(b burial) bool { return b.name == t.Edit })
	})
	if env.Metrics["edited_tp_rate_worst"] != edited[0].Recall.Value || len(env.Notes) != 1 {
		t.Errorf("metrics %v, notes %q", env.Metrics, env.Notes)
	}
	for _, trial := range r.Trials {
		for _, e := range trial.Missed {
			if e.Before < 0.6 || e.Score >= 0.6 {
				t.Errorf("%s: %+v was not missed by the edit", trial.Edit, e)
			}
		}
	}
}

// Where no edit changes a rate, the note doesn't say that it rises or falls.
func TestTheNoteSaysWhatEditsDid(t *testing.T) {
	rate := func(v float64) stats.Interval { return stats.Interval{Value: v, Low: v, High: v} }
	r := Report{Recall: rate(0.2), FPRate: rate(0), Trials: []Trial{{Edit: "letters stretched", Strength: 0.6, Recall: rate(0.1), FPRate: rate(0)}}}
	for _, c := range []struct {
		recall, fp float64
		want       string
	}{
		{0.1, 0, `recall falls from 20.0% to 10.0% under "letters stretched" at 0.6; no edit raises the FP rate of 0.00%`},
		{0.2, 0.04, `no edit lowers the recall of 20.0%; the FP rate rises from 0.00% to 4.00% under "letters stretched" at 0.6`},
	} {
		r.Trials[0].Recall, r.Trials[0].FPRate = rate(c.recall), rate(c.fp)
		env := stepstest.New(t, "report")
		r.metrics(env.Env)
		if len(env.Notes) != 1 || env.Notes[0] != c.want {
			t.Errorf("%q, want %q", env.Notes, c.want)
		}
	}
}

func TestOneLabelIsRefused(t *testing.T) {
	env := stepstest.New(t, "report")
	_, err := run(t.Context(), env.Env, Config{Size: 20, Strengths: []float64{0.2}}, In{Model: ngramtest.Random(t, 0.6, false), Rows: []artifact.Rows{rows(t, artifact.Benign)}})
	if err == nil || !strings.Contains(err.Error(), "no malicious") {
		t.Errorf("%v", err)
	}
}

// What an edit does to letters, and that it leaves everything else alone.
func TestEditsOfLetters(t *testing.T) {
	want := map[string]string{"neighbouring keys": "P;kl 1!", "vowels dropped": ";lk 1!", "letters stretched": "OOO;lllkkk 1!", "circled letters": "Ⓞ;ⓛⓚ 1!", "mathematical bold": "𝐎;𝐥𝐤 1!"}
	for _, e := range transforms {
		if w, ok := want[e.name]; ok {
			if got := e.edit("O;lk 1!", 1, text.RNG(1)); got != w {
				t.Errorf("%s: %q, want %q", e.name, got, w)
			}
			delete(want, e.name)
		}
	}
	if len(want) > 0 {
		t.Errorf("there are no edits %v", want)
	}
}

// A buried text is in the document, whole, behind or among 1,000 words of benign rows other than itself; both labels are measured.
func TestBurials(t *testing.T) {
	benign := []artifact.Row{{ID: "1", Text: "one two three"}, {ID: "2", Text: "four five"}}
	for _, b := range burials {
		out := b.bury(document(benign, artifact.Row{ID: "1"}, text.RNG(1)), "the needle")
		at := strings.Index(out, "the needle")
		before, after := len(strings.Fields(out[:at])), len(strings.Fields(out[at:]))-2
		if strings.Contains(out, "one") || before+after < documentWords {
			t.Errorf("%s: %d words before, %d after, %.60q", b.name, before, after, out)
		}
		if wants := map[string]bool{"after 1,000 words": after == 0, "in the middle of a document": before > 400 && after > 400}; !wants[b.name] {
			t.Errorf("%s: %d words before, %d after", b.name, before, after)
		}
	}
	env := stepstest.New(t, "report")
	if _, err := run(t.Context(), env.Env, Config{Size: 20, Strengths: []float64{0.5}, Seed: 1}, In{Model: ngramtest.Random(t, 0.6, false), Rows: []artifact.Rows{rows(t, artifact.Benign, artifact.Malicious)}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"buried_tp_rate", "buried_tp_rate_low", "buried_fp_rate", "buried_fp_rate_high"} {
		if _, ok := env.Metrics[name]; !ok {
			t.Errorf("no metric %s in %v", name, env.Metrics)
		}
	}
}

func read(t *testing.T, out Out) (r Report) {
	t.Helper()
	b, err := os.ReadFile(out.Report.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Of several sets the first with rows of both labels is edited: where all rows to report on are of new sources, those are.
func TestEditsTheFirstSetWithBothLabels(t *testing.T) {
	none, err := artifact.WriteRows(filepath.Join(t.TempDir(), "none"), nil)
	if err != nil {
		t.Fatal(err)
	}
	both := rows(t, artifact.Benign, artifact.Malicious)
	c := Config{Size: 20, Strengths: []float64{0.5}, Seed: 1}
	var reports [2]string
	for i, sets := range [][]artifact.Rows{{both}, {none, rows(t, artifact.Benign), both}} {
		out, err := run(t.Context(), stepstest.New(t, "report").Env, c, In{Model: ngramtest.Random(t, 0.6, false), Rows: sets})
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(out.Report.Path)
		if err != nil {
			t.Fatal(err)
		}
		reports[i] = string(b)
	}
	if reports[0] != reports[1] {
		t.Error("the reports differ")
	}
	if _, err := run(t.Context(), stepstest.New(t, "report").Env, c, In{Model: ngramtest.Random(t, 0.6, false), Rows: []artifact.Rows{none, rows(t, artifact.Benign)}}); err == nil || !strings.Contains(err.Error(), "no malicious ones") {
		t.Error(err)
	}
}
