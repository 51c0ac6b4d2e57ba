package robustness

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/stats"
)

// What finding evasions may cost. An attack that isn't evaded with mostWords counts as one word more.
const (
	mostWords   = 32   // appended to an attack
	vocabulary  = 64   // words that are tried on each attack
	mostOpening = 2000 // words of benign rows that the vocabulary is chosen from
)

// Evasion is the price of getting attacks through by harmless words behind them: of each the least number of words that was found. It is
// what one search finds, in vocabulary + mostWords questions to the model an attack, so an attack may be cheaper than it says.
type Evasion struct {
	Attacks int       `json:"attacks"` // that the model catches as they are, and that were tried
	Evaded  int       `json:"evaded"`  // with at most Most words
	Most    int       `json:"most"`
	Median  float64   `json:"median"` // words; Most + 1 stands for more than Most
	Tenth   float64   `json:"p10"`
	Found   []Example `json:"found,omitempty"` // the cheapest
}

// threats scores texts that are no rows.
type threats func(ctx context.Context, texts []string) ([]float64, error)

func (t *tries) threats(ctx context.Context, texts []string) ([]float64, error) {
	scores, err := t.s.Score(ctx, texts)
	out := make([]float64, len(scores))
	for i, s := range scores {
		out[i] = float64(s.Threat)
	}
	return out, err
}

// evade looks for evasions of up to n attacks.
func (t *tries) evade(env *steps.Env, r *Report, n int) error {
	if n == 0 {
		return nil
	}
	t.phase = nil // what is counted now are attacks
	caught := 0
	for i, row := range t.rows {
		if row.Label == artifact.Malicious && t.before[i] >= t.s.Threshold() {
			caught++
		}
	}
	searched := env.Count(int64(min(n, caught)), "attacks searched for evasions")
	words, err := harmlessWords(t.ctx, t.rows, t.threats)
	if err != nil || len(words) == 0 {
		return err
	}
	var prices []float64
	e := &Evasion{Most: mostWords}
	for i, row := range t.rows {
		if row.Label != artifact.Malicious || t.before[i] < t.s.Threshold() || e.Attacks == n {
			continue
		}
		price, text, score, err := cheapest(t.ctx, t.threats, t.s.Threshold(), row.Text, words)
		if err != nil {
			return err
		}
		e.Attacks++
		searched.Add(1)
		if prices = append(prices, float64(price)); price <= mostWords {
			e.Evaded++
			e.Found = append(e.Found, Example{row.ID, excerpt(text), score, t.before[i]})
		}
	}
	if e.Attacks == 0 {
		return nil
	}
	slices.Sort(prices)
	slices.SortStableFunc(e.Found, func(a, b Example) int { return cmp.Compare(len(a.Text), len(b.Text)) })
	e.Found = e.Found[:min(examples, len(e.Found))]
	e.Median, e.Tenth = prices[len(prices)/2], prices[len(prices)/10]
	env.Metric("evasion_words", e.Median)
	env.Metric("evasion_words_p10", e.Tenth)
	share := stats.Wilson(e.Evaded, e.Attacks)
	env.Metric("evaded_share", share.Value)
	env.Metric("evaded_share_low", share.Low)
	env.Metric("evaded_share_high", share.High)
	r.Evasion = e
	return nil
}

// harmlessWords are words of benign rows that the model finds most benign alone.
func harmlessWords(ctx context.Context, rows []artifact.Row, score threats) ([]string, error) {
	var words []string
	seen := map[string]bool{}
	for _, r := range rows {
		if r.Label != artifact.Benign {
			continue
		}
		for _, w := range strings.Fields(r.Text) {
			if len(words) < mostOpening && len(w) <= 40 && !seen[w] {
				seen[w] = true
				words = append(words, w)
			}
		}
	}
	return ranked(ctx, score, "", words, vocabulary)
}

// ranked are the words that lower the score of a text most, each alone behind it; ties in the order of the words.
func ranked(ctx context.Context, score threats, text string, words []string, most int) ([]string, error) {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = strings.TrimSpace(text + " " + w)
	}
	scores, err := score(ctx, texts)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(words))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	out := make([]string, min(most, len(words)))
	for i := range out {
		out[i] = words[order[i]]
	}
	return out, nil
}

// cheapest finds the fewest of the words that get a text through, in the order of what each does alone. The price is mostWords + 1 where
// none do; else text has them and score is below the threshold.
func cheapest(ctx context.Context, score threats, threshold float64, attack string, words []string) (price int, text string, threat float64, err error) {
	best, err := ranked(ctx, score, attack, words, mostWords)
	if err != nil {
		return 0, "", 0, err
	}
	texts := make([]string, len(best))
	for i := range best {
		texts[i] = attack + " " + strings.Join(best[:i+1], " ")
	}
	scores, err := score(ctx, texts)
	if err != nil {
		return 0, "", 0, err
	}
	for i, s := range scores {
		if s < threshold {
			return i + 1, texts[i], s, nil
		}
	}
	return mostWords + 1, "", 0, nil
}
