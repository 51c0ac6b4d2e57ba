package compare

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
)

// checkPlanned does the sums of the planned figures again. Their words are held against the figures themselves and against the rules that
// the file states.
func (r *Result) checkPlanned() []Contradiction {
	var out []Contradiction
	found := map[string]int{}
	for _, s := range r.Contenders() {
		for _, f := range []Finding{s.balanceWord(), s.daysDiffer(), r.costDiffers(s), r.poolDiffers(s), s.verdictDiffers(), r.savingDiffers(s)} {
			if f != nil {
				out = append(out, Contradiction{s.Name, f})
				found[content(f)]++
			}
		}
	}
	return ofAll(out, found, len(r.Contenders()))
}

// content tells findings apart.
func content(f Finding) string {
	b, _ := json.Marshal(f) // of numbers and names alone
	return f.Code() + string(b)
}

// ofAll tells once, of all strategies, what is wrong alike in every one.
func ofAll(list []Contradiction, found map[string]int, strategies int) []Contradiction {
	var out []Contradiction
	told := map[string]bool{}
	for _, c := range list {
		if key := content(c.Finding); strategies > 1 && found[key] == strategies {
			if told[key] {
				continue
			}
			c.Strategy, told[key] = "", true
		}
		out = append(out, c)
	}
	return out
}

// Fact is a planned figure.
func (s *Strategy) Fact(name string) (float64, bool) {
	v, ok := s.Planned[name].(float64)
	return v, ok
}

// Promised is the value that was promised for a metric.
func (s *Strategy) Promised(metric string) (float64, bool) {
	if e, ok := s.Expected[metric]; ok && e.Value != nil {
		return *e.Value, true
	}
	return 0, false
}

func (s *Strategy) balanceWord() Finding {
	share, ok := s.Fact("benign_share")
	word, okWord := s.Planned["balance"].(string)
	if !ok || !okWord || share >= 0.4 && share <= 0.6 {
		return nil
	}
	return BalanceWord{share, word}
}

func (s *Strategy) daysDiffer() Finding {
	var people float64
	for _, part := range []string{"data_days", "validation_days", "onnx_days"} {
		v, ok := s.Fact(part)
		if !ok {
			return nil
		}
		people += v
	}
	hours, _ := s.Fact("gpu_hours")
	total, ok := s.Fact("total_days")
	if with := people + hours/24; ok && math.Abs(total-with) > 0.26 && math.Abs(total-people) > 0.26 {
		return DaysDiffer{people, hours, total}
	}
	return nil
}

func (r *Result) costDiffers(s *Strategy) Finding {
	hours, okHours := s.Fact("gpu_hours")
	cost, okCost := s.Fact("cost_usd")
	if price := r.Assumptions.GPUHourPrice; okHours && okCost && math.Abs(hours*price-cost) > 0.5 {
		return CostDiffers{hours, price, cost}
	}
	return nil
}

// poolDiffers compares the number of false positives that the planned coverage implies with what the pool holds.
func (r *Result) poolDiffers(s *Strategy) Finding {
	share, ok := s.Fact("coverage")
	asked, okAsked := r.Variable(s, "false_positives")
	held, okHeld := s.Measured["available_fps"]
	if !ok || !okAsked || !okHeld || share <= 0 {
		return nil
	}
	if implied := asked / share; math.Abs(implied-held.Value) > 0.1*implied {
		return PoolDiffers{asked, share, held.Value}
	}
	return nil
}

// verdictDiffers holds the promised figures against the targets: does the planned verdict follow from them?
func (s *Strategy) verdictDiffers() Finding {
	verdict, ok := s.Planned["verdict"].(string)
	if !ok || !strings.HasPrefix(verdict, Approve) {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.Targets)) {
		v, ok := s.Promised(name)
		if !ok {
			continue
		}
		if g := Check(name, s.Targets[name], map[string]Figure{name: {Value: v}}); !g.Passed {
			return VerdictDiffers{g}
		}
	}
	return nil
}

// savingDiffers does the planned sum of money again: alarms avoided in a year times the price of one.
func (r *Result) savingDiffers(s *Strategy) Finding {
	avoided, ok := s.Fact("avoided_alarms")
	saving, okSaving := s.Fact("saving_usd")
	price := r.Assumptions.TicketCost
	if !ok || !okSaving || saving <= 0 || math.Abs(avoided*price-saving) <= 0.02*saving {
		return nil
	}
	return SavingDiffers{avoided, price, saving}
}
