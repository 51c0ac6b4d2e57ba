package robustness

import (
	"cmp"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/evade"
	"rein/steps/stats"
)

// Evasion says how many words must be added after a text to change the model's decision. For each text it counts the smallest number that
// was found. One search asks the model 96 questions for each text, so a better search may need fewer words.
type Evasion struct {
	Texts  int       `json:"texts"`  // number of texts that were tried; the model decides all of them rightly as they are
	Turned int       `json:"turned"` // number of texts whose decision changed with at most Most words
	Most   int       `json:"most"`
	Median float64   `json:"median"` // in words; Most + 1 stands for more than Most
	Tenth  float64   `json:"p10"`
	Found  []Example `json:"found,omitempty"` // examples, those with the fewest words first
	// Alone lists single words that change a decision, with the number of texts. Words that do so for most texts come first.
	Alone []Word `json:"alone,omitempty"`
}

// Word is a single word that changes decisions.
type Word struct {
	Word  string `json:"word"`
	Texts int    `json:"texts"`
}

// mostAlone is the largest number of words in Evasion.Alone.
const mostAlone = 20

// evade searches for harmless words that let attacks pass, and for words that get benign rows flagged. It tries up to n rows of each label.
func (t *tries) evade(env *steps.Env, r *Report, n int) error {
	if n == 0 {
		return nil
	}
	t.phase = nil // the progress now counts searched rows
	score, at := t.s.Threats, t.s.Threshold()
	for _, side := range []struct {
		search *evade.Search
		label  string
		to     **Evasion
		metric string
		share  string
		unit   string
	}{{evade.Attacks(score, at), artifact.Malicious, &r.Evasion, "evasion_words", "evaded_share", "attacks searched for evasions"}, {evade.Alarms(score, at), artifact.Benign, &r.Alarms, "alarm_words", "alarmed_share", "benign rows searched for alarms"}} {
		rows := t.right(side.search, side.label, n)
		e, err := t.turn(side.search, rows, env.Count(int64(len(rows)), side.unit))
		if err != nil {
			return err
		}
		if e.Texts == 0 {
			continue
		}
		*side.to = e
		env.Metric(side.metric, e.Median)
		env.Metric(side.metric+"_p10", e.Tenth)
		share := stats.Wilson(e.Turned, e.Texts)
		env.Metric(side.share, share.Value)
		env.Metric(side.share+"_low", share.Low)
		env.Metric(side.share+"_high", share.High)
	}
	return nil
}

// right returns the indexes of up to n rows of a label that the model decides rightly.
func (t *tries) right(s *evade.Search, label string, n int) []int {
	var out []int
	for i, row := range t.rows {
		if row.Label == label && !s.Turned(t.before[i]) && len(out) < n {
			out = append(out, i)
		}
	}
	return out
}

// turn searches words for the given rows.
func (t *tries) turn(s *evade.Search, rows []int, searched *steps.Count) (*Evasion, error) {
	e := &Evasion{Most: evade.Most}
	if err := s.Learn(t.ctx, t.rows); err != nil || len(s.Words()) == 0 {
		return e, err
	}
	var prices []float64
	alone := map[string]int{}
	for _, i := range rows {
		row := t.rows[i]
		f, err := s.Cheapest(t.ctx, row.Text)
		if err != nil {
			return nil, err
		}
		e.Texts++
		searched.Add(1)
		if prices = append(prices, float64(f.Price)); f.Price <= evade.Most {
			e.Turned++
			e.Found = append(e.Found, Example{row.ID, excerpt(f.Text), f.Threat, t.before[i]})
		}
		if f.Price == 1 {
			alone[f.Added[0]]++
		}
	}
	if e.Texts == 0 {
		return e, nil
	}
	slices.Sort(prices)
	slices.SortStableFunc(e.Found, func(a, b Example) int { return cmp.Compare(len(a.Text), len(b.Text)) })
	e.Found = e.Found[:min(examples, len(e.Found))]
	e.Median, e.Tenth = prices[len(prices)/2], prices[len(prices)/10]
	for w, n := range alone {
		e.Alone = append(e.Alone, Word{w, n})
	}
	slices.SortFunc(e.Alone, func(a, b Word) int { return cmp.Or(cmp.Compare(b.Texts, a.Texts), cmp.Compare(a.Word, b.Word)) })
	e.Alone = e.Alone[:min(mostAlone, len(e.Alone))]
	return e, nil
}
