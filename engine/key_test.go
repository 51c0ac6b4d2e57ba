package engine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rein/cache"
)

func facts(t interface {
	Helper()
	Fatal(...any)
}, d Description) []string {
	t.Helper()
	fs, err := keyFacts(d)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestKeyText(t *testing.T) {
	d := Description{Type: "augment", Version: 3, Unkeyed: []string{"device", "model.threads"}, Sensitive: []string{"token"},
		Config: json.RawMessage(`{"variations":8,"device":"cpu","token":"hunter2","big":9007199254740993,
			"model":{"threads":4,"depth":6},"list":["a","b c"],"none":[],"empty":{},"odd.name":{"x y":null}}`),
		Fingerprints: map[string]string{"gomlx": "v0.28.5"}}
	in := []string{inputLine("rows", 0, cache.Blob{Digest: cache.Sum(nil), Size: 12}, "a b.csv")}
	text, digest := keyOf(facts(t, d), in)
	secret := ""
	for line := range strings.Lines(text) {
		if s, ok := strings.CutPrefix(line, "config token "); ok {
			secret = strings.TrimSpace(s)
		}
	}
	want := `rein key 1
type "augment" 3
config big 9007199254740993
config empty {}
config list[0] "a"
config list[1] "b c"
config model.depth 6
config none []
config "odd.name"."x y" null
config token ` + secret + `
config variations 8
fingerprint gomlx "v0.28.5"
input rows[0] file af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262 12 "a b.csv"
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
	if digest != cache.Sum([]byte(text)) {
		t.Error("the ActionID is not the hash of the text")
	}
	if strings.Contains(text, "hunter2") || !strings.Contains(secret, "sensitive ") {
		t.Errorf("the secret's line is %s", secret)
	}
	d.Config = json.RawMessage(strings.Replace(string(d.Config), "hunter2", "hunter3", 1))
	if other, _ := keyOf(facts(t, d), in); other == text {
		t.Error("another secret has the same key")
	}
}

// Two configs have one key only if they are one config: no label or value can pass for another.
func TestKeysDontCollide(t *testing.T) {
	leaf := rapid.OneOf(
		rapid.Map(rapid.StringMatching(`[a\n" .\[\]0{}]{0,4}`), func(s string) any { return s }),
		rapid.Map(rapid.IntRange(0, 3), func(i int) any { return i }),
		rapid.Just[any](nil), rapid.Just[any](true))
	value := rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return rapid.SliceOfN(leaf, 0, 3).Draw(t, "list")
		case 1:
			return rapid.MapOfN(rapid.StringMatching(`[a.\[\]0" ]{0,3}`), leaf, 0, 3).Draw(t, "map")
		}
		return leaf.Draw(t, "leaf")
	})
	config := rapid.MapOfN(rapid.StringMatching(`[ab.\[\]0" ]{0,3}`), value, 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		a, b := config.Draw(t, "a"), config.Draw(t, "b")
		ja, _ := json.Marshal(a)
		jb, _ := json.Marshal(b)
		ka, _ := keyOf(facts(t, Description{Type: "x", Config: ja}), nil)
		kb, _ := keyOf(facts(t, Description{Type: "x", Config: jb}), nil)
		if (ka == kb) != (string(ja) == string(jb)) {
			t.Fatalf("%s\n%s\nhave keys\n%s\n%s", ja, jb, ka, kb)
		}
	})
}

