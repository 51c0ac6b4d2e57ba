package hardneg

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/scorer"
	"rein/steps/internal/text"
)

// counts says in how many texts each word occurs.
type counts struct {
	texts int
	words map[string]int
}

func newCounts() *counts { return &counts{words: map[string]int{}} }

func (c *counts) add(s string) {
	c.texts++
	seen := map[string]bool{}
	for _, w := range text.Words(s) {
		if !seen[w] {
			seen[w] = true
			c.words[w]++
		}
	}
}

// share returns the smoothed share of texts that contain a word.
func (c *counts) share(w string) float64 {
	return (float64(c.words[w]) + 0.5) / (float64(c.texts) + 1)
}

// findTriggers ranks the words of the false positives by how much each contributes to the alarm. With a model it masks the words. Without
// one it compares how frequent they are there and in ordinary benign text.
func findTriggers(ctx context.Context, env *steps.Env, c Config, model artifact.Model, fps []artifact.Row, ordinary *counts) ([]string, error) {
	here := newCounts()
	for _, r := range fps {
		here.add(r.Text)
	}
	weight := map[string]float64{}
	if model.Path != "" {
		var err error
		if weight, err = byMasking(ctx, env, model, fps); err != nil {
			return nil, err
		}
	} else {
		for w, n := range here.words {
			if n > 1 || len(fps) < 20 {
				weight[w] = float64(n) * math.Log(here.share(w)/ordinary.share(w))
			}
		}
	}
	words := slices.SortedFunc(maps.Keys(weight), func(a, b string) int {
		return cmp.Or(cmp.Compare(weight[b], weight[a]), cmp.Compare(a, b))
	})
	words = slices.DeleteFunc(words, func(w string) bool { return len(w) < 3 })
	return words[:min(len(words), c.Words)], nil
}

// masked is the largest number of false positives whose words are masked. Each of them takes as many scores as it has words.
const masked = 300

// byMasking returns for each word by how much the threat score falls when the word is left out, summed over the false positives.
func byMasking(ctx context.Context, env *steps.Env, model artifact.Model, fps []artifact.Row) (_ map[string]float64, err error) {
	var phase *steps.Count
	s, err := scorer.Open(ctx, model, scorer.Options{Memo: env.Memo(), Done: func(n int) { phase.Add(n) }})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	step := max(len(fps)/masked, 1)
	var texts, words []string // texts[i] lacks words[i]; words[i] is "" for the whole text
	for i := 0; i < len(fps); i += step {
		fields := strings.Fields(fps[i].Text)
		texts, words = append(texts, fps[i].Text), append(words, "")
		for j := range fields {
			if w := text.Words(fields[j]); len(w) == 1 {
				texts = append(texts, strings.Join(slices.Concat(fields[:j], fields[j+1:]), " "))
				words = append(words, w[0])
			}
		}
	}
	phase = env.Count(int64(len(texts)), "rows with a word left out scored")
	scores, err := s.Score(ctx, texts)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	var whole float64
	for i, w := range words {
		if w == "" {
			whole = float64(scores[i].Threat)
		} else if fall := whole - float64(scores[i].Threat); fall > 0 {
			out[w] += fall
		}
	}
	return out, nil
}
