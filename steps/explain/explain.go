// Package explain finds the parts of a text that are responsible for its threat score, by leaving them out. It estimates nothing: every
// figure is the model's answer to the text without some parts.
package explain

import (
	"cmp"
	"context"
	"slices"
	"unicode"
)

// Threats returns the threat scores of texts. A text's score must not depend on the other texts.
type Threats func(ctx context.Context, texts []string) ([]float64, error)

// Span is a part of a text, with the score that the text gets without it.
type Span struct {
	Start   int     `json:"start"` // offset in bytes
	End     int     `json:"end"`
	Text    string  `json:"text"`
	Without float64 `json:"without"` // threat score of the text without this span
}

// Explanation says which parts of a text are responsible for its score.
type Explanation struct {
	Spans   []Span  `json:"spans"`   // in the order of the text
	Without float64 `json:"without"` // threat score of the text without all of the spans
	// Turns says that the verdict is benign without the spans, and malicious as soon as any one of them is put back. If it is false for a
	// malicious text, the text has no such spans: all of it contributes to the score, or even a text without words would be malicious.
	Turns bool    `json:"turns"`
	Score float64 `json:"-"` // of the whole text
}

const (
	mostPieces = 48 // pieces of a text that are left out one by one; they decide the cost of an explanation
	mostSpans  = 24 // spans that are left out together
	shown      = 3  // spans that are shown if leaving parts out doesn't change the verdict
)

// work is the state of one text while its explanation is searched for.
type work struct {
	*Explanation
	text   string
	pieces []Span // sorted by effect, the largest first

	spans []Span // together they change the verdict, but some may not be needed
	at    int    // index of the next span to put back
}

// All explains texts. In each round it asks the model about all texts together, so many texts take no more rounds than one.
func All(ctx context.Context, score Threats, threshold float64, texts []string) ([]Explanation, error) {
	out := make([]Explanation, len(texts))
	all := make([]*work, len(texts))
	for i, text := range texts {
		out[i].Spans = []Span{}
		all[i] = &work{Explanation: &out[i], text: text, pieces: Pieces(text)}
	}
	if err := leaveOutEach(ctx, score, all); err != nil {
		return nil, err
	}
	malicious := slices.DeleteFunc(slices.Clone(all), func(w *work) bool { return w.Score < threshold || len(w.pieces) == 0 })
	if err := turn(ctx, score, threshold, malicious); err != nil {
		return nil, err
	}
	rest := slices.DeleteFunc(all, func(w *work) bool { return w.Turns })
	return out, count(ctx, score, rest)
}

// ask scores the questions of all texts together, and gives each text its answers.
func ask(ctx context.Context, score Threats, all []*work, questions func(*work) []string, answer func(w *work, scores []float64)) error {
	var texts []string
	ends := make([]int, len(all))
	for i, w := range all {
		texts = append(texts, questions(w)...)
		ends[i] = len(texts)
	}
	if len(texts) == 0 {
		return nil
	}
	scores, err := score(ctx, texts)
	if err != nil {
		return err
	}
	from := 0
	for i, w := range all {
		answer(w, scores[from:ends[i]])
		from = ends[i]
	}
	return nil
}

// leaveOutEach scores each text, and each text without each of its pieces.
func leaveOutEach(ctx context.Context, score Threats, all []*work) error {
	return ask(ctx, score, all, func(w *work) []string {
		texts := []string{w.text}
		for _, p := range w.pieces {
			texts = append(texts, Without(w.text, []Span{p}))
		}
		return texts
	}, func(w *work, scores []float64) {
		w.Score, w.Explanation.Without = scores[0], scores[0]
		for i := range w.pieces {
			w.pieces[i].Without = scores[i+1]
		}
		slices.SortStableFunc(w.pieces, func(a, b Span) int { return cmp.Compare(a.Without, b.Without) })
	})
}

// turn finds spans without which a text passes. It first leaves out the spans with the largest effect, then puts back those that aren't
// needed.
func turn(ctx context.Context, score Threats, threshold float64, all []*work) error {
	err := ask(ctx, score, all, func(w *work) []string {
		var texts []string
		for i := range min(mostSpans, len(w.pieces)) {
			texts = append(texts, Without(w.text, w.pieces[:i+1]))
		}
		return texts
	}, func(w *work, scores []float64) {
		if n := slices.IndexFunc(scores, func(v float64) bool { return v < threshold }); n >= 0 {
			w.Turns, w.spans, w.Explanation.Without, w.at = true, slices.Clone(w.pieces[:n+1]), scores[n], n
		}
	})
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(w *work) bool { return !w.Turns })
	for open := slices.Clone(all); ; {
		open = slices.DeleteFunc(open, func(w *work) bool { return w.at < 0 || len(w.spans) < 2 })
		if len(open) == 0 {
			break
		}
		err := ask(ctx, score, open, func(w *work) []string { return []string{Without(w.text, w.fewer())} }, func(w *work, scores []float64) {
			if w.at--; scores[0] < threshold {
				w.at++
				w.spans, w.Explanation.Without = w.fewer(), scores[0]
				w.at = len(w.spans) - 1 // spans that were needed before may not be needed now
			}
		})
		if err != nil {
			return err
		}
	}
	for _, w := range all {
		w.Spans = inOrder(w.spans)
	}
	return nil
}

// fewer returns the spans without the one that is being tried. Spans with little effect are tried first.
func (w *work) fewer() []Span { return slices.Delete(slices.Clone(w.spans), w.at, w.at+1) }

// count chooses the spans with the largest effect for texts whose verdict no spans change.
func count(ctx context.Context, score Threats, all []*work) error {
	for _, w := range all {
		pieces := w.pieces
		if n := slices.IndexFunc(pieces, func(p Span) bool { return p.Without >= w.Score }); n >= 0 {
			pieces = pieces[:n]
		}
		w.Spans = inOrder(pieces[:min(shown, len(pieces))])
	}
	some := slices.DeleteFunc(all, func(w *work) bool { return len(w.Spans) == 0 })
	return ask(ctx, score, some, func(w *work) []string { return []string{Without(w.text, w.Spans)} }, func(w *work, scores []float64) { w.Explanation.Without = scores[0] })
}

func inOrder(spans []Span) []Span {
	out := append([]Span{}, spans...)
	slices.SortFunc(out, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

// Without returns the text without the given spans.
func Without(text string, spans []Span) string {
	var out []byte
	at := 0
	for _, p := range inOrder(spans) {
		out = append(out, text[at:p.Start]...)
		at = p.End
	}
	return string(append(out, text[at:]...))
}

// Pieces divides a text into words. If there are many, it returns runs of words of equal length. In scripts without spaces, each character
// is a word.
func Pieces(text string) []Span {
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
