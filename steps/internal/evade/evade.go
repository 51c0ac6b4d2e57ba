// Package evade looks for the fewest words behind a text that turn its verdict: harmless ones that get an attack through, and those that raise an
// alarm on a benign text.
package evade

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"rein/steps/artifact"
)

// What a search may cost. A text whose verdict Most words don't turn counts as one word more.
const (
	Most       = 32   // words behind a text
	vocabulary = 64   // words that are tried on each text
	candidates = 2000 // words that the vocabulary is chosen from
)

// Threats scores texts.
type Threats func(ctx context.Context, texts []string) ([]float64, error)

// Search turns verdicts of one label's texts.
type Search struct {
	score Threats // lower is nearer to the other verdict
	under float64 // a score that is turned
	words []string
	label string
}

// Attacks is the search that gets malicious texts through.
func Attacks(score Threats, threshold float64) *Search {
	return &Search{score: score, under: threshold, label: artifact.Malicious}
}

// Alarms is the search that gets benign texts flagged.
func Alarms(score Threats, threshold float64) *Search {
	return &Search{label: artifact.Benign, under: math.Nextafter(-threshold, 1), // flagged is at the threshold, too
		score: func(ctx context.Context, texts []string) ([]float64, error) {
			out, err := score(ctx, texts)
			for i := range out {
				out[i] = -out[i]
			}
			return out, err
		}}
}

// Learn chooses the words: of rows of the other label, those that turn the verdict furthest alone.
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

// Threats are the threat scores of texts.
func (s *Search) Threats(ctx context.Context, texts []string) ([]float64, error) {
	out, err := s.score(ctx, texts)
	for i := range out {
		out[i] = math.Abs(out[i])
	}
	return out, err
}

// Words are those that are tried, the strongest first.
func (s *Search) Words() []string { return s.words }

// Turned tells whether a text with this threat score is on the other side.
func (s *Search) Turned(threat float64) bool {
	if s.label == artifact.Benign {
		threat = -threat
	}
	return threat < s.under
}

// ranked are the words that lower the score of a text most, each alone behind it; ties in the order of the words.
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

// Found is a text whose verdict is turned.
type Found struct {
	Price  int // words; Most + 1 where none turn it, and then the rest is empty
	Text   string
	Added  []string
	Threat float64
}

// Cheapest finds the fewest of the words that turn a text's verdict, in the order of what each does alone.
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
