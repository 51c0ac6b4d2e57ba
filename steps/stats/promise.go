package stats

import (
	"cmp"
	"math"
	"slices"
)

// Promise says what a threshold that was chosen over sources guarantees for a new source. If the new source is drawn like the others, its
// FP rate is at most Limit with at least the given Probability.
type Promise struct {
	Limit       float64 `json:"limit"`
	Sources     int     `json:"sources"`     // number of sources that the threshold was chosen on
	Probability float64 `json:"probability"` // 0 means no promise
	Wanted      float64 `json:"wanted"`      // the Probability that was asked for
	Needs       int     `json:"needs"`       // number of sources that the wanted probability needs
}

// Kept tells whether the promise has the probability that was asked for.
func (p Promise) Kept() bool { return p.Probability >= p.Wanted-1e-9 }

// RowsOfSource returns the smallest number of benign rows that a source needs to have its own threshold for the FP rate limit. With fewer
// rows, a further row exceeds even the highest score with a probability above limit.
func RowsOfSource(limit float64) int {
	if limit <= 0 {
		return math.MaxInt
	}
	return max(1, int(math.Ceil(1/limit-1e-9))-1)
}

// SourceThreshold returns a source's own threshold: the lowest one that a further benign row of the source exceeds with a probability of at
// most limit. Among n exchangeable rows, a further row exceeds the k-th highest score with a probability of k/(n+1). Between two scores the
// threshold is interpolated. ok is false if the source has too few rows (see RowsOfSource).
func SourceThreshold(benign []float64, limit float64) (threshold float64, ok bool) {
	if len(benign) < RowsOfSource(limit) {
		return 0, false
	}
	sorted := slices.Clone(benign)
	slices.SortFunc(sorted, func(a, b float64) int { return cmp.Compare(b, a) })
	at := limit * float64(len(sorted)+1)
	k := min(int(at+1e-9), len(sorted)) // counts from 1
	v := sorted[k-1]
	if k < len(sorted) {
		v -= (v - sorted[k]) * math.Max(0, at-float64(k))
	}
	return math.Min(1, math.Nextafter(v, 2)), true
}

// OverSources returns a threshold at which the given share of new sources keep the FP rate limit. own holds the sources' own thresholds.
// The result is the k-th highest of the K thresholds, because the own threshold of a further exchangeable source exceeds it with a
// probability of at most k/(K+1). If there are too few sources for the share, the result is the highest threshold, and p says what that one
// promises. ok is false if there is no source.
func OverSources(own []float64, limit, share float64) (threshold float64, p Promise, ok bool) {
	n := len(own)
	p = Promise{Limit: limit, Sources: n, Wanted: share, Needs: SourcesNeeded(share)}
	if n == 0 {
		return 0, p, false
	}
	sorted := slices.Clone(own)
	slices.SortFunc(sorted, func(a, b float64) int { return cmp.Compare(b, a) })
	k := max(1, min(n, int((1-share)*float64(n+1)+1e-9)))
	p.Probability = 1 - float64(k)/float64(n+1)
	return sorted[k-1], p, true
}

// SourcesNeeded returns how many sources OverSources needs to make its promise for the given share of new sources.
func SourcesNeeded(share float64) int {
	if share >= 1 {
		return math.MaxInt32
	}
	return int(math.Ceil(1/(1-share)-1e-9)) - 1
}

// Kept says how many sources kept an FP rate limit, each judged alone. Sources with too few rows to show it (see RowsOfSource) don't count.
type Kept struct {
	Limit   float64 `json:"limit"`
	Sources int     `json:"sources"`
	At      Within  `json:"at_threshold"`
	Pooled  Within  `json:"at_own_traffic_threshold"` // at the threshold that all validation rows together would choose
}

// Within counts the sources that keep the limit at one threshold, or twice the limit.
type Within struct {
	Limit  int      `json:"within"`
	Twice  int      `json:"within_twice"`
	Worst  float64  `json:"worst"`   // highest FP rate of a source
	FPRate Interval `json:"fp_rate"` // of the rows of all sources together
}

// Flags counts the benign rows of a source: all of them, those flagged at the threshold (At), and those flagged at the threshold that all
// validation rows together would choose (Pooled).
type Flags struct{ Rows, At, Pooled int }

// Keeps counts the sources that keep limit. It returns nil if there are no rows.
func Keeps(sources map[string]*Flags, limit float64) *Kept {
	k := &Kept{Limit: limit}
	var n, at, pooled int
	for _, f := range sources {
		n, at, pooled = n+f.Rows, at+f.At, pooled+f.Pooled
		if f.Rows < RowsOfSource(limit) {
			continue
		}
		k.Sources++
		k.At.add(f.At, f.Rows, limit)
		k.Pooled.add(f.Pooled, f.Rows, limit)
	}
	if n == 0 {
		return nil
	}
	k.At.FPRate, k.Pooled.FPRate = Wilson(at, n), Wilson(pooled, n)
	return k
}

func (w *Within) add(flagged, rows int, limit float64) {
	rate := float64(flagged) / float64(rows)
	w.Worst = math.Max(w.Worst, rate)
	if rate <= limit {
		w.Limit++
	}
	if rate <= 2*limit {
		w.Twice++
	}
}
