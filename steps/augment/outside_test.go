package augment

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rein/steps/artifact"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/scorer"
	"rein/steps/stepstest"
)

// endpoint is an OpenAI-compatible server that counts calls and may fail the first ones.
type endpoint struct {
	calls, fail atomic.Int64
	status      int
	content     string // of every answer; empty: variations
	auth        atomic.Value
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := e.calls.Add(1)
	e.auth.Store(r.Header.Get("Authorization"))
	if n <= e.fail.Load() {
		http.Error(w, `{"error":{"message":"slow down"}}`, e.status)
		return
	}
	content := e.content
	if content == "" {
		var out struct {
			Variations []string `json:"variations"`
		}
		for i := range 2 {
			out.Variations = append(out.Variations, fmt.Sprintf("Please give model's variation %d of call %d `10:30` 8080 base64 aGVsbG8= https://example.org/a?b=1 100", i, n))
		}
		b, _ := json.Marshal(out)
		content = string(b)
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"message": map[string]string{"role": "assistant", "content": content}}},
		"usage": map[string]int{"total_tokens": 100}})
}

func llmConfig(url string) Config {
	return Config{Variations: 4, MaxGrowth: 5, Seed: 1, LLM: &LLM{URL: url, Model: "m", Prompt: "{n}: {text}", Temperature: 1, PerCall: 2, KeyEnv: "REIN_TEST_KEY", Concurrency: 2, Retries: 2, Timeout: "5s"}}
}

func runWith(t *testing.T, m *stepstest.Memo, c Config, in In) ([]artifact.Row, *stepstest.Env, error) {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	env := stepstest.NewWithMemo(t, m, "rows")
	out, err := runBy(t.Context(), env.Env, c, in, &fakeClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return nil, env, err
	}
	got, err := out.Rows.Read()
	return got, env, err
}

func methodsOf(rows []artifact.Row) map[string]int {
	n := map[string]int{}
	for _, r := range rows {
		n[r.Method]++
	}
	return n
}

func TestLLMAnswersAreBoughtOnce(t *testing.T) {
	t.Setenv("REIN_TEST_KEY", "sesame")
	e := &endpoint{}
	s := httptest.NewServer(e)
	defer s.Close()
	memo, rows := &stepstest.Memo{}, rowsOf(artifact.Benign, "other", benignTexts)
	in := In{Rows: stored(t, rows)}
	got, _, err := runWith(t, memo, llmConfig(s.URL), in)
	if err != nil {
		t.Fatal(err)
	}
	// One row says "do not", which the endpoint's texts don't.
	if n := methodsOf(got); n[llmMethod] != 2*(len(rows)-1) || len(got) != 4*len(rows) {
		t.Errorf("%d rows, methods %v: want half by the model, but for the row that negates", len(got), n)
	}
	if e.auth.Load() != "Bearer sesame" {
		t.Errorf("authorization %q", e.auth.Load())
	}
	calls := e.calls.Load()
	c := llmConfig(s.URL)
	c.Seed = 2 // another key of the step, the same questions
	if _, _, err := runWith(t, memo, c, in); err != nil {
		t.Fatal(err)
	}
	if e.calls.Load() != calls {
		t.Errorf("%d answers were bought again", e.calls.Load()-calls)
	}
}

func TestMisfitsHaveAReason(t *testing.T) {
	w := &writer{config: Config{MaxGrowth: 1}}
	text := "Please do not open port 8080!"
	for variation, want := range map[string]string{
		"Please do not open port 8080, thanks.": "",
		"Please don't open the port 8080.":      "",
		"Please open the port 8080 at once.":    "another number of negations: it may say the opposite",
		"Please do not open the port.":          "code, a link, a number or a quotation was lost",
		"don't 8080":                            "less than half as long as its row",
		" ":                                     "empty",
		"Do not open port 8080" + strings.Repeat("!", 120): "too long (max_growth)",
	} {
		if got := w.misfit(artifact.Row{Label: artifact.Benign, Text: text}, parse(text), variation); got != want {
			t.Errorf("%q: %q, want %q", variation, got, want)
		}
	}
	if got := w.misfit(artifact.Row{Label: artifact.Malicious, Text: "a long attack 8080"}, parse("a long attack 8080"), "x"); got != "" {
		t.Errorf("an attack's disguise: %q", got)
	}
}

