package compare

import (
	"fmt"
	"math"
	"slices"
)

// checkPlan does the plan's sums again. Its words are held against its own figures and against the rules that it states.
func (r *Result) checkPlan() []Finding {
	var out []Finding
	found := map[string]int{}
	for _, s := range r.Contenders() {
		for _, text := range []string{planBalance(s), planDays(s), r.planCost(s), planPool(s, r), planVerdict(s), r.planSaving(s)} {
			if text != "" {
				out = append(out, Finding{Strategy: s.Name, Text: text})
				found[text]++
			}
		}
	}
	return ofAll(out, found, len(r.Contenders()))
}

// ofAll says once, of the plan as a whole, what is wrong alike in every strategy.
func ofAll(list []Finding, found map[string]int, strategies int) []Finding {
	var out []Finding
	for _, f := range list {
		if strategies > 1 && found[f.Text] == strategies {
			if f.Strategy = ""; slices.Contains(out, f) {
				continue
			}
		}
		out = append(out, f)
	}
	return out
}

// Fact is a figure that the plan states.
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

func planBalance(s *Strategy) string {
	share, ok := s.Fact("benign_share")
	word, okWord := s.Planned["balance"].(string)
	if !ok || !okWord || share >= 0.4 && share <= 0.6 {
		return ""
	}
	return fmt.Sprintf("%.1f%% benign is not within 40-60%%; the plan calls it %q", 100*share, word)
}

func planDays(s *Strategy) string {
	var sum float64
	for _, part := range []string{"data_days", "validation_days", "onnx_days"} {
		v, ok := s.Fact(part)
		if !ok {
			return ""
		}
		sum += v
	}
	hours, _ := s.Fact("gpu_hours")
	total, ok := s.Fact("total_days")
	if with := sum + hours/24; ok && math.Abs(total-with) > 0.26 && math.Abs(total-sum) > 0.26 {
		return fmt.Sprintf("its parts add up to %.3g days (%.3g of people, %.3g h of training), its total says %.3g", with, sum, hours, total)
	}
	return ""
}

func (r *Result) planCost(s *Strategy) string {
	hours, okHours := s.Fact("gpu_hours")
	cost, okCost := s.Fact("cost_usd")
	if price := r.Assumptions.GPUHourPrice; okHours && okCost && math.Abs(hours*price-cost) > 0.5 {
		return fmt.Sprintf("%.3g GPU hours at $%.3g are $%.4g, the plan says $%.4g", hours, price, hours*price, cost)
	}
	return ""
}

// planPool compares the number of false positives that the plan's coverage implies with what the pool holds.
func planPool(s *Strategy, r *Result) string {
	share, ok := s.Fact("coverage")
	asked, okAsked := r.Variable(s, "false_positives")
	held, okHeld := s.Measured["available_fps"]
	if !ok || !okAsked || !okHeld || share <= 0 {
		return ""
	}
	if implied := asked / share; math.Abs(implied-held.Value) > 0.1*implied {
		return fmt.Sprintf("%s false positives at %.0f%% coverage mean a pool with %s of them; it holds %s", count(asked), 100*share, count(math.Round(implied)), count(held.Value))
	}
	return ""
}

// planVerdict holds the promised figures against the targets: does the plan's own verdict follow from them?
func planVerdict(s *Strategy) string {
	verdict, ok := s.Planned["verdict"].(string)
	if !ok || len(s.Expected) == 0 {
		return ""
	}
	approved := len(verdict) >= len(Approve) && verdict[:len(Approve)] == Approve
	promised := map[string]Figure{}
	for name := range s.Expected {
		if v, ok := s.Promised(name); ok {
			promised[name] = Figure{Value: v}
		}
	}
	for name, target := range s.Targets {
		if _, ok := promised[name]; !ok {
			continue
		}
		if g := Check(name, target, promised); !g.Passed && approved {
			return fmt.Sprintf("approved although the promised %s, %s, is not %s", label(name), g.Got, g.Wants)
		}
	}
	return ""
}

// planSaving does the plan's sum of money again: alarms avoided in a year times the price of one.
func (r *Result) planSaving(s *Strategy) string {
	avoided, ok := s.Fact("avoided_alarms")
	saving, okSaving := s.Fact("saving_usd")
	price := r.Assumptions.TicketCost
	if !ok || !okSaving || saving <= 0 || math.Abs(avoided*price-saving) <= 0.02*saving {
		return ""
	}
	return fmt.Sprintf("%s avoided alarms at $%.4g are $%s, not $%s, unless %s of them become tickets", count(avoided), price, count(math.Round(avoided*price)), count(saving), percent(saving/price/avoided))
}
