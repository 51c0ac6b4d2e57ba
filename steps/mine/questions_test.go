package mine

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/stepstest"
)

// A label that says yes to attacks and to harmful requests alike is pointed out where the model answers the two differently well,
// and only there.
func TestALabelOfTwoQuestionsIsPointedOut(t *testing.T) {
	all, sorted := scores(t, pool(t, 200, artifact.Malicious))
	const words = "the label mixes two questions"
	for name, category := range map[string]func(i int, high bool) string{
		words: func(_ int, high bool) string {
			if high {
				return "prompt injection"
			}
			return "Toxicity"
		},
		"alike":         func(i int, _ bool) string { return []string{"jailbreak", "pii"}[i%2] },
		"one question":  func(int, bool) string { return "injection" },
		"unknown words": func(i int, high bool) string { return fmt.Sprint("kind ", high) },
		"few of the kind": func(i int, high bool) string {
			return map[bool]string{true: "toxicity", false: "injection"}[high && i < 20]
		},
	} {
		var rows []artifact.Row
		for i, r := range all {
			r.Category = category(i, r.Score >= sorted[100])
			rows = append(rows, r)
		}
		validation, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
		if err != nil {
			t.Fatal(err)
		}
		env := stepstest.New(t, "rows", "reserve", "scores", "report")
		in := In{Model: ngramtest.Random(t, sorted[100], false), Pool: pool(t, 100, artifact.Benign), Validation: validation}
		if _, err := run(t.Context(), env.Env, Config{Recall: 0.95, Reserve: 1}, in); err != nil {
			t.Fatal(err)
		}
		said := strings.Join(env.Notes, "\n")
		if strings.Contains(said, words) != (name == words) {
			t.Errorf("%s: %q", name, said)
		}
		if name == words && !strings.Contains(said, "100 are attacks on the model (prompt injection), of which it finds 100.0% at its own threshold, and 100 are harmful requests (Toxicity), of which it finds 0.0%") {
			t.Errorf("%q", said)
		}
	}
}
