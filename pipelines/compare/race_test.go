package compare

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"rein/cache"
	"rein/engine/record"
	"rein/pipelines/compare/comparetest"
	"rein/steps/artifact"
	"rein/steps/stats"
)

// field is a race of made-up points, whose true rates of found attacks are known.
type field struct {
	rates  []float64
	rounds int
	rows   int // of a round
	spread float64
}

// outcomes draws a round: rows are hard or easy for all points alike, and where there is a spread a row is a source, whose mean differs.
func (f field) outcomes(r *rand.Rand, round int, points []int) []map[string]float64 {
	out := make([]map[string]float64, len(points))
	for i := range out {
		out[i] = map[string]float64{}
	}
	for row := range f.rows {
		hard, unit := r.Float64(), fmt.Sprint(round, " ", row)
		for i, p := range points {
			switch noise := 0.05 * r.NormFloat64(); {
			case f.spread > 0:
				out[i][unit] = min(max(f.rates[p]+0.3*(hard-0.5)+f.spread*r.NormFloat64(), 0), 1)
			case hard+noise < f.rates[p]:
				out[i][unit] = 1
			default:
				out[i][unit] = 0
			}
		}
	}
	return out
}

// race runs a race to its end, and beside it what a grid would have found on the same rounds.
func (f field) race(r *rand.Rand) (race *Race, gridWinner string) {
	race = &Race{Rounds: f.rounds, Metric: Own + Decisive}
	at := map[string]int{}
	for i := range f.rates {
		race.Points = append(race.Points, Racer{Name: fmt.Sprint("p", i)})
		at[race.Points[i].Name] = i
	}
	judge := NewJudge(race, nil)
	sums := make([]float64, len(f.rates))
	all := make([]int, len(f.rates))
	for i := range all {
		all[i] = i
	}
	for round := range f.rounds {
		outcomes := f.outcomes(r, round, all)
		for i, o := range outcomes {
			for _, v := range o {
				sums[i] += v
			}
		}
		left := race.Left()
		if len(left) == 1 { // the winner is measured to the end, so that its figures are whole
			left[0].Rounds++
			race.Work++
			continue
		}
		var mine []map[string]float64
		for _, p := range left {
			mine = append(mine, outcomes[at[p.Name]])
		}
		judge.count(left, mine)
	}
	judge.Finish()
	best := 0
	for i, s := range sums {
		if s > sums[best] {
			best = i
		}
	}
	return race, fmt.Sprint("p", best)
}

// A race drops the best point in at most 5% of the cases, however many points and rounds there are, and where none is better than
// the others it drops few of them.
func TestRaceRarelyDropsTheBest(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	equal := make([]float64, 9)
	for i := range equal {
		equal[i] = 0.5
	}
	for name, f := range map[string]field{
		"equal points, rows":    {rates: equal, rounds: 12, rows: 60},
		"equal points, sources": {rates: equal, rounds: 12, rows: 5, spread: 0.1},
		"one slightly better":   {rates: []float64{0.505, 0.5, 0.5, 0.5, 0.5}, rounds: 12, rows: 60},
	} {
		const trials = 200
		wrong := 0
		for range trials {
			race, _ := f.race(r)
			for _, p := range race.Points {
				if p.Name == "p0" && p.Lost != nil {
					wrong++
				}
			}
		}
		if share := float64(wrong) / trials; share > 0.05 {
			t.Errorf("%s: the best point is dropped in %.1f%% of %d races", name, 100*share, trials)
		}
	}
}

// A race of 16 points finds the grid's winner in a third of the work where rows tell; a hundred sources tell less.
func TestRaceFindsTheWinnerInAThirdOfTheWork(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	for name, c := range map[string]struct {
		field
		least float64 // times less work than the grid
	}{
		"rows":    {field{rounds: 10, rows: 300}, 3},
		"sources": {field{rounds: 10, rows: 12, spread: 0.05}, 1.5},
	} {
		f := c.field
		for a := range 4 { // two variables of four values, of which one value each is best
			for b := range 4 {
				f.rates = append(f.rates, 0.75-0.10*float64(abs(a-1))-0.10*float64(abs(b-2)))
			}
		}
		const trials = 60
		work, grid, same := 0, 0, 0
		for range trials {
			race, winner := f.race(r)
			work, grid = work+race.Work, grid+len(f.rates)*f.rounds
			if race.Points[0].Name == winner {
				same++
			}
		}
		t.Logf("%s: %.1f times less work than the grid; the same winner in %d of %d", name, float64(grid)/float64(work), same, trials)
		if c.least*float64(work) > float64(grid) {
			t.Errorf("%s: the races did %d rounds, and the grids %d", name, work, grid)
		}
		if same < trials*95/100 {
			t.Errorf("%s: the winner is the grid's in %d of %d races", name, same, trials)
		}
	}
}

