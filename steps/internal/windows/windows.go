// Package windows divides texts that are longer than a model reads at once into overlapping windows of tokens, and combines the windows'
// scores to the text's by a rule. The model's model.json has the rule.
package windows

import (
	"fmt"
	"math"
	"slices"

	"rein/steps/artifact"
	"rein/steps/internal/ngram"
	"rein/steps/internal/text"
	"rein/steps/internal/tokenizer"
)

// The rules. With Max, a text gets the result of the window with the highest threat score. With NoisyOr, the probability that a text is
// benign is the product of its windows', as if these were independent.
const (
	Max     = "max"
	NoisyOr = "noisy-or"
)

// Rules are the rules to choose from. Without evidence, the first one is used.
var Rules = []string{Max, NoisyOr}

// Most is how many windows of a text are read. It limits what a long text costs.
const Most = 64

// Default returns the windows of a model that reads limit tokens at once: each window overlaps the one before by a quarter of the limit.
func Default(limit int, rule string) *artifact.Windows {
	return &artifact.Windows{Rule: rule, Overlap: limit / 4, Most: Most}
}

// Check returns an error if w isn't valid. A nil w is valid.
func Check(w *artifact.Windows) error {
	if w == nil {
		return nil
	}
	if !slices.Contains(Rules, w.Rule) || w.Overlap < 0 || w.Most < 2 {
		return fmt.Errorf("windows: rule %q, overlap %d, most %d: want one of %q, 0 or more, 2 or more", w.Rule, w.Overlap, w.Most, Rules)
	}
	return nil
}

// Reader divides texts into windows of ids. It is immutable.
type Reader struct {
	tok            tokenizer.Tokenizer
	limit          int
	windows        *artifact.Windows // nil: only a text's first limit tokens are read
	prefix, suffix []int32           // the special tokens before and after a text
	inner, stride  int               // tokens of a window without the special ones; distance from one window's beginning to the next's
}

// New makes a Reader for a model that reads limit tokens at once.
func New(tok tokenizer.Tokenizer, limit int, w *artifact.Windows) *Reader {
	r := &Reader{tok: tok, limit: limit}
	empty, some := tok.Encode(nil, "", 0), tok.Encode(nil, "a", 0)
	n := 0
	for n < len(empty) && n < len(some) && empty[n] == some[n] {
		n++
	}
	r.prefix, r.suffix = empty[:n], empty[n:]
	if r.inner = limit - len(empty); w != nil && r.inner > 0 {
		r.windows, r.stride = w, r.inner-min(w.Overlap, r.inner-1)
	}
	return r
}

// Rule is the rule that combines the windows of a text.
func (r *Reader) Rule() string {
	if r.windows == nil {
		return Max
	}
	return r.windows.Rule
}

// Encoder returns a function that appends a text's windows to ids, and to ends where each window ends in ids. A text has at least one
// window. Each goroutine needs its own function.
func (r *Reader) Encoder() func(text string, ids []int32, ends []int) ([]int32, []int) {
	var all []int32
	return func(text string, ids []int32, ends []int) ([]int32, []int) {
		if r.windows == nil {
			ids = r.tok.Encode(ids, text, r.limit)
			return ids, append(ends, len(ids))
		}
		if all = r.tok.Encode(all[:0], text, 0); len(all) <= r.limit {
			ids = append(ids, all...)
			return ids, append(ends, len(ids))
		}
		body := all[len(r.prefix) : len(all)-len(r.suffix)]
		for _, from := range r.starts(len(body)) {
			ids = append(ids, r.prefix...)
			ids = append(ids, body[from:from+r.inner]...)
			ids = append(ids, r.suffix...)
			ends = append(ends, len(ids))
		}
		return ids, ends
	}
}

// starts returns where the windows of n tokens begin. The last window ends with the text. If there are more than Most windows, those in the
// middle are left out.
func (r *Reader) starts(n int) []int {
	count := (n-r.inner+r.stride-1)/r.stride + 1
	most := r.windows.Most
	var out []int
	for i := range count {
		if count > most && i >= most-most/2 && i < count-most/2 {
			continue
		}
		out = append(out, min(i*r.stride, n-r.inner))
	}
	return out
}

// Windows returns the ids of each window of a text.
func (r *Reader) Windows(text string) [][]int32 {
	ids, ends := r.Encoder()(text, nil, nil)
	var out [][]int32
	from := 0
	for _, to := range ends {
		out = append(out, ids[from:to])
		from = to
	}
	return out
}

// Cut returns how many tokens of a text are in no window.
func (r *Reader) Cut(s string) int {
	most := 1 // tokens that one byte can give
	if !text.IsASCII(s) {
		most = 6 // normalising turns the 3 bytes of U+FDFA into 18 letters
	}
	special, whole := len(r.prefix)+len(r.suffix), r.limit // whole: tokens of the longest text that is read completely
	if r.windows != nil {
		whole = special + r.inner + (r.windows.Most-1)*r.stride
	}
	if r.limit == 0 || most*len(s)+special <= whole {
		return 0
	}
	n := len(r.tok.Encode(nil, s, 0))
	if r.windows == nil || n <= whole {
		return max(0, n-whole)
	}
	n -= special
	cut, end := 0, 0
	for _, from := range r.starts(n) {
		cut += max(0, from-end)
		end = from + r.inner
	}
	return cut
}

// Combine returns the logits of a text, from those of its windows.
func Combine(rule string, windows [][]float32) []float32 {
	if len(windows) == 1 {
		return windows[0]
	}
	probs := make([][]float32, len(windows))
	best, highest := 0, float32(-1)
	for i, w := range windows {
		probs[i] = slices.Clone(w)
		ngram.Softmax(probs[i])
		if t := ngram.Threat(probs[i]); t > highest {
			best, highest = i, t
		}
	}
	if rule != NoisyOr {
		return windows[best]
	}
	out := make([]float32, len(windows[0]))
	benign, sum := 0.0, 0.0
	for _, p := range probs {
		benign += math.Log(max(float64(p[0]), least))
		for j := range p[1:] {
			out[j+1] += p[j+1]
		}
	}
	for _, v := range out[1:] {
		sum += float64(v)
	}
	threat := -math.Expm1(benign)
	out[0] = float32(max(benign, math.Log(least)))
	for j, v := range out[1:] { // each class gets the part of the threat that it has in the sum of all windows
		out[j+1] = float32(math.Log(max(threat*float64(v)/max(sum, least), least)))
	}
	return out
}

// least replaces smaller probabilities before a logarithm is taken.
const least = 1e-30

// Threat returns the threat score of a text, from those of its windows.
func Threat(rule string, windows []float32) float32 {
	if rule != NoisyOr {
		return slices.Max(windows)
	}
	benign := 0.0
	for _, t := range windows {
		benign += math.Log(max(1-float64(t), least))
	}
	return float32(-math.Expm1(benign))
}