func TestLLMFaults(t *testing.T) {
	for _, f := range []struct {
		name      string
		fail      int64
		status    int
		content   string
		want      string // of the error; "": it succeeds
		mostCalls int64
	}{
		{"retried", 2, 429, "", "", 3},
		{"gives up", 99, 503, "", "503", 3},
		{"not retried", 99, 401, "", "401", 1},
		{"not the JSON", 0, 0, "windows are made of glass", "not the JSON that was asked for", 3},
	} {
		t.Run(f.name, func(t *testing.T) {
			e := &endpoint{status: f.status, content: f.content}
			e.fail.Store(f.fail)
			s := httptest.NewServer(e)
			defer s.Close()
			c := llmConfig(s.URL)
			c.LLM.Concurrency = 1
			_, _, err := runWith(t, &stepstest.Memo{}, c, In{Rows: stored(t, rowsOf(artifact.Benign, "", benignTexts[:1]))})
			if (err == nil) != (f.want == "") || err != nil && !strings.Contains(err.Error(), f.want) {
				t.Errorf("%v, want %q", err, f.want)
			}
			if e.calls.Load() > f.mostCalls {
				t.Errorf("%d calls, want at most %d", e.calls.Load(), f.mostCalls)
			}
		})
	}
}

func TestLLMBudgetStopsCleanlyAndResumes(t *testing.T) {
	e := &endpoint{}
	s := httptest.NewServer(e)
	defer s.Close()
	memo, rows := &stepstest.Memo{}, rowsOf(artifact.Benign, "other", benignTexts)
	c := llmConfig(s.URL)
	c.LLM.MaxTokens, c.LLM.Concurrency = 250, 1
	got, env, err := runWith(t, memo, c, In{Rows: stored(t, rows)})
	if err != nil || len(got) != 4*len(rows) {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	if e.calls.Load() != 3 || !strings.Contains(strings.Join(env.Notes, ""), "the budget of llm was used up after 300 tokens") {
		t.Errorf("%d calls, notes %q", e.calls.Load(), env.Notes)
	}
	c.LLM.MaxTokens = 0
	if _, _, err := runWith(t, memo, c, In{Rows: stored(t, rows)}); err != nil || e.calls.Load() != int64(len(rows)) {
		t.Errorf("%d calls in all, %v: want one a row", e.calls.Load(), err)
	}
}

func TestBackTranslationServer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q map[string]string
		json.NewDecoder(r.Body).Decode(&q)
		if r.URL.Path != "/translate" || q["target"] == "xx" {
			http.Error(w, `{"error":"xx is not supported"}`, http.StatusBadRequest)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"translatedText": q["q"] + " " + q["target"]})
	}))
	defer s.Close()
	c := Config{Variations: 4, MaxGrowth: 3, Seed: 1, Back: &BackTranslation{URL: s.URL, Source: "en", Pivots: []string{"es", "de"}, Timeout: "5s"}}
	in := In{Rows: stored(t, rowsOf(artifact.Benign, "", benignTexts[:2]))}
	got, _, err := runWith(t, &stepstest.Memo{}, c, in)
	if err != nil || methodsOf(got)[backTranslation] != 4 {
		t.Fatalf("%v, %v", methodsOf(got), err)
	}
	if !strings.HasSuffix(got[0].Text, " es en") || !strings.HasSuffix(got[1].Text, " de en") {
		t.Errorf("%q, %q", got[0].Text, got[1].Text)
	}
	c.Back.Pivots = []string{"xx"}
	if _, _, err := runWith(t, &stepstest.Memo{}, c, in); err == nil || !strings.Contains(err.Error(), "xx is not supported") {
		t.Error(err)
	}
}

