// Package metric says what the figures are that steps measure: their names, units, meanings and formulas, which way is better, and
// the other names that people write. Everything that takes or prints the name of a metric asks here, and docs/metrics.md is made of it.
package metric

import (
	"slices"
	"strings"
	"sync"
)

// Unit is what a metric's value counts; it decides how the value is written.
type Unit string

// The units. A rate is a fraction from 0 to 1, a score a number without a unit, mostly from 0 to 1.
const (
	Rate    Unit = "rate"
	Score   Unit = "score"
	Count   Unit = "count"
	Millis  Unit = "ms"
	Seconds Unit = "s"
	Bytes   Unit = "bytes"
	PerSec  Unit = "per second"
)

// Better is the direction in which a metric improves.
type Better int

// The directions. Neither is a metric that only describes, such as a number of rows.
const (
	Neither Better = iota
	Lower
	Higher
)

func (b Better) String() string { return [...]string{"–", "lower", "higher"}[b] }

// Metric is what is known of one name.
type Metric struct {
	Name    string   // canonical: what steps report and JSON has
	Label   string   // for people: "FP rate"
	Aliases []string // other names that are taken for it
	Unit    Unit
	Better  Better
	Meaning string
	Formula string // "" where the meaning says it
}

// variant is a family of metrics with a word before or after another one's name.
type variant struct {
	affix, label, meaning string
	better                *Better // of the variant; nil: as of the figure itself
}

var lower, neither = Lower, Neither

// prefixes say on which rows a figure is measured.
var prefixes = []variant{
	{"own_", ", own traffic", "on held-out rows of the sources that the pool came from", nil},
	{"new_", ", new sources", "on rows of sources of which no row was trained on, mined, or used to choose anything", nil},
	{"unseen_", ", unseen sources", "on rows of the sources or generator families that were set aside", nil},
	{"seen_pool_", ", mined pool (seen)", "on the pool that false positives were mined from; the model has seen some of it", nil},
	{"validation_", ", validation", "on the validation rows, which chose the threshold", nil},
	{"edited_", ", edited", "on texts with the edits of the robustness step, the mean over all edits", nil},
}

// suffixes say what is told of a figure.
var suffixes = []variant{
	{"_sources_low", ", lower end of the interval over sources", "the lower end of the 95% interval over sources", nil},
	{"_sources_high", ", upper end of the interval over sources", "the upper end of the 95% interval over sources", nil},
	{"_low", ", lower end of the interval", "the lower end of the 95% interval", nil},
	{"_high", ", upper end of the interval", "the upper end of the 95% interval", nil},
	{"_mean", ", mean over seeds", "the mean over the seeds that were trained", nil},
	{"_spread", ", spread over seeds", "the standard deviation over the seeds that were trained", &lower},
	{"_worst", " (worst)", "under the edit that does most harm", nil},
	{"_change", ", change", "the difference that the conversion makes", &neither},
}

// Lookup finds a metric by its name, another name of it, or its label, with or without the words that say on which rows it is
// measured. The answer's Name is canonical.
func Lookup(name string) (Metric, bool) {
	if m, ok := byName()[plain(name)]; ok {
		return m, true
	}
	p := plain(name)
	if at, ok := strings.CutPrefix(p, "recall_at_fp_"); ok && strings.Trim(at, "0123456789_.") == "" && at != "" {
		m := byName()["recall_at_fp_1"]
		at = strings.ReplaceAll(at, "_", ".")
		m.Name, m.Label = "recall_at_fp_"+strings.ReplaceAll(at, ".", "_"), "recall at "+at+"% FP rate"
		m.Meaning = strings.ReplaceAll(m.Meaning, "1%", at+"%")
		return m, true
	}
	for _, v := range prefixes {
		if of, ok := strings.CutPrefix(p, v.affix); ok {
			if m, ok := Lookup(of); ok {
				m.Name, m.Label = v.affix+m.Name, m.Label+v.label
				m.Meaning = m.Meaning + ", " + v.meaning
				return m, true
			}
		}
		if of, ok := strings.CutSuffix(p, plain(v.label)); ok && of != "" { // "FP rate, new sources"
			if m, ok := Lookup(strings.TrimRight(of, "_")); ok {
				return Lookup(v.affix + m.Name)
			}
		}
	}
	for _, v := range suffixes {
		if of, ok := strings.CutSuffix(p, v.affix); ok {
			if m, ok := Lookup(of); ok {
				m.Name, m.Label = m.Name+v.affix, m.Label+v.label
				if v.better != nil {
					m.Better = *v.better
				}
				m.Meaning = v.meaning + " of: " + m.Meaning
				return m, true
			}
		}
	}
	return Metric{}, false
}

// Canonical is the name that a metric has in results; a name that isn't known stays as it is, since steps of anybody's measure
// what they like.
func Canonical(name string) string {
	if m, ok := Lookup(name); ok {
		return m.Name
	}
	return name
}

// By stands between the name of a rate and that of a kind of slices: fp_rate_by_language.
const By = "_by_"

// SlicesOf are the kinds of slices by which a rate is judged; none for most metrics.
func SlicesOf(name string) []string {
	var out []string
	for _, m := range All {
		if kind, ok := strings.CutPrefix(m.Name, name+By); ok {
			out = append(out, kind)
		}
	}
	return out
}

// Names are the canonical names without the words before and after them, sorted.
func Names() []string {
	var out []string
	for _, m := range All {
		out = append(out, m.Name)
	}
	slices.Sort(out)
	return out
}

// plain is a name as it is compared: "FP rate" and "fp-rate" are fp_rate.
func plain(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	return plainly.Replace(name)
}

var plainly = strings.NewReplacer(" ", "_", "-", "_", ",", "")

// byName finds a metric by its canonical name, its label or an alias, all plain. It is made at the first question: most commands
// ask none.
var byName = sync.OnceValue(func() map[string]Metric {
	out := map[string]Metric{}
	for _, m := range All {
		out[m.Name] = m
	}
	for _, m := range All {
		for _, a := range append([]string{m.Label}, m.Aliases...) {
			if _, taken := out[plain(a)]; !taken {
				out[plain(a)] = m
			}
		}
	}
	return out
})
