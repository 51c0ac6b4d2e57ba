package compare

import (
	"slices"

	"rein/engine/record"
)

// Control is the verdict of an arm that only serves for comparison.
const Control = "control"

// control makes a column the control of a strategy: the same pipeline with plain copies of the rows instead of variations, as many of them.
// Figures that the file states for the strategy don't apply to it, and it is never recommended.
func (s *Strategy) control(of string) {
	s.ControlOf = of
	s.HumanDays, s.ElapsedMS = 0, 0
	s.Planned, s.Expected = map[string]any{}, map[string]record.Expectation{}
}

// besideControls puts each control behind its strategy.
func (r *Result) besideControls() {
	place := func(s *Strategy) int {
		of := s.Name
		if s.ControlOf != "" {
			of = s.ControlOf
		}
		return slices.IndexFunc(r.Strategies, func(x *Strategy) bool { return x.Name == of })
	}
	at := map[*Strategy]int{}
	for _, s := range r.Strategies {
		at[s] = place(s)
	}
	slices.SortStableFunc(r.Strategies, func(a, b *Strategy) int {
		switch {
		case at[a] != at[b]:
			return at[a] - at[b]
		case a.ControlOf == "" && b.ControlOf != "":
			return -1
		case a.ControlOf != "" && b.ControlOf == "":
			return 1
		}
		return 0
	})
}

// Contenders are the columns that may be recommended.
func (r *Result) Contenders() []*Strategy {
	return slices.DeleteFunc(slices.Clone(r.Strategies), func(s *Strategy) bool { return s.ControlOf != "" })
}

// ControlOf is a strategy's control; nil without one.
func (r *Result) ControlOf(s *Strategy) *Strategy {
	if i := slices.IndexFunc(r.Strategies, func(c *Strategy) bool { return c.ControlOf == s.Name }); i >= 0 {
		return r.Strategies[i]
	}
	return nil
}

// compared tells whether two columns are tested, and whether one is a control. Tests with controls are adjusted among themselves, so that
// asking for controls changes nothing else.
func (r *Result) compared(a, b string) (tested, control bool) {
	sa, sb := r.Strategy(a), r.Strategy(b)
	switch ca, cb := sa != nil && sa.ControlOf != "", sb != nil && sb.ControlOf != ""; {
	case ca && cb:
		return false, true
	case ca:
		return sb == nil || sa.ControlOf == b, true
	case cb:
		return sa == nil || sb.ControlOf == a, true
	}
	return true, false
}

// AgainstControl is the test of a strategy against its control.
func (r *Result) AgainstControl(s *Strategy, metric string) *Test {
	c := r.ControlOf(s)
	if c == nil {
		return nil
	}
	if t := r.TestOf(c.Name, s.Name, metric); t != nil {
		return t
	}
	return r.TestOf(s.Name, c.Name, metric).Turned()
}
