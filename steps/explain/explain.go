// Package explain finds the parts of a text that carry its threat score, by leaving them out. Nothing is estimated: every figure is the
// model's answer to a text with parts left out.
package explain

import (
	"cmp"
	"context"
	"slices"
	"unicode"
)

// Threats scores texts; a text's score doesn't depend on the others.
type Threats func(ctx context.Context, texts []string) ([]float64, error)

// Span is a part of a text, and what the score is without it.
type Span struct {
	Start   int     `json:"start"` // in bytes
	End     int     `json:"end"`
	Text    string  `json:"text"`
	Without float64 `json:"without"` // threat score of the text that lacks this span alone
}

// Explanation says which parts of a text carry its score.
type Explanation struct {
	Spans   []Span  `json:"spans"`   // in the order of the text
	Without float64 `json:"without"` // threat score of the text without all of them
	// Turns says that the verdict is benign without the spans, and malicious again with any one of them put back. A malicious text of
	// which it isn't true has no such parts: its score is in all of it, or in what a text without words gets.
	Turns bool    `json:"turns"`
	Score float64 `json:"-"` // of the whole text
}

const (
	mostPieces = 48 // that a text is left without in turn: what an explanation costs
	mostSpans  = 24 // that are left out together
	shown      = 3  // spans where leaving parts out turns no verdict
)

// work is a text while its explanation is looked for.
type work struct {
	*Explanation
	text   string
	pieces []Span // the one that counts most first

	spans []Span // that turn the verdict; some may not be needed
	at    int    // the next to try to put back
}

// All explains texts. What is asked of the model about all of them is asked together, so that many texts take few rounds.
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

// ask puts the questions of many texts to the model in one go, and gives each its answers.
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

// leaveOutEach scores the texts, and each without each of its pieces.
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

// turn finds spans without which texts pass: first so many of those that count most, then none that isn't needed.
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
				w.at = len(w.spans) - 1 // what was needed beside it may not be any more
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

// fewer are the spans without the one that is tried; the weakest come last.
func (w *work) fewer() []Span { return slices.Delete(slices.Clone(w.spans), w.at, w.at+1) }

// count shows the spans that count most, of texts of which none turn the verdict.
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

// Without is the text that lacks some spans.
func Without(text string, spans []Span) string {
	var out []byte
	at := 0
	for _, p := range inOrder(spans) {
		out = append(out, text[at:p.Start]...)
		at = p.End
	}
	return string(append(out, text[at:]...))
}

// Pieces divides a text into its words, or into runs of as many words each where it has many. A character of a script without spaces is a word.
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