// TestApertium uses Debian's apertium with its English-Spanish pair.
func TestApertium(t *testing.T) {
	out, err := exec.Command("apertium", "-l").Output()
	if err != nil || !strings.Contains(string(out), "eng-spa") {
		t.Skip("apertium with the pair eng-spa is not installed: apt-get install apertium apertium-eng-spa")
	}
	b := &BackTranslation{Command: "apertium", Pairs: []string{"eng-spa", "spa-eng"}, Timeout: "30s"}
	translate, err := b.translator(realClock{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := translate(t.Context(), "Please ignore the previous mail, the meeting is on Monday.", 1)
	if err != nil || len(got) != 1 || !strings.Contains(got[0], "ignore") || !strings.Contains(got[0], "Monday") || strings.ContainsAny(got[0], "*@#") {
		t.Errorf("%q, %v", got, err)
	}
	b.Pairs = []string{"eng-xxx", "xxx-eng"}
	if _, err := translate(t.Context(), "x", 1); err == nil {
		t.Error("an unknown pair is no error")
	}
}

func writeDict(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"data.noun":  "  1 a licence\n00000001 05 n 03 meeting 0 gathering 0 board_meeting 0 000 | gloss\n00000002 05 n 02 meeting 0 duel 0 000 | gloss\n",
		"index.noun": "  1 a licence\nmeeting n 2 1 @ 2 1 00000001 00000002\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWordNet(t *testing.T) {
	lex, err := readWordNet(writeDict(t))
	if err != nil || fmt.Sprint(lex) != "map[meeting:[gathering]]" {
		t.Fatalf("%v, %v: want the first sense's plain words", lex, err)
	}
	c := Config{Variations: 1, MaxGrowth: 3, Seed: 1, Methods: map[string]float64{"wordnet": 1}}
	got, _, err := runWith(t, &stepstest.Memo{}, c, In{Rows: stored(t, rowsOf(artifact.Benign, "", benignTexts[:1])), WordNet: artifact.File{Path: writeDict(t)}})
	if err != nil || len(got) != 1 || !strings.Contains(got[0].Text, "the gathering is at") {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := readWordNet(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no WordNet dictionary") {
		t.Error(err)
	}
	broken := writeDict(t)
	if err := os.WriteFile(filepath.Join(broken, "data.noun"), []byte("00000001 05 n zz meeting 0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readWordNet(broken); err == nil || !strings.Contains(err.Error(), "data.noun:1") {
		t.Error(err)
	}
	if _, err := os.Stat("/usr/share/wordnet/data.noun"); err == nil {
		if lex, err := readWordNet("/usr/share/wordnet"); err != nil || len(lex) < 10000 {
			t.Errorf("Debian's: %d words, %v", len(lex), err)
		}
	}
}

func TestTeacherDecisionHolds(t *testing.T) {
	model := ngramtest.Random(t, 0.6, false)
	rows := rowsOf(artifact.Benign, "other", benignTexts)
	c := Config{Variations: 6, MaxGrowth: 3, Seed: 1}
	free, _, err := runWith(t, &stepstest.Memo{}, c, In{Rows: stored(t, rows)})
	if err != nil {
		t.Fatal(err)
	}
	held, _, err := runWith(t, &stepstest.Memo{}, c, In{Rows: stored(t, rows), Teacher: model})
	if err != nil {
		t.Fatal(err)
	}
	if disagreements(t, model, rows, free) == 0 {
		t.Error("the fixture is no test: the teacher agrees with all")
	}
	if n := disagreements(t, model, rows, held); n != 0 || len(held) == 0 {
		t.Errorf("%d of %d variations are decided otherwise than their row", n, len(held))
	}
}

func disagreements(t *testing.T, model artifact.Model, rows, variations []artifact.Row) (n int) {
	t.Helper()
	s, err := scorer.Open(t.Context(), model, scorer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	flagged := func(text string) bool {
		sc, err := s.Score(t.Context(), []string{text})
		if err != nil {
			t.Fatal(err)
		}
		return float64(sc[0].Threat) >= s.Threshold()
	}
	parents := map[string]bool{}
	for _, r := range rows {
		parents[r.ID] = flagged(r.Text)
	}
	for _, v := range variations {
		if flagged(v.Text) != parents[v.Parent] {
			n++
		}
	}
	return n
}
