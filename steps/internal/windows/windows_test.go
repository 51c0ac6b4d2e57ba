package windows

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/cache"
	"rein/steps/artifact"
	"rein/steps/internal/ngram"
)

// letters is a tokenizer with one token for each letter, between some special ones.
type letters struct{ before, after []int32 }

func (l letters) Encode(dst []int32, text string, limit int) []int32 {
	var body []int32
	for _, r := range text {
		body = append(body, r)
	}
	if n := len(l.before) + len(l.after); limit > 0 && len(body)+n > limit {
		body = body[:limit-n]
	}
	return slices.Concat(dst, l.before, body, l.after)
}

func (letters) Pad() int32           { return 0 }
func (letters) Size() int            { return 1 << 20 }
func (letters) Digest() cache.Digest { return cache.Digest{} }

// Every token of a text is in a window or counted as cut. A text that the model reads at once is read as without windows. Of a longer text,
// the first window is what would be read without windows.
func TestNothingIsCutSilently(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tok := letters{rapid.SampledFrom([][]int32{nil, {1}}).Draw(t, "before"), rapid.SampledFrom([][]int32{nil, {2}, {2, 3}}).Draw(t, "after")}
		limit := rapid.IntRange(len(tok.before)+len(tok.after)+1, 40).Draw(t, "limit")
		w := &artifact.Windows{Rule: Max, Overlap: rapid.IntRange(0, 50).Draw(t, "overlap"), Most: rapid.IntRange(2, 9).Draw(t, "most")}
		n := rapid.IntRange(0, 400).Draw(t, "letters")
		var b strings.Builder
		for i := range n {
			b.WriteRune(rune(0x4e00 + i)) // each character once
		}
		text := b.String()
		r := New(tok, limit, w)
		all := r.Windows(text)
		if !slices.Equal(all[0], tok.Encode(nil, text, limit)) {
			t.Fatalf("the first window is %v", all[0])
		}
		if len(all) > w.Most {
			t.Fatalf("%d windows, at most %d", len(all), w.Most)
		}
		read := map[int32]bool{}
		for _, ids := range all {
			if len(ids) > limit || !slices.Equal(ids[:len(tok.before)], tok.before) || !slices.Equal(ids[len(ids)-len(tok.after):], tok.after) {
				t.Fatalf("window %v", ids)
			}
			for _, id := range ids[len(tok.before) : len(ids)-len(tok.after)] {
				read[id] = true
			}
		}
		if got := r.Cut(text); got != n-len(read) {
			t.Fatalf("%d tokens are in no window, Cut says %d", n-len(read), got)
		}
		if n > 0 && !read[int32(0x4e00+n-1)] {
			t.Fatal("the end isn't read")
		}
		if cut := New(tok, limit, nil).Cut(text); cut != max(0, n+len(tok.before)+len(tok.after)-limit) {
			t.Fatalf("without windows %d tokens are cut", cut)
		}
	})
}

// counting is a tokenizer that counts the calls of Encode.
type counting struct {
	letters
	asked *int
}

func (c counting) Encode(dst []int32, text string, limit int) []int32 {
	*c.asked++
	return c.letters.Encode(dst, text, limit)
}

// If a text surely fits into the windows, Cut returns 0 without counting its tokens.
func TestCutTokenisesNoTextThatFits(t *testing.T) {
	asked := 0
	r := New(counting{letters{before: []int32{1}, after: []int32{2}}, &asked}, 12, &artifact.Windows{Rule: Max, Overlap: 3, Most: 4})
	for n, want := range map[int]int{0: 0, 10: 0, 11: 0, 31: 0, 32: 4, 50: 18} { // windows of 10 letters, each 7 after the one before
		before := asked
		if cut := r.Cut(strings.Repeat("a", n)); cut != want || (asked > before) != (n > 31) {
			t.Errorf("%d letters: %d cut, want %d; the tokenizer was asked %d times", n, cut, want, asked-before)
		}
	}
}

// A text's score follows the rule: the highest score of its windows, or the probability that at least one is an attack.
func TestRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.SliceOfN(rapid.Float32Range(-8, 8), 4, 4), 1, 9).Draw(t, "logits")
		var threats []float32
		benign := 1.0
		for _, r := range rows {
			p := slices.Clone(r)
			ngram.Softmax(p)
			threats = append(threats, ngram.Threat(p))
			benign *= float64(p[0])
		}
		for rule, want := range map[string]float64{Max: float64(slices.Max(threats)), NoisyOr: 1 - benign} {
			if len(rows) == 1 {
				want = float64(threats[0])
			}
			p := slices.Clone(Combine(rule, rows))
			ngram.Softmax(p)
			if got := float64(ngram.Threat(p)); math.Abs(got-want) > 1e-5 {
				t.Fatalf("%s: %v, want %v", rule, got, want)
			}
			if got := float64(Threat(rule, threats)); math.Abs(got-want) > 1e-5 {
				t.Fatalf("%s of threats: %v, want %v", rule, got, want)
			}
		}
	})
}

// Windows with a probability of 0 or 1 give finite logits.
func TestRulesAtTheEdges(t *testing.T) {
	for _, rows := range [][][]float32{{{-200, 200}, {-200, 200}}, {{200, -200}, {200, -200}}, {{200, -200}, {-200, 200}}} {
		for _, rule := range Rules {
			p := slices.Clone(Combine(rule, rows))
			ngram.Softmax(p)
			if v := ngram.Threat(p); v != v || v < 0 || v > 1 || (v > 0.5) != (rows[1][1] > 0) {
				t.Errorf("%v by %s: %v", rows, rule, v)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for _, w := range []*artifact.Windows{{Rule: "mean", Overlap: 1, Most: 4}, {Rule: Max, Overlap: -1, Most: 4}, {Rule: Max, Most: 1}} {
		if Check(w) == nil {
			t.Error(fmt.Sprint(*w), "passes")
		}
	}
	if err := Check(Default(128, NoisyOr)); err != nil || Check(nil) != nil {
		t.Error(err)
	}
}
