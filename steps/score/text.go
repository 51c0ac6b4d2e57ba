package score

import (
	"context"
	"errors"
	"fmt"

	"rein/steps/artifact"
	"rein/steps/internal/bundle"
	"rein/steps/internal/scorer"
)

// Answer is what a model says of one text.
type Answer struct {
	Score     float64            `json:"score"`     // threat score, 0 to 1
	Malicious bool               `json:"malicious"` // at or over the threshold
	Threshold float64            `json:"threshold"` // of the model, or of the profile that was opened
	Family    string             `json:"family"`    // most likely attack family
	Classes   map[string]float64 `json:"classes"`   // probability of each class
	Cut       int                `json:"cut"`       // tokens (of n-gram models bytes) that the model didn't read, as the text is too long; 0: it read all

	Explanation *Explanation `json:"explanation,omitempty"` // where it was asked for
}

// Scorer scores texts with one model. It is safe for one goroutine at a time.
type Scorer struct {
	s         *scorer.Scorer
	threshold float64
}

// Open loads the model or package in a folder, or the package in an archive (tar.zst).
func Open(ctx context.Context, path string) (*Scorer, error) { return OpenProfile(ctx, path, "") }

// OpenProfile opens a package with the threshold of one of its profiles, which rein calibrate chose; "" is the model's own threshold.
func OpenProfile(ctx context.Context, path, profile string) (*Scorer, error) {
	dir, done, err := bundle.Folder(path)
	if err != nil {
		return nil, err
	}
	defer done() // what is open is in memory
	s, err := scorer.Open(ctx, artifact.Model{Path: dir}, scorer.Options{Linear: true})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	out := &Scorer{s, s.Threshold()}
	if profile == "" {
		return out, nil
	}
	p, err := bundle.ReadProfile(dir, profile)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), s.Close())
	}
	out.threshold = p.Threshold
	return out, nil
}

// Threshold is the threat score at and over which a text is malicious.
func (s *Scorer) Threshold() float64 { return s.threshold }

// Score answers for each text, in order.
func (s *Scorer) Score(ctx context.Context, texts []string) ([]Answer, error) {
	scores, err := s.s.Score(ctx, texts)
	if err != nil {
		return nil, err
	}
	classes := s.s.Classes()
	out := make([]Answer, len(scores))
	for i, sc := range scores {
		a := Answer{Score: float64(sc.Threat), Threshold: s.threshold, Cut: s.s.Cut(texts[i]), Classes: map[string]float64{}}
		a.Malicious = a.Score >= s.threshold
		best := float32(-1)
		for j, p := range sc.Probs {
			a.Classes[classes[j]] = float64(p)
			if j > 0 && p > best {
				best, a.Family = p, classes[j]
			}
		}
		out[i] = a
	}
	return out, nil
}

// CutUnit is what Answer.Cut counts: "bytes" or "tokens".
func (s *Scorer) CutUnit() string { return s.s.CutUnit() }

// Close frees the model.
func (s *Scorer) Close() error { return s.s.Close() }
