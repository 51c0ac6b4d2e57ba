package compare

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"rein/engine/record"
	"rein/steps/stats"
)

// Race is the record of a race: a sweep whose points are measured round by round, and from which points are dropped that are shown to lose.
// The probability that the best point is dropped is at most 1 in 20, however many rounds there are.
type Race struct {
	Metric  string  `json:"metric"`            // that they are compared by
	Rounds  int     `json:"rounds"`            // that a point has at most
	Work    int     `json:"work"`              // rounds of single points that were done
	Points  []Racer `json:"points"`            // those that are left first, the best of them first
	Stopped string  `json:"stopped,omitempty"` // why it ended early
}

// Racer is a point of a race.
type Racer struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"` // its strategies, one for each seed
	Rounds  int      `json:"rounds"`  // that it was in
	Figure  float64  `json:"figure"`  // mean over what it was measured on
	Units   int      `json:"units"`   // rows or sources that this is
	Lost    *Loss    `json:"lost,omitempty"`
}

// Loss is why a point was dropped.
type Loss struct {
	To         string  `json:"to"`         // the point that was shown to be better
	Difference float64 `json:"difference"` // its mean less the dropped one's, on what both were measured on
	Units      int     `json:"units"`      // rows or sources that this is
	Evidence   float64 `json:"evidence"`   // stats.Evidence; it was enough
}

// NewRace is a race of the points of a sweep, which are in the order of the strategies.
func NewRace(s *Sweep, strategies []string, rounds int) *Race {
	r := &Race{Rounds: rounds}
	for _, columns := range s.columns(strategies) {
		r.Points = append(r.Points, Racer{Name: s.pointName(columns[0]), Columns: columns})
	}
	return r
}

// pointName is a strategy's name without its seed.
func (s *Sweep) pointName(column string) string {
	if seed, ok := s.Seeds[column]; ok {
		return strings.TrimSuffix(column, fmt.Sprintf(" seed=%d", seed))
	}
	return column
}

// Left are the points that are still in it.
func (r *Race) Left() (out []*Racer) {
	for i := range r.Points {
		if r.Points[i].Lost == nil {
			out = append(out, &r.Points[i])
		}
	}
	return out
}

// Judge decides after each round which points have lost.
type Judge struct {
	race     *Race
	blobs    Blobs
	evidence map[[2]string]*stats.Evidence // by point and rival: evidence that the rival is better
	seen     map[string]bool               // units that were counted
}

// NewJudge is a judge of a race.
func NewJudge(r *Race, blobs Blobs) *Judge {
	return &Judge{race: r, blobs: blobs, evidence: map[[2]string]*stats.Evidence{}, seen: map[string]bool{}}
}

// Round takes the evaluations of one round: of each point that is left those of its seeds, in their order. It returns the points that
// are dropped. A unit that an earlier round has counted says nothing new, and isn't counted again.
func (j *Judge) Round(ctx context.Context, measured map[string][]record.Step) ([]*Racer, error) {
	left := j.race.Left()
	outcomes, err := j.outcomes(ctx, left, measured)
	if err != nil {
		return nil, err
	}
	return j.count(left, outcomes), nil
}

// count adds a round's outcomes, by point and unit.
func (j *Judge) count(left []*Racer, outcomes []map[string]float64) (dropped []*Racer) {
	var fresh []string
	for unit := range outcomes[0] {
		if !j.seen[unit] {
			fresh = append(fresh, unit)
		}
	}
	slices.Sort(fresh)
	for i, p := range left {
		p.Rounds++
		j.race.Work++
		for _, unit := range fresh {
			p.Units++
			p.Figure += (outcomes[i][unit] - p.Figure) / float64(p.Units)
		}
		for k, rival := range left {
			if k == i {
				continue
			}
			key := [2]string{p.Name, rival.Name}
			if j.evidence[key] == nil {
				j.evidence[key] = new(stats.Evidence)
			}
			for _, unit := range fresh {
				j.evidence[key].Add(outcomes[k][unit] - outcomes[i][unit])
			}
		}
	}
	for _, unit := range fresh {
		j.seen[unit] = true
	}
	// The best point is dropped only where one of its rivals seems better: all of them together must be wrong once in 20 times.
	enough := float64(len(j.race.Points)-1) / alpha
	for _, p := range left {
		for _, rival := range left {
			e := j.evidence[[2]string{p.Name, rival.Name}]
			if e == nil || e.Value() < enough || p.Lost != nil && e.Value() < p.Lost.Evidence {
				continue
			}
			if p.Lost == nil {
				dropped = append(dropped, p)
			}
			p.Lost = &Loss{To: rival.Name, Difference: e.Mean(), Units: e.Count(), Evidence: e.Value()}
		}
	}
	return dropped
}

