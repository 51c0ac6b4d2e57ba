package scorer

import (
	"unicode/utf8"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/ngram"
	"rein/steps/internal/usergraph"
)

// reach is how much of a text a model reads.
type reach struct {
	most int                           // of its units: bytes of n-gram models, tokens of others; 0: all
	unit string                        // "bytes" or "tokens"
	all  func(text string) (units int) // of a whole text
}

// reachOf says how much of a text the model reads.
func reachOf(model artifact.Model, info artifact.ModelInfo) (reach, error) {
	switch info.Kind {
	case ngram.Kind:
		cfg, err := ngram.ParseConfig(info.Text)
		return reach{cfg.MaxBytes, "bytes", func(text string) int { return len(text) }}, err
	case encoder.Kind:
		cfg, err := encoder.ParseConfig(info.Text)
		if err != nil {
			return reach{}, err
		}
		tok, err := cfg.OpenTokenizer(model.Path)
		return reach{cfg.MaxTokens, "tokens", func(text string) int { return len(tok.Encode(nil, text, 0)) }}, err
	}
	cfg, err := usergraph.ParseConfig(info.Text)
	if err != nil {
		return reach{}, err
	}
	tok, err := cfg.OpenTokenizer(model.Path)
	return reach{cfg.MaxTokens, "tokens", func(text string) int { return len(tok.Encode(nil, text, 0)) }}, err
}

// special is how many tokens a tokenizer puts around a text, at most.
const special = 4

// Cut is how many units of a text the model doesn't read: a score says nothing of them.
func (s *Scorer) Cut(text string) int {
	if s.reach.most == 0 || ascii(text) && len(text)+special <= s.reach.most { // no token of it is shorter than a byte
		return 0
	}
	return max(0, s.reach.all(text)-s.reach.most)
}

// CutUnit is what Cut counts: "bytes" or "tokens".
func (s *Scorer) CutUnit() string { return s.reach.unit }

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