func TestKeyDiff(t *testing.T) {
	base := Description{Type: "train", Version: 3, Config: json.RawMessage(`{"rate":0.1,"epochs":12}`), Fingerprints: map[string]string{"gomlx": "v1"}}
	blob := func(s string) cache.Blob { return cache.Blob{Digest: cache.Sum([]byte(s)), Size: int64(len(s))} }
	key := func(d Description, lines ...string) string {
		k, _ := keyOf(facts(t, d), lines)
		return k
	}
	short := func(s string) string { return cache.Sum([]byte(s)).Short() }
	old := key(base, inputLine("data", 0, blob("a"), "a.txt"), inputLine("data", 1, blob("b"), "b.txt"), inputLine("rows", 0, blob("r"), ""))
	for name, c := range map[string]struct {
		change func(d *Description) []string
		want   []string
	}{
		"config": {func(d *Description) []string {
			d.Config = json.RawMessage(`{"rate":0.2,"epochs":12,"seed":7}`)
			return nil
		}, []string{"rate 0.1 -> 0.2", "new: seed 7"}},
		"gone":    {func(d *Description) []string { d.Config = json.RawMessage(`{"rate":0.1}`); return nil }, []string{"gone: epochs 12"}},
		"version": {func(d *Description) []string { d.Version = 4; return nil }, []string{"step version 3 -> 4"}},
		"library": {func(d *Description) []string { d.Fingerprints = map[string]string{"gomlx": "v2"}; return nil }, []string{`library gomlx "v1" -> "v2"`}},
		"new file": {func(*Description) []string {
			return []string{inputLine("data", 0, blob("a"), "a.txt"), inputLine("data", 1, blob("n"), "aa.txt"), inputLine("data", 2, blob("b"), "b.txt"), inputLine("rows", 0, blob("r"), "")}
		}, []string{"new: input data aa.txt " + short("n") + " (file, 1 bytes)"}},
		"deleted file": {func(*Description) []string {
			return []string{inputLine("data", 0, blob("b"), "b.txt"), inputLine("rows", 0, blob("r"), "")}
		}, []string{"gone: input data a.txt " + short("a") + " (file, 1 bytes)"}},
		"content": {func(*Description) []string {
			return []string{inputLine("data", 0, blob("a"), "a.txt"), inputLine("data", 1, blob("b"), "b.txt"), inputLine("rows", 0, blob("rr"), "")}
		}, []string{"input rows " + short("r") + " (file, 1 bytes) -> " + short("rr") + " (file, 2 bytes)"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := base
			lines := c.change(&d)
			if lines == nil {
				lines = keyLines(old)[len(keyLines(old))-3:]
			}
			var got []string
			for _, ch := range diffKeys(old, key(d, lines...)) {
				got = append(got, ch.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if cs := diffKeys(old, old); len(cs) != 0 {
		t.Errorf("a key differs from itself: %v", cs)
	}
}

func TestInputSize(t *testing.T) {
	k := keyFormat + "\n" + inputLine("rows", 0, cache.Blob{Size: 10}, "") + "\n" + inputLine("odd port", 0, cache.Blob{Size: 5}, "x 7") + "\n"
	if got := inputSize(k); got != 15 {
		t.Error(got)
	}
}

func ExampleChange() {
	fmt.Println(Change{What: "config variations", Old: "8", New: "10"})
	// Output: variations 8 -> 10
}

func ExampleChange_Brief() {
	fmt.Println(Change{What: "input rows", Old: "c157a45783c4 (file, 6407879 bytes)", New: "e5abd0332d60 (file, 6001724 bytes)", From: "step.sampled.rows"}.Brief())
	fmt.Println(Change{What: "input add #2", Old: "a (file, 1 bytes)", New: "b (file, 1 bytes)", From: "step.attacks.rows"}.Brief())
	fmt.Println(Change{What: "input data a.txt", Old: "a (file, 1 bytes)"}.Brief())
	fmt.Println(Change{What: "config command[2]", Old: strings.Repeat("x", 90) + "wc -w", New: strings.Repeat("x", 90) + "wc -l"}.Brief())
	// Output:
	// input rows (step.sampled.rows) changed
	// input add (step.attacks.rows) changed
	// gone: input data a.txt
	// command[2] ...xxxxxxwc -w -> ...xxxxxxwc -l
}

func TestLogLinesThatSayMoreThanTheError(t *testing.T) {
	for name, c := range map[string]struct {
		err        string
		tail, want []string
	}{
		"of a program":        {"sh: exit status 3; its last lines:\n  b\n  c", []string{"a", "b", "c"}, nil},
		"of our own":          {"no rows", []string{"reading", "error: no rows"}, []string{"reading"}},
		"of several lines":    {"2 bad rows:\n  a.csv:3\n  a.csv:4", []string{"reading", "error: 2 bad rows:", "  a.csv:3", "  a.csv:4"}, nil},
		"of something unsaid": {"killed", []string{"a", "out of memory"}, []string{"a", "out of memory"}},
	} {
		if diff := cmp.Diff(c.want, unsaid(c.err, c.tail), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
