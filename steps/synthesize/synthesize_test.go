package synthesize

import (
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"rein/steps/artifact"
	"rein/steps/internal/text"
	"rein/steps/stats"
	"rein/steps/stepstest"
)

// full is the shipped configuration.
func full() Config {
	return Config{Seed: 1, Scale: 1, TrainBenign: 35634, TrainMalicious: 31682, Validation: 12000, Pool: 100000, TestBenign: 100000,
		TestMalicious: 10000, UnseenBenign: 8000, UnseenMalicious: 4000, TrainLookalikes: 0.015, PoolLookalikes: 0.049}
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
	held := func(in string, elsewhere ...string) {
		for source := range sources[in] {
			for _, other := range elsewhere {
				if sources[other][source] {
					t.Errorf("%s is in %s and in %s", source, in, other)
				}
			}
		}
	}
	held("train", "validation", "pool", "test", "unseen")
	held("validation", "pool", "test", "unseen")
	held("unseen", "pool", "test")
	if !maps.Equal(sources["pool"], sources["test"]) {
		t.Errorf("pool has %v, test %v: own traffic has the same sources", sources["pool"], sources["test"])
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
		if strings.Contains(name, "/") || name == "greeting" || name == "signoff" || name == "note" {
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

// Each family is a source like those of real data: ordinary rows, look-alikes and attacks that no other family has.
func TestFamilies(t *testing.T) {
	g, err := readGrammar(grammarFiles)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	machines, languages := 0, 0
	for _, r := range []role{training, choosing, own, reported} {
		for _, f := range g.of(r) {
			if names[f.name] || len(f.name) == 0 || f.share < 1 {
				t.Errorf("family %+v is there twice, or has no share", f)
			}
			names[f.name] = true
			if g[f.name+"/general"] == nil || len(f.strata) == 0 || len(f.attacks) == 0 {
				t.Errorf("%s: ordinary rows %v, look-alikes %v, attacks %v", f.name, g[f.name+"/general"] != nil, f.strata, f.attacks)
			}
			for _, s := range slices.Concat(f.strata, f.attacks) {
				if s.part == 0 {
					t.Errorf("%s: there is no kind %q", f.name, s.name)
				}
			}
			switch f.voice {
			case machine:
				machines++
				if !slices.ContainsFunc(f.attacks, func(s share) bool { return s.name == "indirect" }) {
					t.Errorf("%s: no attack inside its machinery", f.name)
				}
			case foreign:
				languages++
			}
		}
	}
	if len(names) < 24 || machines < 7 || languages < 3 {
		t.Errorf("%d families, %d of them machine traffic, %d other languages", len(names), machines, languages)
	}
	for name := range g {
		if of, _, ok := strings.Cut(name, "/"); ok && !names[of] && of != "dual" && of != "quote" {
			t.Errorf("list %q belongs to no family", name)
		}
	}
	byLine := map[string]string{}
	files, err := fs.Glob(grammarFiles, "grammar/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := fs.ReadFile(grammarFiles, file)
		if err != nil {
			t.Fatal(err)
		}
		of := ""
		for line := range strings.Lines(string(b)) {
			if m := heading().FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				of, _, _ = strings.Cut(m[1], "/")
			} else if names[of] && strings.TrimSpace(line) != "" {
				if other, ok := byLine[line]; ok && other != of {
					t.Errorf("%s and %s have the line %q", of, other, line)
				}
				byLine[line] = of
			}
		}
	}
}

// Shares of a whole are exact, whatever their number.
func TestPick(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.IntRange(1, 50), 1, 12).Draw(t, "parts")
		n := rapid.IntRange(0, 500).Draw(t, "n")
		of, whole := make([]family, len(parts)), 0
		for i, p := range parts {
			of[i].share, whole = p, whole+p
		}
		sum := 0
		for i, got := range portion(of, n) {
			sum += got
			if exact := float64(n*parts[i]) / float64(whole); math.Abs(float64(got)-exact) > 1 {
				t.Fatalf("part %d of %v is %d of %d, exactly %.2f", i, parts, got, n, exact)
			}
		}
		if sum != n {
			t.Fatalf("%d of %d", sum, n)
		}
	})
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
