package augment

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The quick look for protected spans misses none.
func TestSpans(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", " ", "www.", "http://x", "http", "@", "m@x.de", "`c`", "```", "\"q\"", "{p}", "<t>", "7", "_", "/", "\\", "٣", "é", "."})
	rapid.Check(t, func(t *rapid.T) {
		s := ""
		for _, p := range rapid.SliceOf(piece).Draw(t, "pieces") {
			s += p
		}
		if diff := cmp.Diff(protected.FindAllStringIndex(s, -1), spans(s)); diff != "" {
			t.Fatal(diff)
		}
	})
}