func abs(n int) int { return max(n, -n) }

// shelf keeps what a test's evaluations leave.
type shelf struct{ dir string }

func (s shelf) Path(_ context.Context, b cache.Blob) (string, error) {
	return filepath.Join(s.dir, b.Digest.String()), nil
}

// evaluation is a step that found these attacks of a fold, whose benign rows it all passes.
func (s shelf) evaluation(t *testing.T, fold string, attacks int, found func(i int) bool) record.Step {
	t.Helper()
	var rows []artifact.Scored
	for i := range 200 {
		rows = append(rows, artifact.Scored{ID: fmt.Sprint(fold, " benign ", i), Set: stats.OwnTraffic, Label: artifact.Benign, Score: 0.1 + float64(i)/1000})
	}
	for i := range attacks {
		x := artifact.Scored{ID: fmt.Sprint(fold, " attack ", i), Set: stats.OwnTraffic, Label: artifact.Malicious, Score: 0.05}
		if found(i) {
			x.Score = 0.9
		}
		rows = append(rows, x)
	}
	put := func(name string, write func(path string) error) cache.Blob {
		path := filepath.Join(s.dir, name)
		if err := write(path); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, filepath.Join(s.dir, cache.Sum(b).String())); err != nil {
			t.Fatal(err)
		}
		return cache.Blob{Digest: cache.Sum(b), Size: int64(len(b))}
	}
	scores := put("scores", func(path string) error { _, err := comparetest.WriteScores(path, rows); return err })
	report := put("report", func(path string) error {
		b, err := json.Marshal(stats.Report{Threshold: 0.5, Sets: map[string]*stats.Set{stats.OwnTraffic: {Data: fold}}})
		if err != nil {
			return err
		}
		return os.WriteFile(path, b, 0o644)
	})
	return record.Step{Name: "test", Outputs: map[string]cache.Blob{"scores": scores, "report": report}}
}

// Judging reads the scored rows of each round; rows that come back say nothing new.
func TestRaceJudgesScoredRows(t *testing.T) {
	s := shelf{t.TempDir()}
	sweep := Sweep{Of: "p", Variables: []string{"n"}, Points: map[string][]string{"p n=1": {"1"}, "p n=2": {"2"}}}
	race := NewRace(&sweep, []string{"p n=1", "p n=2"}, 3)
	judge := NewJudge(race, s)
	round := func(fold string, attacks int) []*Racer {
		dropped, err := judge.Round(t.Context(), map[string][]record.Step{
			"p n=1": {s.evaluation(t, fold, attacks, func(i int) bool { return i%2 == 0 })},
			"p n=2": {s.evaluation(t, fold, attacks, func(i int) bool { return i%4 != 3 })}})
		if err != nil {
			t.Fatal(err)
		}
		return dropped
	}
	if dropped := round("1", 12); len(dropped) != 0 {
		t.Fatalf("%s is dropped after 12 rows", dropped[0].Name)
	}
	for range 20 {
		if dropped := round("1", 12); len(dropped) != 0 {
			t.Fatalf("%s is dropped after the same 12 rows again", dropped[0].Name)
		}
	}
	dropped := round("2", 200)
	if len(dropped) != 1 || dropped[0].Name != "p n=1" || dropped[0].Lost.To != "p n=2" || dropped[0].Lost.Units != 212 {
		t.Fatalf("dropped: %+v", dropped)
	}
	judge.Finish()
	if race.Points[0].Name != "p n=2" || len(race.Left()) != 1 {
		t.Errorf("%+v", race.Points)
	}
	if lost := race.Points[1]; race.Metric != Own+Decisive || lost.Rounds != 22 || math.Abs(lost.Lost.Difference-0.25) > 1e-9 {
		t.Errorf("%s: %+v, %+v", race.Metric, lost, lost.Lost)
	}
	if _, err := judge.Round(t.Context(), map[string][]record.Step{"p n=2": {{Name: "test"}}}); err == nil {
		t.Error("a round without scored rows is judged")
	}
}
