package engine

import (
	"strings"
	"testing"

	"rein/cache"
)

// Keys come from an index that may be damaged: whatever they hold, comparing them ends, and says nothing of equal ones.
func FuzzDiffKeys(f *testing.F) {
	in := inputLine("rows", 0, cache.Blob{Digest: cache.Sum(nil), Size: 5}, "a b.csv")
	f.Add(keyFormat+"\ntype \"x\" 1\nconfig a.\"b c\" 8\n"+in+"\n", keyFormat+"\ntype \"x\" 2\nconfig a.\"b c\" 9\n")
	f.Add("", "\n\n \n\"")
	f.Add("input rows[0]\n", "input [\ninput\nconfig\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, c := range diffKeys(a, b) {
			if strings.Contains(c.String(), "\n") && !strings.Contains(a+b, "\n") {
				t.Errorf("%q", c)
			}
		}
		if cs := diffKeys(a, a); len(cs) > 0 {
			t.Errorf("%q differs from itself: %v", a, cs)
		}
		inputSize(a)
	})
}
