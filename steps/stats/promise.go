package stats

import (
	"cmp"
	"math"
	"slices"
)

// Promise is what a threshold that was chosen over sources says of a further one: with the probability, its FP rate is at most
// the limit, if it is drawn as the sources were.
type Promise struct {
	Limit       float64 `json:"limit"`
	Sources     int     `json:"sources"`     // that the threshold rests on
	Probability float64 `json:"probability"` // 0: no promise
	Wanted      float64 `json:"wanted"`      // the probability that was asked for
	Needs       int     `json:"needs"`       // sources that it takes
}

// Kept tells whether the promise is the one that was asked for.
func (p Promise) Kept() bool { return p.Probability >= p.Wanted-1e-9 }

// RowsOfSource is the fewest benign rows with which a source shows an FP rate of limit: with fewer, its highest score is
// exceeded more often than that.
func RowsOfSource(limit float64) int {
	if limit <= 0 {
		return math.MaxInt
	}
	return max(1, int(math.Ceil(1/limit-1e-9))-1)
}

// SourceThreshold is a source's own threshold: the lowest that a further benign row of it exceeds with a probability of at
// most limit. Of n exchangeable rows, a further one exceeds the k-th highest with a probability of k/(n+1); between two of
// them the threshold is interpolated. !ok: the source has too few rows (RowsOfSource).
func SourceThreshold(benign []float64, limit float64) (threshold float64, ok bool) {
	if len(benign) < RowsOfSource(limit) {
		return 0, false
	}
	sorted := slices.Clone(benign)
	slices.SortFunc(sorted, func(a, b float64) int { return cmp.Compare(b, a) })
	at := limit * float64(len(sorted)+1)
	k := min(int(at+1e-9), len(sorted)) // from 1
	v := sorted[k-1]
	if k < len(sorted) {
		v -= (v - sorted[k]) * math.Max(0, at-float64(k))
	}
	return math.Min(1, math.Nextafter(v, 2)), true
}

// OverSources is the threshold that a share of new sources keeps, of the sources' own: the k-th highest of K, since a further
// exchangeable source's own threshold exceeds it with a probability of at most k/(K+1). Where there are too few sources for
// the share, it is the highest, which promises what it can. !ok: there is no source.
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

// SourcesNeeded is how many sources an order statistic needs to promise a share of further ones.
func SourcesNeeded(share float64) int {
	if share >= 1 {
		return math.MaxInt32
	}
	return int(math.Ceil(1/(1-share)-1e-9)) - 1
}

// Kept is how many sources kept a limit, each by itself. Sources with too few rows to show it (RowsOfSource) don't count.
type Kept struct {
	Limit   float64 `json:"limit"`
	Sources int     `json:"sources"`
	At      Within  `json:"at_threshold"`
	Pooled  Within  `json:"at_own_traffic_threshold"` // the one that all validation rows together choose
}

// Within counts sources at one threshold.
type Within struct {
	Limit  int      `json:"within"`
	Twice  int      `json:"within_twice"`
	Worst  float64  `json:"worst"`   // FP rate
	FPRate Interval `json:"fp_rate"` // of all their rows together
}

// Flags counts the benign rows of a source, and those that are flagged at the threshold and at the one of all validation rows
// together.
type Flags struct{ Rows, At, Pooled int }

// Keeps counts the sources that keep a limit.
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
