package score

import (
	"context"
	"errors"
	"fmt"

	"rein/steps/artifact"
	"rein/steps/internal/bundle"
	"rein/steps/internal/scorer"
)

// Answer is a model's answer to one text.
type Answer struct {
	Score     float64            `json:"score"`     // threat score, 0 to 1
	Malicious bool               `json:"malicious"` // the score is at or over the threshold
	Threshold float64            `json:"threshold"` // the model's, or that of the profile that was opened
	Family    string             `json:"family"`    // most likely attack family
	Classes   map[string]float64 `json:"classes"`   // probability of each class
	Cut       int                `json:"cut"`       // number of tokens (n-gram models: bytes) that the model didn't read because the text is too long

	Explanation *Explanation `json:"explanation,omitempty"` // nil unless it was asked for
}

// Scorer scores texts with one model. Only one goroutine may use it at a time.
type Scorer struct {
	s         *scorer.Scorer
	threshold float64
}

// Open loads a model or package. path is its folder, or a package's archive (tar.zst).
func Open(ctx context.Context, path string) (*Scorer, error) { return OpenProfile(ctx, path, "") }

// OpenProfile does the same as Open, but uses the threshold of one of the package's profiles, which rein calibrate chose. With profile ""
// it uses the model's own threshold. It fails if there is no such profile.
func OpenProfile(ctx context.Context, path, profile string) (*Scorer, error) {
	dir, done, err := bundle.Folder(path)
	if err != nil {
		return nil, err
	}
	defer done() // the model is in memory by then, so the unpacked archive can go
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

// Threshold returns the threat score from which on a text counts as malicious.
func (s *Scorer) Threshold() float64 { return s.threshold }

// Score returns an answer for each text, in the order of texts.
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

// CutUnit returns the unit of Answer.Cut: "bytes" or "tokens".
func (s *Scorer) CutUnit() string { return s.s.CutUnit() }

// Close frees the model. The Scorer can't be used afterwards.
func (s *Scorer) Close() error { return s.s.Close() }
