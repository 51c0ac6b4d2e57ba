package score

import (
	"context"
	"math"

	"rein/steps/explain"
)

// Explanation says which parts of a text are responsible for its score, and which known rows are like it.
type Explanation struct {
	explain.Explanation

	Linear  *Linear     `json:"linear,omitempty"`             // nil unless the model is an n-gram model
	Nearest []Neighbour `json:"nearest,omitempty"`            // similar training rows, if training rows were given
	Alarms  *Group      `json:"known_false_alarms,omitempty"` // similar known false alarms, if they were given
}

// Linear says what the linear part of an n-gram model contributes to the log-odds of an attack. It is exact: the pieces and the rest add up
// to the total.
type Linear struct {
	Total  float64 `json:"total"`
	Pieces []Adds  `json:"pieces"` // words, or runs of words if there are many, in the text's order
	Rest   float64 `json:"rest"`   // contribution of what is in no piece: the text's length, letters that stand alone
	Others float64 `json:"others"` // log-odds of the score without the linear part, so of the network and the bias
}

// Adds is a piece of a text with its contribution.
type Adds struct {
	Start int     `json:"start"` // offset in bytes
	End   int     `json:"end"`
	Text  string  `json:"text"`
	Adds  float64 `json:"adds"`
}

// Known holds rows that an explanation may refer to. Either library may be nil.
type Known struct {
	Rows   *Library // rows that the model was trained on
	Alarms *Library // false alarms that were found before
}

// Explain explains the score of a text. It scores the text without each of its words, or without runs of words if there are many.
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

// attribute computes the exact part of an explanation, or nil if the model has no linear part.
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
	const edge = 1e-7 // float32 can't tell closer values from 0 or 1
	threat = min(1-edge, max(edge, threat))
	out := &Linear{Total: a.Total, Rest: a.Rest, Others: math.Log(threat/(1-threat)) - a.Total, Pieces: []Adds{}}
	for i, p := range pieces {
		out.Pieces = append(out.Pieces, Adds{p.Start, p.End, p.Text, a.Parts[i]})
	}
	return out
}

// Threats returns the threat score of each text, 0 to 1.
func (s *Scorer) Threats(ctx context.Context, texts []string) ([]float64, error) {
	return s.s.Threats(ctx, texts)
}
