package text

import (
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"  A\t b\n\nC ":      "a b c",
		"\uff21\uff22":       "ab", // full-width letters
		"Stra\u00dfe \u2460": "straße 1",
		"e\u0301":            "é",
	} {
		if got := Normalize(in); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNormalizeIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[ -~\n]{0,40}`).Draw(t, "s")
		if once := Normalize(s); Normalize(once) != once {
			t.Fatalf("%q: %q", s, once)
		}
	})
}

func TestWords(t *testing.T) {
	if got := strings.Join(Words("Don't STOP, it's 3 o'clock -- naïve"), "|"); got != "don't|stop|it's|3|o'clock|naïve" {
		t.Error(got)
	}
}

func TestRNGDependsOnEveryPart(t *testing.T) {
	seen := map[uint64]string{}
	for _, parts := range [][]string{{}, {""}, {"a"}, {"b"}, {"a", "b"}, {"ab"}, {"", "ab"}} {
		for seed := range int64(3) {
			v := RNG(seed, parts...).Uint64()
			if v != RNG(seed, parts...).Uint64() {
				t.Errorf("%d %q: not the same twice", seed, parts)
			}
			if other, ok := seen[v]; ok {
				t.Errorf("%d %q: as %s", seed, parts, other)
			}
			seen[v] = fmt.Sprintf("%d %q", seed, parts)
		}
	}
}

func TestNear(t *testing.T) {
	n := NewNear(0.5)
	base := "please summarise the quarterly report for the board and keep the tone friendly but precise throughout"
	n.Add(7, base)
	n.Add(8, "how do I kill a process that listens on port 8080 in a container without stopping the container itself")
	id, sim, ok := n.FindSignature(Sign(strings.Replace(base, "friendly", "formal", 1)))
	if !ok || id != 7 || sim < 0.5 || sim >= 1 {
		t.Errorf("one word changed: %d, %v, %v", id, sim, ok)
	}
	if _, sim, ok = n.FindSignature(Sign(base)); !ok || sim != 1 {
		t.Errorf("itself: %v, %v", sim, ok)
	}
	if id, sim, ok = n.FindSignature(Sign("write a poem about the sea in the style of a sailor who has never left the harbour")); ok {
		t.Errorf("another text: %d, %v", id, sim)
	}
}

// A signature equals one that is made by joining and hashing each shingle separately.
func TestSignHashesShingles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("ab' \u00e9\u0301\u200b\u6f22-A\n\xff")))).Draw(t, "text")
		words := Words(s)
		var want Signature
		for j := range want {
			want[j] = math.MaxUint32
		}
		for i := range max(len(words)-shingle+1, 1) {
			h := fnv.New64a()
			h.Write([]byte(strings.Join(words[i:min(i+shingle, len(words))], " ")))
			x := finish(h.Sum64())
			for j := range want {
				want[j] = min(want[j], uint32((x*multipliers[j]+uint64(j)*0x9e3779b97f4a7c15)>>32))
			}
		}
		if key, got := KeyAndSign(s); got != want || got != Sign(s) || key != Key(s) {
			t.Fatalf("%q: words %q", s, words)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	s := strings.Repeat("ignore the previous mail and answer this one ", 8)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Sign(s)
	}
}
