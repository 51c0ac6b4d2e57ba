package train

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/evade"
	"rein/steps/internal/scorer"
	"rein/steps/stats"
	"rein/steps/stepstest"
)

// A model that was trained with evasions of training rows is held against the one that found them, on sources that neither has seen, both
// at an FP rate of 1% there. docs/models.md has the table that this prints.
func TestEvasionsTrained(t *testing.T) {
	if testing.Short() || os.Getenv("REIN_EVASIONS") == "" {
		t.Skip("trains two models on real data: set REIN_EVASIONS=1, and REIN_DATA to the folder of the data")
	}
	var train, validation, left []artifact.Row
	all := sharedRows(t)
	for _, r := range slices.Concat(all[:]...) {
		switch {
		case hashOf(r.Source)>>4%2 == 0:
			left = append(left, r)
		case hashOf(r.Source)>>8%5 == 0:
			validation = append(validation, r)
		default:
			train = append(train, r)
		}
	}
	fit := func(rows []artifact.Row) *scorer.Scorer {
		c := defaults()
		c.Epochs = 2
		c.Model = &ModelConfig{Buckets: 1 << 15, Dim: 16, Hidden: 16}
		out, err := run(t.Context(), stepstest.New(t, "model").Env, c, Inputs{Rows: written(t, rows), Validation: written(t, validation)})
		if err != nil {
			t.Fatal(err)
		}
		s, err := scorer.Open(t.Context(), out.Model, scorer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	before := fit(train)
	found := evaded(t, before, before.Threshold(), train, 600)
	after := fit(slices.Concat(train, found))
	fmt.Printf("%d rows to train on, and %d that evade; %d left out, of other sources\n", len(train), len(found), len(left))
	var sides []held
	for _, s := range []*scorer.Scorer{before, after} {
		sides = append(sides, hold(t, s, left))
	}
	gained, lost := 0, 0
	for i, r := range left {
		if r.Label == artifact.Malicious && sides[0].flags[i] != sides[1].flags[i] {
			if sides[1].flags[i] {
				gained++
			} else {
				lost++
			}
		}
	}
	fmt.Printf("| | recall at 1%% FP rate | words that evade, median / 10%% | attacks evaded | words that raise an alarm, median / 10%% | benign rows flagged |\n| --- | --- | --- | --- | --- | --- |\n")
	for i, h := range sides {
		fmt.Printf("| %s | %.1f%% | %v / %v | %.0f%% of %d | %v / %v | %.0f%% of %d |\n", []string{"before", "with evasions"}[i], 100*h.recall, h.evasion.median, h.evasion.tenth, 100*h.evasion.share, h.evasion.n,
			h.alarm.median, h.alarm.tenth, 100*h.alarm.share, h.alarm.n)
	}
	fmt.Printf("attacks caught after only: %d, before only: %d (p %.3g)\n", gained, lost, stats.McNemar(gained, lost))
}

// evaded returns, among n rows of each label, those whose verdict changes when words are put behind them.
func evaded(t *testing.T, s *scorer.Scorer, at float64, rows []artifact.Row, n int) (out []artifact.Row) {
	t.Helper()
	for _, x := range []struct {
		search *evade.Search
		label  string
	}{{evade.Attacks(s.Threats, at), artifact.Malicious}, {evade.Alarms(s.Threats, at), artifact.Benign}} {
		for _, f := range searched(t, x.search, x.label, rows, n) {
			if f.Price <= evade.Most {
				out = append(out, artifact.Row{ID: fmt.Sprint("evasion ", len(out), x.label), Text: f.Text, Label: x.label, Source: "evasions", Category: "injection", Method: "evasion"})
			}
		}
	}
	return out
}

// searched returns the cheapest words for up to n rows of a label that the model decides rightly, spread over the rows.
func searched(t *testing.T, s *evade.Search, label string, rows []artifact.Row, n int) (out []evade.Found) {
	t.Helper()
	rows = slices.SortedStableFunc(slices.Values(rows), func(a, b artifact.Row) int {
		return strings.Compare(fmt.Sprint(hashOf(a.ID)), fmt.Sprint(hashOf(b.ID)))
	})
	if err := s.Learn(t.Context(), rows[:min(len(rows), 2000)]); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Label != label || len(out) == n {
			continue
		}
		now, err := s.Threats(context.Background(), []string{r.Text})
		if err != nil {
			t.Fatal(err)
		}
		if s.Turned(now[0]) {
			continue
		}
		f, err := s.Cheapest(t.Context(), r.Text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// price is what turning verdicts costs.
type price struct {
	n             int
	share         float64
	median, tenth int
}

func priceOf(found []evade.Found) (p price) {
	var words []int
	for _, f := range found {
		words = append(words, f.Price)
		if f.Price <= evade.Most {
			p.share += 1 / float64(len(found))
		}
	}
	slices.Sort(words)
	p.n, p.median, p.tenth = len(words), words[len(words)/2], words[len(words)/10]
	return p
}

// held measures a model on left-out rows at the threshold with an FP rate of 1% on them.
type held struct {
	flags          []bool
	recall         float64
	evasion, alarm price
}

func hold(t *testing.T, s *scorer.Scorer, rows []artifact.Row) (h held) {
	t.Helper()
	texts := make([]string, len(rows))
	for i, r := range rows {
		texts[i] = r.Text
	}
	scores, err := s.Score(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	var benign []float64
	for i, r := range rows {
		if r.Label == artifact.Benign {
			benign = append(benign, float64(scores[i].Threat))
		}
	}
	slices.Sort(benign)
	at := benign[len(benign)-len(benign)/100]
	attacks, caught := 0, 0
	for i, r := range rows {
		h.flags = append(h.flags, float64(scores[i].Threat) >= at)
		if r.Label == artifact.Malicious {
			attacks++
			if h.flags[i] {
				caught++
			}
		}
	}
	h.recall = float64(caught) / float64(attacks)
	h.evasion = priceOf(searched(t, evade.Attacks(s.Threats, at), artifact.Malicious, rows, 100))
	h.alarm = priceOf(searched(t, evade.Alarms(s.Threats, at), artifact.Benign, rows, 100))
	return h
}
