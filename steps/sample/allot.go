package sample

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Allot divides size rows among strata. available gives the number of rows of each stratum. The division follows shares or, without shares,
// the numbers of rows. It rounds by largest remainder, so the parts add up exactly. A stratum with fewer rows than its part gives all of
// them; the missing rows come from the other strata, in proportion to what they have left. Strata without a share come last.
func Allot(size int, available map[string]int, shares map[string]float64) (quota map[string]int, notes []string) {
	quota = map[string]int{}
	total := 0
	for _, n := range available {
		total += n
	}
	if total < size {
		notes = append(notes, fmt.Sprintf("asked for %d rows, there are %d: all are taken", size, total))
		return maps.Clone(available), notes
	}
	wanted := shares
	if len(wanted) == 0 {
		wanted = proportions(available)
	}
	short := 0
	for s, n := range parts(size, wanted) {
		quota[s] = min(n, available[s])
		short += n - quota[s]
		if n > available[s] {
			notes = append(notes, fmt.Sprintf("stratum %s: %d rows are its share, there are %d; the others fill in", name(s), n, available[s]))
		}
	}
	slices.Sort(notes)
	for _, named := range []bool{true, false} { // strata with a share fill up first
		left := map[string]int{}
		for s, n := range available {
			if _, ok := wanted[s]; ok == named && n > quota[s] {
				left[s] = n - quota[s]
			}
		}
		short -= fill(quota, left, short)
	}
	return quota, notes
}

// fill takes n more rows from the strata, in proportion to what they have left. It returns how many it could take.
func fill(quota, left map[string]int, n int) int {
	room := 0
	for _, l := range left {
		room += l
	}
	n = min(n, room)
	if n == 0 {
		return 0
	}
	given := 0
	for s, k := range parts(n, proportions(left)) {
		k = min(k, left[s])
		quota[s], left[s] = quota[s]+k, left[s]-k
		given += k
	}
	for _, s := range sorted(left) { // rounding may have asked a stratum for one row more than it had
		k := min(n-given, left[s])
		quota[s] += k
		given += k
	}
	return given
}

func proportions(sizes map[string]int) map[string]float64 {
	total := 0
	for _, n := range sizes {
		total += n
	}
	out := map[string]float64{}
	for s, n := range sizes {
		out[s] = float64(n) / float64(total)
	}
	return out
}

// parts divides size by the shares. It rounds by largest remainder, so that the parts add up to size.
func parts(size int, shares map[string]float64) map[string]int {
	var sum float64
	for _, s := range sorted(shares) {
		sum += shares[s]
	}
	type part struct {
		name string
		rest float64
	}
	out, given := map[string]int{}, 0
	var rests []part
	for _, s := range sorted(shares) {
		exact := float64(size) * shares[s] / sum
		n := int(math.Floor(exact + 1e-9))
		out[s] = n
		given += n
		rests = append(rests, part{s, exact - float64(n)})
	}
	slices.SortStableFunc(rests, func(a, b part) int { return cmp.Compare(b.rest, a.rest) })
	for i := range size - given {
		out[rests[i%len(rests)].name]++
	}
	return out
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// name returns a stratum's name for messages.
func name(s string) string {
	if s == "" {
		return "(none)"
	}
	return fmt.Sprintf("%q", s)
}
