package compare

import (
	"encoding/json"
	"strings"
)

// Assumptions are the values on which every sum of money rests and that can't be measured. A variable of the same name in the strategies
// replaces the default.
type Assumptions struct {
	PromptsPerDay float64 `json:"prompts_per_day"`
	BenignShare   float64 `json:"benign_traffic"` // of the prompts
	TicketShare   float64 `json:"ticket_share"`   // share of alarms that somebody has to look at
	TicketCost    float64 `json:"ticket_cost"`    // USD
	GPUHourPrice  float64 `json:"gpu_hour_price"` // USD
	CPUHourPrice  float64 `json:"cpu_hour_price"` // USD
}

// DefaultAssumptions are used if the strategies don't set any.
func DefaultAssumptions() Assumptions {
	return Assumptions{PromptsPerDay: 1_000_000, BenignShare: 0.99, TicketShare: 0.001, TicketCost: 20, GPUHourPrice: 10, CPUHourPrice: 0.10}
}

// assume sets the assumptions: the caller's, or the defaults and the strategies' variables of these names.
func (r *Result) assume(in Input) {
	if in.Assumptions != nil {
		r.Assumptions, r.traffic = *in.Assumptions, true
		return
	}
	a := DefaultAssumptions()
	for name, to := range map[string]*float64{"prompts_per_day": &a.PromptsPerDay, "benign_traffic": &a.BenignShare, "ticket_share": &a.TicketShare,
		"ticket_cost": &a.TicketCost, "gpu_hour_price": &a.GPUHourPrice, "cpu_hour_price": &a.CPUHourPrice} {
		for i, s := range r.Strategies {
			var v float64
			if json.Unmarshal(r.detail[s.Name].meta.Variables[name].Value, &v) != nil {
				continue
			}
			if i > 0 && v != *to {
				r.Notes = append(r.Notes, OtherAssumption{name, s.Name, v})
			}
			*to = v
		}
	}
	for _, s := range r.Strategies {
		r.traffic = r.traffic || given(r.detail[s.Name].meta.Variables["prompts_per_day"])
	}
	r.Assumptions = a
}

// Business is what a strategy changes for the people who look at alarms, compared with the baseline.
type Business struct {
	BaselinePerDay Figure  `json:"baseline_per_day"` // false alarms before
	AlarmsPerDay   Figure  `json:"alarms_per_day"`   // and after
	AvoidedPerDay  Figure  `json:"avoided_per_day"`  // tested as paired
	SavedPerDay    Figure  `json:"saved_per_day"`    // USD
	BaselineYearly Figure  `json:"baseline_per_year"`
	AlarmsPerYear  Figure  `json:"alarms_per_year"`
	AvoidedPerYear Figure  `json:"avoided_per_year"`
	SavedPerYear   Figure  `json:"saved_per_year"`
	TrainingCost   float64 `json:"training_cost"` // USD, of the measured time at the stated price
}

// business works the impact out; nil where a rate isn't measured, nobody has said how many prompts there are, or the difference
// from the baseline isn't shown: sums of money would be made of nothing. The interval of the difference is the paired one where
// the two were tested on the same rows.
func (r *Result) business(s *Strategy) *Business {
	fp, ok := s.Measured["fp_rate"]
	if !ok || !r.traffic {
		return nil
	}
	if t := r.TestOf(BaselineName, s.Name, "fp_rate"); t == nil || t.Conclusion != Better && t.Conclusion != Worse && t.Conclusion != OtherThreshold {
		return nil
	}
	perDay := r.Assumptions.PromptsPerDay * r.Assumptions.BenignShare
	b := &Business{AlarmsPerDay: fp.scale(perDay), AlarmsPerYear: fp.scale(perDay * daysPerYear), TrainingCost: r.Cost(s)}
	base, ok := r.Baseline.Measured["fp_rate"]
	if !ok {
		return b
	}
	avoided := Figure{Value: base.Value - fp.Value} // of the models that are used; over seeds, of their means
	if t := r.TestOf(BaselineName, s.Name, "fp_rate"); t != nil && t.Decided().Low != nil {
		avoided = t.Decided().turned()
	}
	b.BaselinePerDay, b.AvoidedPerDay = base.scale(perDay), avoided.scale(perDay)
	b.SavedPerDay = b.AvoidedPerDay.scale(r.Assumptions.TicketShare * r.Assumptions.TicketCost)
	b.BaselineYearly, b.AvoidedPerYear, b.SavedPerYear = b.BaselinePerDay.scale(daysPerYear), b.AvoidedPerDay.scale(daysPerYear), b.SavedPerDay.scale(daysPerYear)
	return b
}

const daysPerYear = 365

func onGPU(device string) bool {
	return strings.Contains(device, "cuda") || strings.Contains(device, "gpu")
}

// Cost is the price of the strategy's own measured time: GPU hours if a GPU trained, otherwise CPU hours.
func (r *Result) Cost(s *Strategy) float64 {
	var sum float64
	for _, t := range s.Steps {
		if t.Shared {
			continue
		}
		price := r.Assumptions.CPUHourPrice
		if onGPU(t.Device) {
			price = r.Assumptions.GPUHourPrice
		}
		sum += float64(t.MS) / 3.6e6 * price
	}
	return sum
}

func (f Figure) scale(by float64) Figure {
	f.Value *= by
	if f.Low != nil && f.High != nil {
		low, high := *f.Low*by, *f.High*by
		f.Low, f.High = &low, &high
	}
	return f
}

// turned is a difference with its sign reversed.
func (f Figure) turned() Figure {
	f = f.scale(-1)
	f.Low, f.High = f.High, f.Low
	return f
}
