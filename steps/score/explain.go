package score

import (
	"context"
	"math"

	"rein/steps/explain"
)

// Explanation says which parts of a text carry its score, and what is known of texts like it.
type Explanation struct {
	explain.Explanation

	Linear  *Linear     `json:"linear,omitempty"`             // of n-gram models
	Nearest []Neighbour `json:"nearest,omitempty"`            // training rows, where they were given
	Alarms  *Group      `json:"known_false_alarms,omitempty"` // that it is like, where they were given
}

// Linear is what an n-gram model's linear part adds to the log-odds of an attack. It is exact: the pieces and the rest add up to the total.
type Linear struct {
	Total  float64 `json:"total"`
	Pieces []Adds  `json:"pieces"` // words, or runs of words where a text has many, in the order of the text
	Rest   float64 `json:"rest"`   // of what lies in no piece: the text's length, letters that stand apart
	Others float64 `json:"others"` // log-odds of the score without the linear part: what the network and the bias give
}

// Adds is a piece of a text and what it adds.
type Adds struct {
	Start int     `json:"start"` // in bytes
	End   int     `json:"end"`
	Text  string  `json:"text"`
	Adds  float64 `json:"adds"`
}

// Known are rows that an explanation may point to; either may be nil.
type Known struct {
	Rows   *Library // that the model was trained on
	Alarms *Library // false alarms that were found before
}

// Explain tries a text without its parts: words, or runs of words where it has many.
func (s *Scorer) Explain(ctx context.Context, text string, known Known) (*Explanation, error) {
	of, err := explain.All(ctx, s.Threats, s.threshold, []string{text})
	if err != nil {
		return nil, err
	}
	e := &Explanation{Explanation: of[0], Linear: s.attribute(text, of[0].Score)}
	if known.Rows != nil {
		e.Nearest = known.Rows.Nearest(text)
	}
	if known.Alarms != nil {
		e.Alarms = known.Alarms.Group(text)
	}
	return e, nil
}

// attribute is the exact part of an explanation.
func (s *Scorer) attribute(text string, threat float64) *Linear {
	l := s.s.Linear()
	if l == nil {
		return nil
	}
	pieces := explain.Pieces(text)
	texts := make([]string, len(pieces))
	for i, p := range pieces {
		texts[i] = p.Text
	}
	a := l.Attribute(text, texts)
	const edge = 1e-7 // what float32 can't tell from 0 or 1 counts as that close
	threat = min(1-edge, max(edge, threat))
	out := &Linear{Total: a.Total, Rest: a.Rest, Others: math.Log(threat/(1-threat)) - a.Total, Pieces: []Adds{}}
	for i, p := range pieces {
		out.Pieces = append(out.Pieces, Adds{p.Start, p.End, p.Text, a.Parts[i]})
	}
	return out
}

// Threats are the threat scores of texts.
func (s *Scorer) Threats(ctx context.Context, texts []string) ([]float64, error) {
	return s.s.Threats(ctx, texts)
}
