package synthesize

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"rein/steps/artifact"
	"rein/steps/internal/text"
	"rein/steps/stats"
	"rein/steps/stepstest"
)

// full is the shipped configuration.
func full() Config {
	return Config{Seed: 1, Scale: 1, TrainBenign: 35634, TrainMalicious: 31682, Validation: 12000, Pool: 100000, TestBenign: 100000,
		TestMalicious: 10000, UnseenBenign: 8000, UnseenMalicious: 4000, TrainLookalikes: 0.015, PoolLookalikes: 0.055}
}

func corpus(t *testing.T, c Config) map[string][]artifact.Row {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	env := stepstest.New(t, "train", "validation", "pool", "test", "unseen")
	out, err := run(t.Context(), env.Env, c, In{})
	if err != nil {
		t.Fatal(err)
	}
	if len(env.Notes) > 0 {
		t.Errorf("notes: %q", env.Notes)
	}
	sets := map[string]artifact.Rows{"train": out.Train, "validation": out.Validation, "pool": out.Pool, "test": out.Test, "unseen": out.Unseen}
	rows := map[string][]artifact.Row{}
	for name, s := range sets {
		if rows[name], err = s.Read(); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// TestCorpus holds the built-in corpus to what is said of it, at full size.
func TestCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("at full size: not with -short")
	}
	sets := corpus(t, full())
	for name, want := range map[string][2]int{"train": {35634, 31682}, "pool": {100000, 0}, "test": {100000, 10000}, "unseen": {8000, 4000}} {
		n := map[string]int{}
		for _, r := range sets[name] {
			n[r.Label]++
		}
		if n[artifact.Benign] != want[0] || n[artifact.Malicious] != want[1] {
			t.Errorf("%s: %v, want %v", name, n, want)
		}
	}
	seen, sources := map[[16]byte]string{}, map[string]map[string]bool{}
	for name, rows := range sets {
		sources[name] = map[string]bool{}
		for _, r := range rows {
			k := text.Key(r.Text)
			if other, ok := seen[k]; ok {
				t.Errorf("%q is in %s and in %s", r.Text, other, name)
			}
			seen[k] = name
			sources[name][r.Source] = true
			if strings.Contains(r.Text, "%s") || r.Text != strings.TrimSpace(r.Text) || r.Text == "" {
				t.Errorf("%s: text %q", name, r.Text)
			}
		}
	}
	for s := range sources["unseen"] {
		if sources["train"][s] || sources["validation"][s] || sources["pool"][s] {
			t.Errorf("the unseen set uses %s, as others do", s)
		}
	}
	strata := map[string]int{}
	for _, r := range sets["pool"] {
		strata[r.Category]++
	}
	if strata["context manipulation"] < 2000 || strata["semantic jailbreak"] < 1000 || strata["obfuscated command"] < 800 || strata["other"] < 500 {
		t.Errorf("strata of the pool: %v", strata)
	}
	notAToy(t, "test", sets["test"])
	notAToy(t, "train", sets["train"])
}

// notAToy: neither the length nor any single word tells attacks from benign prompts.
func notAToy(t *testing.T, name string, rows []artifact.Row) {
	t.Helper()
	const limit = 0.75
	var lengths [2][]float64
	words, n := [2]map[string]int{{}, {}}, [2]int{}
	for _, r := range rows {
		class := 0
		if r.Label == artifact.Malicious {
			class = 1
		}
		n[class]++
		lengths[class] = append(lengths[class], float64(len(r.Text)))
		ws := text.Words(r.Text)
		slices.Sort(ws)
		for _, w := range slices.Compact(ws) {
			words[class][w]++
		}
	}
	auc := stats.AUC(lengths[1], lengths[0])
	if auc = max(auc, 1-auc); auc >= limit {
		t.Errorf("%s: length alone has an AUC of %.3f", name, auc)
	}
	best, word := 0.0, ""
	for class := range 2 {
		for w := range words[class] {
			d := float64(words[1][w])/float64(n[1]) - float64(words[0][w])/float64(n[0])
			if a := 0.5 + max(d, -d)/2; a > best {
				best, word = a, w
			}
		}
	}
	if best >= limit {
		t.Errorf("%s: the word %q alone has an AUC of %.3f", name, word, best)
	}
	t.Logf("%s: AUC of length alone %.3f, of the best word (%q) %.3f", name, auc, word, best)
}

func TestSeedDecides(t *testing.T) {
	small := full()
	small.Scale = 0.01
	first, again := corpus(t, small), corpus(t, small)
	small.Seed = 2
	other := corpus(t, small)
	for name := range first {
		if !slices.Equal(first[name], again[name]) {
			t.Errorf("%s: the same seed gave other rows", name)
		}
		if slices.Equal(first[name], other[name]) {
			t.Errorf("%s: another seed gave the same rows", name)
		}
	}
}

func TestGrammarMistakes(t *testing.T) {
	for want, content := range map[string]string{
		`a.txt:2: there is no list "b"`: "[a]\nx {b}\n",
		"a -> b -> a contains itself":   "[a]\n{b}\n[b]\n{a}\n",
		`list "a" is empty`:             "[a]\n",
		"belongs to no list":            "x\n",
		"is there twice":                "[a]\nx\n[a]\ny\n",
	} {
		_, err := readGrammar(fstest.MapFS{"grammar/a.txt": {Data: []byte(content)}})
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "b -> a -> b contains itself", "a -> b -> a contains itself"), want) {
			t.Errorf("%q: %v, want %s", content, err, want)
		}
	}
}

func TestGrammarIsWholeAndUsed(t *testing.T) {
	g, err := readGrammar(grammarFiles)
	if err != nil {
		t.Fatal(err)
	}
	used := map[*list]bool{}
	var use func(*list) error
	use = func(l *list) error {
		if !used[l] {
			used[l] = true
			for _, ln := range l.lines {
				if err := visitLine(ln, use); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for name, l := range g {
		if strings.Contains(name, "/") || name == "general" || name == "greeting" || name == "signoff" || name == "note" {
			if err := use(l); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, l := range g {
		if !used[l] {
			t.Errorf("list %q is never used", name)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, edit := range []func(*Config){
		func(c *Config) { c.Scale = 0 }, func(c *Config) { c.PoolLookalikes = 2 }, func(c *Config) { c.Pool = 0 }, func(c *Config) { c.UnseenBenign = -1 },
	} {
		c := full()
		edit(&c)
		if c.Validate() == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func BenchmarkCorpus(b *testing.B) {
	for b.Loop() {
		env := stepstest.New(b, "train", "validation", "pool", "test", "unseen")
		if _, err := run(b.Context(), env.Env, full(), In{}); err != nil {
			b.Fatal(err)
		}
	}
}
