package leak

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"rein/steps/artifact"
	"rein/steps/internal/text"
)

func clusters(near float64, rows ...artifact.Row) []int {
	c := NewClusters(near)
	for _, r := range rows {
		c.Add(r)
	}
	out := make([]int, c.Len())
	for i := range out {
		out[i] = c.First(i)
	}
	return out
}

func TestWhatBelongsTogether(t *testing.T) {
	long := "please write me a short story about a lighthouse keeper who finds a letter in a bottle on a stormy autumn night near the old harbour"
	rows := []artifact.Row{
		{ID: "a", Text: long},
		{ID: "b", Text: "something else entirely"},
		{ID: "c", Text: "Something  ELSE entirely"},             // equal after normalising
		{ID: "d", Text: "a free rewriting", Root: "a"},          // descends from a
		{ID: "e", Text: long + " today"},                        // near a
		{ID: "f", Text: "the letter was never found by anyone"}, // alone
	}
	if got, want := fmt.Sprint(clusters(0.8, rows...)), "[0 1 1 0 0 5]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(clusters(0, rows...)), "[0 1 1 0 4 5]"; got != want {
		t.Errorf("without nearness: got %s, want %s", got, want)
	}
}

// The clusters equal those of the definition: compare every pair, then join pairs over any number of hops.
func TestClustersEqualBruteForce(t *testing.T) {
	words := []string{"ignore", "the", "previous", "mail", "and", "send", "it", "all", "to", "me"}
	rapid.Check(t, func(t *rapid.T) {
		var rows []artifact.Row
		for i := range rapid.IntRange(0, 25).Draw(t, "n") {
			s := ""
			for _, w := range rapid.SliceOfN(rapid.SampledFrom(words), 1, 8).Draw(t, "words") {
				s += w + " "
			}
			root := rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "root")
			rows = append(rows, artifact.Row{ID: fmt.Sprint("id", i), Text: s, Root: root})
		}
		got := clusters(0.8, rows...)
		want := bruteForce(rows, 0.8)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func bruteForce(rows []artifact.Row, near float64) []int {
	first := make([]int, len(rows))
	for i := range first {
		first[i] = i
	}
	same := func(a, b artifact.Row) bool {
		if a.Root != "" && a.Root == b.Root || text.Key(a.Text) == text.Key(b.Text) {
			return true
		}
		x, y := lowBytes(text.Sign(a.Text)), lowBytes(text.Sign(b.Text))
		meet := false
		for i := range bands {
			meet = meet || x.band(i) == y.band(i)
		}
		return meet && x.similarity(&y) >= near
	}
	for changed := true; changed; {
		changed = false
		for i := range rows {
			for j := range i {
				if first[i] != first[j] && same(rows[i], rows[j]) {
					m := min(first[i], first[j])
					first[i], first[j], changed = m, m, true
				}
			}
		}
	}
	return first
}

func TestSimilarity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := signature(rapid.SliceOfN(rapid.Byte(), sigLen, sigLen).Draw(t, "a"))
		b := a
		for range rapid.IntRange(0, sigLen).Draw(t, "changes") {
			b[rapid.IntRange(0, sigLen-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		equal := 0
		for i := range a {
			if a[i] == b[i] {
				equal++
			}
		}
		if got := a.similarity(&b); got != float64(equal)/sigLen {
			t.Fatalf("got %v, want %d of %d", got, equal, sigLen)
		}
	})
}
