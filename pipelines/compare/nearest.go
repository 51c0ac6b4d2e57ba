package compare

import (
	"cmp"
	"math"
	"slices"
)

// mostNearest is how many fixed rows of a cluster are compared with the added rows.
const mostNearest = 40

// library indexes the added training rows by their words, to find the nearest of them. Only words that are asked for are kept.
type library struct {
	wanted  map[string][]int32 // word -> rows that have it
	methods []string           // by row
	lengths []float64          // by row: number of its distinct words
}

// want tells which words will be asked for.
func (l *library) want(tokens []string) {
	if l.wanted == nil {
		l.wanted = map[string][]int32{}
	}
	for _, t := range tokens {
		l.wanted[t] = nil
	}
}

// add takes an added row.
func (l *library) add(text, method string) {
	row, words := int32(len(l.methods)), tokens(text)
	for _, w := range words {
		if list, ok := l.wanted[w]; ok {
			l.wanted[w] = append(list, row)
		}
	}
	l.methods, l.lengths = append(l.methods, method), append(l.lengths, float64(len(words)))
}

// nearest is the method of the row that has most of the words, rare words counting more and long rows less; "" where no row
// has at least a quarter of their weight.
func (l *library) nearest(tokens []string) string {
	weights, all := map[int32]float64{}, 0.0
	for _, t := range tokens {
		rows := l.wanted[t]
		w := math.Log(float64(len(l.methods)+1) / float64(len(rows)+1))
		all += w
		if len(rows) > max(len(l.methods)/5, 50) {
			continue // it is in too many rows to tell them apart
		}
		for _, r := range rows {
			weights[r] += w
		}
	}
	best, most := int32(-1), 0.0
	for r, w := range weights {
		w /= math.Sqrt(l.lengths[r])
		if w > most || w == most && r < best {
			best, most = r, w
		}
	}
	if best < 0 || weights[best] < all/4 {
		return ""
	}
	return l.methods[best]
}

// byNearest counts, for each repair, the methods of the added rows that are nearest to its fixed rows.
func (l *library) byNearest(out []Repair, fixed [][][]string) {
	for i := range out {
		out[i].Nearest = map[string]int{}
		for _, tokens := range fixed[i] {
			out[i].Looked++
			if m := l.nearest(tokens); m != "" {
				out[i].Nearest[m]++
			}
		}
	}
}

// shares lists how many of the added rows each method wrote, most first. A method's share among the nearest rows is compared with it.
func (l *library) shares() []MethodShare {
	counts := map[string]int{}
	for _, m := range l.methods {
		counts[m]++
	}
	var out []MethodShare
	for m, n := range counts {
		out = append(out, MethodShare{m, float64(n) / float64(len(l.methods))})
	}
	slices.SortFunc(out, func(a, b MethodShare) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Method, b.Method))
	})
	return out
}

// MethodShare is a method's share of the added training rows.
type MethodShare struct {
	Method string
	Share  float64
}
