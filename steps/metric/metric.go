// Package metric defines the metrics that steps measure: their names, units, meanings, formulas, the direction in which they improve, and
// other names that people use. All code that reads or prints a metric's name uses this package, and docs/metrics.md is generated from it.
package metric

import (
	"slices"
	"strings"
	"sync"
)

// Unit says what a metric's value counts. It decides how the value is written.
type Unit string

// The units. A rate is a fraction from 0 to 1. A score is a number without a unit, usually from 0 to 1.
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

// The directions. Neither is for metrics that only describe, such as a number of rows.
const (
	Neither Better = iota
	Lower
	Higher
)

func (b Better) String() string { return [...]string{"–", "lower", "higher"}[b] }

// Metric is the definition of one metric.
type Metric struct {
	Name    string   // canonical name, as in results and JSON
	Label   string   // name for people: "FP rate"
	Aliases []string // other names that are accepted
	Unit    Unit
	Better  Better
	Meaning string
	Formula string // "" if the meaning is the formula
}

// variant describes the metrics that are named by a prefix or suffix on another metric's name.
type variant struct {
	affix, label, meaning string
	better                *Better // direction of the variant; nil: that of the other metric
}

var lower, neither = Lower, Neither

// prefixes name the rows that a metric is measured on.
var prefixes = []variant{
	{"own_", ", own traffic", "on held-out rows of the sources that the pool came from", nil},
	{"new_", ", new sources", "on rows of sources of which no row was trained on, mined, or used to choose anything", nil},
	{"unseen_", ", unseen sources", "on rows of the sources or generator families that were set aside", nil},
	{"seen_pool_", ", mined pool (seen)", "on the pool that false positives were mined from; the model has seen some of it", nil},
	{"validation_", ", validation", "on the validation rows, which chose the threshold", nil},
	{"edited_", ", edited", "on texts with the edits of the robustness step, the mean over all edits", nil},
}

// suffixes name a property of a metric, such as an end of its interval.
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

// Lookup finds a metric by its name, an alias or its label, with or without a prefix or suffix. The result has the canonical Name.
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
		if of, ok := strings.CutSuffix(p, plain(v.label)); ok && of != "" { // as in "FP rate, new sources"
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

// Canonical returns the name that a metric has in results. It returns an unknown name unchanged, because users' own steps may measure
// anything.
func Canonical(name string) string {
	if m, ok := Lookup(name); ok {
		return m.Name
	}
	return name
}

// By joins the name of a rate and that of a kind of slices: fp_rate_by_language.
const By = "_by_"

// SlicesOf returns the kinds of slices by which a rate is judged. Most metrics have none.
func SlicesOf(name string) []string {
	var out []string
	for _, m := range All {
		if kind, ok := strings.CutPrefix(m.Name, name+By); ok {
			out = append(out, kind)
		}
	}
	return out
}

// Names returns all canonical names without prefixes and suffixes, sorted.
func Names() []string {
	var out []string
	for _, m := range All {
		out = append(out, m.Name)
	}
	slices.Sort(out)
	return out
}

// plain returns a name in a form that can be compared: "FP rate" and "fp-rate" give fp_rate.
func plain(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	return plainly.Replace(name)
}

var plainly = strings.NewReplacer(" ", "_", "-", "_", ",", "")

// byName maps plain canonical names, labels and aliases to metrics. It is built at the first use, because most commands need none.
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