// Finish orders the points as a table has them.
func (j *Judge) Finish() {
	slices.SortStableFunc(j.race.Points, func(a, b Racer) int {
		switch {
		case a.Lost == nil && b.Lost != nil:
			return -1
		case a.Lost != nil && b.Lost == nil:
			return 1
		}
		return cmp.Or(cmp.Compare(b.Rounds, a.Rounds), cmp.Compare(b.Figure, a.Figure))
	})
}

// outcomes are what each point makes of each unit of a round: the share of its attacks that are found at the FP rate that decides,
// over its rows and all seeds.
func (j *Judge) outcomes(ctx context.Context, left []*Racer, measured map[string][]record.Step) ([]map[string]float64, error) {
	runs := make([][]*run, len(left))
	for i, p := range left {
		for k := range measured[p.Name] {
			d := &run{result: &measured[p.Name][k]}
			if err := d.open(ctx, j.blobs); err != nil {
				return nil, fmt.Errorf("%s: %w", p.Name, err)
			}
			if d.report == nil || d.scores == nil {
				return nil, fmt.Errorf("%s: step %s leaves no scored rows to compare points by", p.Name, d.result.Name)
			}
			if _, err := d.scores.read(); err != nil {
				return nil, fmt.Errorf("%s: %w", p.Name, err)
			}
			runs[i] = append(runs[i], d)
		}
		if len(runs[i]) == 0 || len(runs[i]) != len(runs[0]) {
			return nil, fmt.Errorf("%s has %d evaluations in this round, and %s has %d", p.Name, len(runs[i]), left[0].Name, len(runs[0]))
		}
	}
	set, prefix := runs[0][0].basis(), Own
	if set == stats.NewSources {
		prefix = New
	}
	j.race.Metric = prefix + Decisive
	out, counts := make([]map[string]float64, len(left)), map[string]float64{}
	for i := range out {
		out[i] = map[string]float64{}
	}
	for k := range runs[0] {
		u := units{set: set}
		if err := u.add(ctx, runs[0][k].scores.path, true, k); err != nil {
			return nil, err
		}
		var rows string
		for i := range left {
			flags, data, ok := runs[i][k].decided(set, true, decisiveRate)
			if i == 0 {
				rows = data
			}
			if !ok || data != rows || len(flags) != len(u.names) {
				return nil, fmt.Errorf("%s and %s are not measured on the same rows", left[i].Name, left[0].Name)
			}
			for row, flagged := range flags {
				if i == 0 {
					counts[u.names[row]]++
				}
				if flagged {
					out[i][u.names[row]]++
				} else {
					out[i][u.names[row]] += 0 // the unit is there
				}
			}
		}
	}
	for i := range out {
		for unit := range out[i] {
			out[i][unit] /= counts[unit]
		}
	}
	return out, nil
}

// dropped records for each strategy that a race dropped why it has no result.
func (r *Result) dropped(s *Sweep) {
	if s.Race == nil {
		return
	}
	for _, p := range s.Race.Points {
		for _, name := range p.Columns {
			x := r.Strategy(name)
			switch {
			case x == nil:
			case p.Lost != nil:
				x.Missing = DroppedFromRace{s.Race.Metric, p.Rounds, s.Race.Rounds, *p.Lost}
			case x.Missing != nil && s.Race.Stopped != "":
				x.Missing = RaceStopped{s.Race.Stopped}
			}
		}
	}
}
