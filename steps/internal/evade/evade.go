// Package evade looks for the fewest words that flip a model's verdict when they are added at the end of a text: harmless words that get an
// attack through, and words that raise an alarm on a benign text.
package evade

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"rein/steps/artifact"
)

// Limits of a search. A text whose verdict doesn't flip after Most words counts as Most + 1.
const (
	Most       = 32   // words added to a text
	vocabulary = 64   // words tried on each text
	candidates = 2000 // words that the vocabulary is chosen from
)

// Threats returns the threat scores of texts, from 0 to 1.
type Threats func(ctx context.Context, texts []string) ([]float64, error)

// Search flips the verdicts of texts that have one label. Alarms searches with negated scores, so for both labels a lower score is nearer
// to the other verdict.
type Search struct {
	score Threats // threat, or -threat for benign texts
	under float64 // a score below this is a flipped verdict
	words []string
	label string
}

// Attacks is the search that gets malicious texts past the model.
func Attacks(score Threats, threshold float64) *Search {
	return &Search{score: score, under: threshold, label: artifact.Malicious}
}

// Alarms is the search that gets benign texts flagged.
func Alarms(score Threats, threshold float64) *Search {
	return &Search{label: artifact.Benign, under: math.Nextafter(-threshold, 1), // a threat equal to the threshold is flagged, too
		score: func(ctx context.Context, texts []string) ([]float64, error) {
			out, err := score(ctx, texts)
			for i := range out {
				out[i] = -out[i]
			}
			return out, err
		}}
}

// Learn chooses the words to try. It scores each word from rows of the other label by itself, and takes the ones that score furthest
// towards the other verdict.
func (s *Search) Learn(ctx context.Context, rows []artifact.Row) (err error) {
	var words []string
	seen := map[string]bool{}
	for _, r := range rows {
		if r.Label == s.label {
			continue
		}
		for _, w := range strings.Fields(r.Text) {
			if len(words) < candidates && len(w) <= 40 && !seen[w] {
				seen[w] = true
				words = append(words, w)
			}
		}
	}
	s.words, err = s.ranked(ctx, "", words, vocabulary)
	return err
}

// Threats returns the threat scores of texts, from 0 to 1.
func (s *Search) Threats(ctx context.Context, texts []string) ([]float64, error) {
	out, err := s.score(ctx, texts)
	for i := range out {
		out[i] = math.Abs(out[i])
	}
	return out, err
}

// Words are the words that Learn chose, the strongest first.
func (s *Search) Words() []string { return s.words }

// Turned tells whether a text with this threat score gets the other verdict.
func (s *Search) Turned(threat float64) bool {
	if s.label == artifact.Benign {
		threat = -threat
	}
	return threat < s.under
}

// ranked returns the words that lower a text's score most when each alone is added to it, the best first. Words with equal scores keep
// their order.
func (s *Search) ranked(ctx context.Context, text string, words []string, most int) ([]string, error) {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = strings.TrimSpace(text + " " + w)
	}
	scores, err := s.score(ctx, texts)
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

// Found is what a search found for one text.
type Found struct {
	Price  int // number of added words; Most + 1 if the verdict didn't flip, and then the other fields are empty
	Text   string
	Added  []string
	Threat float64
}

// Cheapest finds the fewest words that flip a text's verdict. It adds them in the order of what each does alone.
func (s *Search) Cheapest(ctx context.Context, text string) (Found, error) {
	best, err := s.ranked(ctx, text, s.words, Most)
	if err != nil {
		return Found{}, err
	}
	texts := make([]string, len(best))
	for i := range best {
		texts[i] = text + " " + strings.Join(best[:i+1], " ")
	}
	scores, err := s.score(ctx, texts)
	if err != nil {
		return Found{}, err
	}
	for i, v := range scores {
		if v < s.under {
			return Found{i + 1, texts[i], best[:i+1], math.Abs(v)}, nil
		}
	}
	return Found{Price: Most + 1}, nil
}
