package compare

import (
	"math"
	"testing"
)

// Before, after and what is avoided belong together, a day and a year, and money follows from them and the assumptions.
func TestBeforeAndAfter(t *testing.T) {
	r := four(t)
	a := r.Assumptions
	for _, s := range r.Strategies {
		b := s.Business
		if diff := b.BaselinePerDay.Value - b.AvoidedPerDay.Value - b.AlarmsPerDay.Value; math.Abs(diff) > 1e-6 {
			t.Errorf("%s: before, less avoided, less after leaves %v", s.Name, diff)
		}
		for name, pair := range map[string][2]Figure{"before": {b.BaselinePerDay, b.BaselineYearly}, "after": {b.AlarmsPerDay, b.AlarmsPerYear},
			"avoided": {b.AvoidedPerDay, b.AvoidedPerYear}, "saved": {b.SavedPerDay, b.SavedPerYear}} {
			day, year := pair[0], pair[1]
			if math.Abs(year.Value-365*day.Value) > 1e-3 || day.Low == nil || !(*day.Low <= day.Value && day.Value <= *day.High) || math.Abs(*year.High-365**day.High) > 1e-3 {
				t.Errorf("%s: %s a day %+v, a year %+v", s.Name, name, day, year)
			}
		}
		if want := b.AvoidedPerDay.Value * a.TicketShare * a.TicketCost; math.Abs(b.SavedPerDay.Value-want) > 1e-6 {
			t.Errorf("%s: saved %v a day, want %v", s.Name, b.SavedPerDay.Value, want)
		}
	}
}
