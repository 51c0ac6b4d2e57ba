package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Draws holds bootstrap resamples of a set's figures, by metric. Two models that are measured on the same rows get the same resamples, so
// the differences between their draws are those of a paired bootstrap.
type Draws struct {
	Rows    map[string][]float64 `json:"rows"`    // resamples of rows: "recall_at_fp_0_5", "recall_at_fp_1", "recall_at_fp_2"
	Sources map[string][]float64 `json:"sources"` // resamples of whole sources: the same, and "fp_rate", "tp_rate", "f1_macro", "roc_auc"
	Benign  int                  `json:"benign_sources"`
	Attacks int                  `json:"malicious_sources"`
}

const (
	draws         = 500
	mostSources   = 400 // with more sources there are no draws of AUC: they need a table of sources by sources
	drawPrecision = 1e6
)

// equalRates lists the FP rates at which models are compared.
var equalRates = []struct {
	Metric string
	Rate   float64
}{{"recall_at_fp_0_5", 0.005}, {"recall_at_fp_1", 0.01}, {"recall_at_fp_2", 0.02}}

// ranked is what the draws need of one row.
type ranked struct {
	threat  float64
	source  int32
	row     int32 // index among the rows of the same label
	flagged bool
}

// drawer holds the rows of both labels, sorted by falling score, and draws resamples of them.
type drawer struct {
	rows    [2][]ranked // index 0 is benign, 1 is malicious, here and below
	sources int
	count   [2][]float64 // number of rows, by source
	flagged [2][]float64
	seed    uint64
}

func newDrawer(rows [2][]ranked, sources int, seed uint64) *drawer {
	d := &drawer{rows: rows, sources: sources, seed: seed}
	for l := range rows {
		d.count[l], d.flagged[l] = make([]float64, sources), make([]float64, sources)
		for _, r := range rows[l] {
			d.count[l][r.source]++
			if r.flagged {
				d.flagged[l][r.source]++
			}
		}
		slices.SortFunc(rows[l], func(a, b ranked) int { return cmp.Or(cmp.Compare(b.threat, a.threat), cmp.Compare(a.row, b.row)) })
	}
	return d
}

// all draws all resamples, of rows and of sources.
func (d *drawer) all() *Draws {
	out := &Draws{Rows: map[string][]float64{}, Sources: map[string][]float64{}}
	for s := range d.sources {
		if d.count[0][s] > 0 {
			out.Benign++
		}
		if d.count[1][s] > 0 {
			out.Attacks++
		}
	}
	for i := range uint64(draws) {
		d.recalls(out.Rows, float64(len(d.rows[0])), func(label int, r ranked) float64 { return poisson(d.seed, i, label, r.row) }, float64(len(d.rows[1])))
	}
	rng := rand.New(rand.NewPCG(d.seed, 0x50c))
	kinds, weights := d.kinds(), make([]float64, d.sources)
	table := d.below()
	for range draws {
		clear(weights)
		for _, k := range kinds {
			for range k {
				weights[k[rng.IntN(len(k))]]++
			}
		}
		d.bySource(out.Sources, weights, table)
	}
	return out
}

// kinds returns the sources with only benign rows, with only malicious rows, and with both. Every resample has as many sources of each kind
// as the data.
func (d *drawer) kinds() [3][]int {
	var out [3][]int
	for s := range d.sources {
		switch {
		case d.count[1][s] == 0:
			out[0] = append(out[0], s)
		case d.count[0][s] == 0:
			out[1] = append(out[1], s)
		default:
			out[2] = append(out[2], s)
		}
	}
	return out
}

func put(into map[string][]float64, metric string, v float64) {
	into[metric] = append(into[metric], math.Round(v*drawPrecision)/drawPrecision)
}

// recalls adds to into the recall at each of the equal FP rates in one resample. A row counts as often as weight says. benign and malicious
// are the total weights of the two labels.
func (d *drawer) recalls(into map[string][]float64, benign float64, weight func(label int, r ranked) float64, malicious float64) {
	above, sum, next := 0.0, 0.0, 0
	for _, e := range equalRates {
		for next < len(d.rows[0]) {
			w := weight(0, d.rows[0][next])
			if above+w > e.Rate*benign && w > 0 {
				break
			}
			above += w
			next++
		}
		limit := math.Inf(-1)
		if next < len(d.rows[0]) {
			limit = d.rows[0][next].threat // the threshold is above this score: its row would be one FP too many
		}
		sum = 0
		for _, r := range d.rows[1] {
			if r.threat <= limit {
				break
			}
			sum += weight(1, r)
		}
		put(into, e.Metric, math.Min(1, sum/malicious))
	}
}

// bySource adds every figure of one resample of sources to into. The rows of a source count as often as its weight says.
func (d *drawer) bySource(into map[string][]float64, weights []float64, table [][]float64) {
	var n, flagged [2]float64
	for l := range n {
		for s, w := range weights {
			n[l] += w * d.count[l][s]
			flagged[l] += w * d.flagged[l][s]
		}
	}
	put(into, "fp_rate", flagged[0]/n[0])
	put(into, "tp_rate", flagged[1]/n[1])
	tp, fp := flagged[1], flagged[0]
	put(into, "f1_macro", (2*tp/(tp+fp+n[1])+2*(n[0]-fp)/(n[0]-fp+n[1]-tp+n[0]))/2)
	d.recalls(into, n[0], func(_ int, r ranked) float64 { return weights[r.source] }, n[1])
	if table == nil {
		return
	}
	sum := 0.0
	for j, row := range table {
		if weights[j] == 0 || row == nil {
			continue
		}
		for i, v := range row {
			sum += weights[j] * weights[i] * v
		}
	}
	put(into, "roc_auc", sum/n[0]/n[1])
}

