package score

import (
	"cmp"
	"context"
	"math"
	"slices"
	"unicode"
)

// Span is a part of a text, and what the score is without it.
type Span struct {
	Start   int     `json:"start"` // in bytes
	End     int     `json:"end"`
	Text    string  `json:"text"`
	Without float64 `json:"without"` // threat score of the text that lacks this span alone
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

// Explanation says which parts of a text carry its score. Nothing is estimated: every figure is the model's answer to a text with
// parts left out.
type Explanation struct {
	Spans   []Span  `json:"spans"`   // in the order of the text
	Without float64 `json:"without"` // threat score of the text without all of them
	// Turns says that the verdict is benign without the spans, and malicious again with any one of them put back. A malicious text of
	// which it isn't true has no such parts: its score is in all of it, or in what a text without words gets.
	Turns bool `json:"turns"`

	Linear  *Linear     `json:"linear,omitempty"`             // of n-gram models
	Nearest []Neighbour `json:"nearest,omitempty"`            // training rows, where they were given
	Alarms  *Group      `json:"known_false_alarms,omitempty"` // that it is like, where they were given
}

const (
	mostPieces = 48 // that a text is left without in turn: what an explanation costs
	mostSpans  = 24 // that are left out together
	shown      = 3  // spans where leaving parts out turns no verdict
)

// Known are rows that an explanation may point to; either may be nil.
type Known struct {
	Rows   *Library // that the model was trained on
	Alarms *Library // false alarms that were found before
}

// Explain tries a text without its parts: words, or runs of words where it has many.
func (s *Scorer) Explain(ctx context.Context, text string, known Known) (*Explanation, error) {
	e, err := s.leaveOut(ctx, text)
	if err != nil {
		return nil, err
	}
	whole, err := s.threats(ctx, []string{text})
	if err != nil {
		return nil, err
	}
	e.Linear = s.attribute(text, first(whole))
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
	pieces := piecesOf(text)
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

// leaveOut finds the spans.
func (s *Scorer) leaveOut(ctx context.Context, text string) (*Explanation, error) {
	pieces := piecesOf(text)
	whole, err := s.threats(ctx, []string{text})
	if err != nil || len(pieces) == 0 {
		return &Explanation{Spans: []Span{}, Without: first(whole)}, err
	}
	texts := make([]string, len(pieces))
	for i, p := range pieces {
		texts[i] = without(text, []Span{p})
	}
	scores, err := s.threats(ctx, texts)
	if err != nil {
		return nil, err
	}
	for i := range pieces {
		pieces[i].Without = scores[i]
	}
	slices.SortStableFunc(pieces, func(a, b Span) int { return cmp.Compare(a.Without, b.Without) })
	helpful := slices.IndexFunc(pieces, func(p Span) bool { return p.Without >= whole[0] })
	e := &Explanation{}
	if whole[0] >= s.threshold {
		if e, err = s.turning(ctx, text, pieces); err != nil || e.Turns {
			return e, err
		}
	}
	if helpful >= 0 {
		pieces = pieces[:helpful]
	}
	e.Spans = inOrder(pieces[:min(shown, len(pieces))])
	left, err := s.threats(ctx, []string{without(text, e.Spans)})
	e.Without = first(left)
	return e, err
}

// turning finds spans without which the text passes: first so many of those that count most, then none that isn't needed.
func (s *Scorer) turning(ctx context.Context, text string, pieces []Span) (*Explanation, error) {
	most := min(mostSpans, len(pieces))
	texts := make([]string, most)
	for i := range texts {
		texts[i] = without(text, pieces[:i+1])
	}
	scores, err := s.threats(ctx, texts)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(scores, func(v float64) bool { return v < s.threshold })
	if n < 0 {
		return &Explanation{}, nil
	}
	spans, score := slices.Clone(pieces[:n+1]), scores[n]
	for i := len(spans) - 1; i >= 0 && len(spans) > 1; i-- { // the weakest first
		fewer := slices.Delete(slices.Clone(spans), i, i+1)
		left, err := s.threats(ctx, []string{without(text, fewer)})
		if err != nil {
			return nil, err
		}
		if left[0] < s.threshold {
			spans, score = fewer, left[0]
			i = len(spans) // what was needed beside it may not be any more
		}
	}
	return &Explanation{Spans: inOrder(spans), Without: score, Turns: true}, nil
}

func (s *Scorer) threats(ctx context.Context, texts []string) ([]float64, error) {
	answers, err := s.s.Score(ctx, texts)
	out := make([]float64, len(answers))
	for i, a := range answers {
		out[i] = float64(a.Threat)
	}
	return out, err
}

func first(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	return v[0]
}

func inOrder(spans []Span) []Span {
	out := append([]Span{}, spans...)
	slices.SortFunc(out, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

// without is the text that lacks some spans.
func without(text string, spans []Span) string {
	var out []byte
	at := 0
	for _, p := range inOrder(spans) {
		out = append(out, text[at:p.Start]...)
		at = p.End
	}
	return string(append(out, text[at:]...))
}

// piecesOf divides a text into its words, or into runs of as many words each. A character of a script without spaces is a word.
func piecesOf(text string) []Span {
	var words [][2]int
	start := -1
	end := func(at int) {
		if start >= 0 {
			words = append(words, [2]int{start, at})
		}
		start = -1
	}
	for i, r := range text {
		switch {
		case unicode.IsSpace(r):
			end(i)
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai):
			end(i)
			start = i
		case start < 0:
			start = i
		}
	}
	end(len(text))
	var out []Span
	for n := len(words); len(words) > 0; {
		k := min(len(words), (n+mostPieces-1)/mostPieces)
		from, to := words[0][0], words[k-1][1]
		out = append(out, Span{Start: from, End: to, Text: text[from:to]})
		words = words[k:]
	}
	return out
}