// below returns for each pair of sources in how many pairs of rows the malicious row of the first scores above the benign row of the
// second. Ties count half. It returns nil if there are more than mostSources sources.
func (d *drawer) below() [][]float64 {
	if d.sources > mostSources {
		return nil
	}
	table, under := make([][]float64, d.sources), make([]float64, d.sources)
	b := len(d.rows[0]) - 1
	for m := len(d.rows[1]) - 1; m >= 0; {
		at := d.rows[1][m].threat
		for ; b >= 0 && d.rows[0][b].threat < at; b-- {
			under[d.rows[0][b].source]++
		}
		equal := b
		for ; equal >= 0 && d.rows[0][equal].threat == at; equal-- {
			under[d.rows[0][equal].source] += 0.5
		}
		for ; m >= 0 && d.rows[1][m].threat == at; m-- {
			s := d.rows[1][m].source
			if table[s] == nil {
				table[s] = make([]float64, d.sources)
			}
			for i, n := range under {
				table[s][i] += n
			}
		}
		for ; b > equal; b-- {
			under[d.rows[0][b].source] += 0.5
		}
	}
	return table
}

// poisson returns how often a row is in a resample. It is distributed as Poisson(1) and depends only on its arguments, so every model gets
// the same resamples.
func poisson(seed, draw uint64, label int, row int32) float64 {
	x := seed ^ (draw+1)*0x9e3779b97f4a7c15 ^ (uint64(uint32(row))<<1|uint64(label))*0xbf58476d1ce4e5b9
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	u := float64((x^x>>31)>>11) / (1 << 53)
	k := 0
	for k < len(poissons) && u >= poissons[k] {
		k++
	}
	return float64(k)
}

// poissons holds the cumulative probabilities of Poisson(1) for 0, 1, 2, ...
var poissons = func() (sums [20]float64) {
	p, sum := math.Exp(-1), 0.0
	for k := range sums {
		if k > 0 {
			p /= float64(k)
		}
		sum += p
		sums[k] = sum
	}
	return sums
}()

// PairedDraws compares two models by their draws a and b. It returns the difference B minus A with a 95% interval, and the two-sided
// p-value. clusters is the number of sources that were drawn, or 0 if rows were drawn. The spread of draws over few sources is slightly too
// small: a factor corrects it, and Student's t replaces the normal distribution.
func PairedDraws(a, b []float64, valueA, valueB float64, clusters int) (Interval, float64) {
	d := valueB - valueA
	if len(a) != len(b) || len(a) < 2 || clusters == 1 {
		return Interval{d, -1, 1}, 1
	}
	diff := make([]float64, len(a))
	for i := range a {
		diff[i] = b[i] - a[i]
	}
	se := math.Sqrt(variance(diff))
	if se < 1/drawPrecision {
		if d == 0 {
			return Interval{0, 0, 0}, 1
		}
		return Interval{d, -1, 1}, 1
	}
	if clusters == 0 {
		return Interval{d, math.Max(-1, d-Z95*se), math.Min(1, d+Z95*se)}, math.Erfc(math.Abs(d/se) / math.Sqrt2)
	}
	n := float64(clusters)
	se *= math.Sqrt(n / (n - 1))
	half := studentQuantile(n-1) * se
	return Interval{d, math.Max(-1, d-half), math.Min(1, d+half)}, studentTail(d/se, n-1)
}

// studentTail returns the two-sided p-value of Student's t.
func studentTail(t, df float64) float64 { return betaInc(df/2, 0.5, df/(df+t*t)) }

// studentQuantile returns the t whose two-sided p-value is 5%.
func studentQuantile(df float64) float64 {
	low, high := 0.0, 1000.0
	for range 80 {
		if mid := (low + high) / 2; studentTail(mid, df) > 0.05 {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// BelowOverSources returns the confidence that a rate is under limit. high is the upper end of the rate's 95% interval over sources,
// clusters the number of sources.
func BelowOverSources(rate, high, limit float64, clusters int) float64 {
	df := float64(max(clusters, 2) - 1)
	se := (high - rate) / studentQuantile(df)
	if se <= 0 {
		se = 1 / drawPrecision
	}
	tail := studentTail((limit-rate)/se, df) / 2
	if rate > limit {
		return tail
	}
	return 1 - tail
}

// OverSources returns the figure i of the set with its 95% interval over sources. ok is false if there are too few sources, or if the
// metric has no draws.
func (s *Set) OverSources(metric string, i *Interval) (over Interval, ok bool) {
	if i == nil || s.Draws == nil {
		return Interval{}, false
	}
	return DrawnInterval(i.Value, s.Draws.Sources[metric], min(s.Draws.Benign, s.Draws.Attacks))
}

// DrawnInterval returns value with its 95% interval over sources, from draws of sources. It returns false if there are fewer than two draws
// or sources.
func DrawnInterval(value float64, draws []float64, clusters int) (Interval, bool) {
	if len(draws) < 2 || clusters < 2 {
		return Interval{}, false
	}
	n := float64(clusters)
	half := studentQuantile(n-1) * math.Sqrt(variance(draws)*n/(n-1))
	return Interval{value, math.Max(0, value-half), math.Min(1, value+half)}, true
}
