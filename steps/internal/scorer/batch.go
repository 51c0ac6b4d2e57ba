package scorer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/ngram"
	"rein/steps/internal/ort"
	"rein/steps/internal/tokenizer"
	"rein/steps/internal/usergraph"
	"rein/steps/internal/windows"
)

// encoding makes encoders, each for one goroutine. An encoder appends the ids of a text's windows, and the position in ids where each
// window ends. A text that the model reads at once has one window.
type encoding func() func(text string, ids []int32, ends []int) ([]int32, []int)

// newEncoding returns a model's encoding and reach, and the id that fills up a batch.
func newEncoding(model artifact.Model, info artifact.ModelInfo) (encoding, reach, int64, error) {
	if err := windows.Check(info.Windows); err != nil {
		return nil, reach{}, 0, err
	}
	switch info.Kind {
	case ngram.Kind:
		cfg, err := ngram.ParseConfig(info.Text)
		return func() func(string, []int32, []int) ([]int32, []int) {
			x := ngram.NewExtractor(cfg)
			return func(text string, ids []int32, ends []int) ([]int32, []int) {
				ids = x.Features(text, ids)
				return ids, append(ends, len(ids))
			}
		}, reach{"bytes", func(text string) int { return max(0, len(text)-cfg.MaxBytes) }, func(text string) int { return len(strings.Fields(text)) }}, 0, err
	case encoder.Kind:
		cfg, err := encoder.ParseConfig(info.Text)
		if err != nil {
			return nil, reach{}, 0, err
		}
		tok, err := cfg.OpenTokenizer(model.Path)
		if err != nil {
			return nil, reach{}, 0, err
		}
		return tokens(tok, cfg.MaxTokens, info, int64(cfg.Pad))
	case usergraph.Kind:
		cfg, err := usergraph.ParseConfig(info.Text)
		if err != nil {
			return nil, reach{}, 0, err
		}
		tok, err := cfg.OpenTokenizer(model.Path)
		if err != nil {
			return nil, reach{}, 0, err
		}
		return tokens(tok, cfg.MaxTokens, info, int64(cfg.Pad))
	}
	return nil, reach{}, 0, fmt.Errorf("models of kind %q are not known", info.Kind)
}

func tokens(tok tokenizer.Tokenizer, limit int, info artifact.ModelInfo, pad int64) (encoding, reach, int64, error) {
	r := windows.New(tok, limit, info.Windows)
	return r.Encoder, reach{"tokens", r.Cut, func(text string) int { return len(tok.Encode(nil, text, 0)) }}, pad, nil
}

// reach measures texts in the units that a model reads: cut is how much of a text it doesn't read, size is how long a text is.
type reach struct {
	unit string // "bytes" for n-gram models, "tokens" for others
	cut  func(text string) int
	size func(text string) int
}

// Cut returns how many bytes or tokens of a text the model doesn't read. The score says nothing about them.
func (s *Scorer) Cut(text string) int { return s.reach.cut(text) }

// Tokens returns how many tokens a text has, with special tokens. For n-gram models it returns the number of words.
func (s *Scorer) Tokens(text string) int { return s.reach.size(text) }

// CutUnit is the unit of Cut: "bytes" or "tokens".
func (s *Scorer) CutUnit() string { return s.reach.unit }

const (
	maxBlock = 2048 // texts that are sorted by length together
	// maxCells and encoderCells limit the ids of a batch with padding, so that its values fit the processor's cache.
	maxCells, encoderCells = 1 << 13, 1 << 12
	maxRows                = 256
	// A batch has at least leastRows rows, because ONNX Runtime multiplies a single row with another kernel, which rounds differently.
	leastRows = 2
	// Lengths are multiples of lengthStep, because ONNX Runtime adds up a column in groups, which padding must not shift.
	lengthStep = 8
	// An encoder works as long on padding as on tokens. So the longest row of a batch is at most encoderSpread times as long as the
	// shortest, plus encoderSlack tokens.
	encoderSpread, encoderSlack = 1.25, 4
)

// run scores texts without the memo and returns their logits. It batches texts of similar length. The batch changes a text's result only by
// rounding.
func (s *Scorer) run(ctx context.Context, texts []string) ([][]float32, error) {
	if len(texts) >= bulk {
		s.splitOnce.Do(s.split)
	}
	out := make([][]float32, len(texts))
	block := max(min(maxBlock, len(texts)/(4*runtime.GOMAXPROCS(0))), 64) // small enough that all cores get work
	blocks := (len(texts) + block - 1) / block
	var mu sync.Mutex
	var first error
	work := func() func(int) {
		return func(b int) {
			from := b * block
			err := s.block(ctx, texts[from:min(from+block, len(texts))], out[from:])
			if err != nil {
				mu.Lock()
				first = cmp.Or(first, err)
				mu.Unlock()
			}
		}
	}
	if s.single {
		w := work()
		for b := range blocks {
			w(b)
		}
	} else {
		ngram.Parallel(blocks, work)
	}
	return out, first
}

// workspace has what one goroutine needs to score a block. It is reused by later blocks.
type workspace struct {
	encode func(text string, ids []int32, ends []int) ([]int32, []int)
	ids    []int32
	ends   []int
}

// block scores texts. It scores all of their windows, then combines the windows' logits to those of the texts.
func (s *Scorer) block(ctx context.Context, texts []string, out [][]float32) error {
	d, ok := s.workspaces.Get().(*workspace)
	if !ok {
		d = &workspace{encode: s.encode()}
	}
	defer s.workspaces.Put(d)
	all, ends, first := d.ids[:0], append(d.ends[:0], 0), make([]int, len(texts)+1)
	for i, t := range texts {
		all, ends = d.encode(t, all, ends)
		first[i+1] = len(ends) - 1
	}
	d.ids, d.ends = all, ends
	answers := make([][]float32, len(ends)-1)
	text := func(window int) int { i, _ := slices.BinarySearch(first, window+1); return i - 1 }
	of := func(window int) string { return texts[text(window)] }
	left := make([]int, len(texts)) // windows that aren't scored yet, by text
	for i := range left {
		left[i] = first[i+1] - first[i]
	}
	scored := func(windows []int) (n int) {
		for _, w := range windows {
			if left[text(w)]--; left[text(w)] == 0 {
				n++
			}
		}
		return n
	}
	if err := s.rows(ctx, all, ends, answers, of, scored); err != nil {
		return err
	}
	for i := range texts {
		if out[i] = answers[first[i]]; first[i+1]-first[i] > 1 {
			out[i] = windows.Combine(s.info.Windows.Rule, answers[first[i]:first[i+1]])
		}
	}
	return nil
}

// rows scores rows of ids: row i is all[ends[i]:ends[i+1]]. of returns the text of a row. scored returns how many texts are complete now
// that these rows are.
func (s *Scorer) rows(ctx context.Context, all []int32, ends []int, out [][]float32, of func(row int) string, scored func(rows []int) int) error {
	if apart := s.apart.Load(); apart != nil {
		return s.rowsInParts(ctx, apart, all, ends, out, of)
	}
	order := make([]int, len(out))
	for i := range order {
		order[i] = i
	}
	size := func(i int) int { return ends[i+1] - ends[i] }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size(a), size(b)) })
	cells, spread := maxCells, math.Inf(1)
	if s.info.Kind != ngram.Kind {
		cells, spread = encoderCells, encoderSpread
	}
	most, least, step := maxRows, leastRows, lengthStep
	if s.info.Kind == encoder.Kind && s.info.Weights != "" {
		most, least, step = 1, 1, 1 // padding changes the range that decides how activations are quantised, so each row is a batch
	}
	for len(order) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := 1 // rows of this batch; the last one is the longest
		for n < len(order) && n < most && (n+1)*max(size(order[n]), 1) <= cells && float64(size(order[n])) <= spread*float64(size(order[0]))+encoderSlack {
			n++
		}
		length := (max(size(order[n-1]), 1) + step - 1) / step * step
		ids := make([]int64, max(n, least)*length)
		if s.pad != 0 {
			for i := range ids {
				ids[i] = s.pad
			}
		}
		for r, i := range order[:n] {
			for j, id := range all[ends[i]:ends[i+1]] {
				ids[r*length+j] = int64(id)
			}
		}
		logits, err := run(s.session, max(n, least), length, ids, len(s.info.Classes))
		if err != nil {
			return err
		}
		for r, i := range order[:n] {
			if out[i], err = s.answer(logits, r, i, of); err != nil {
				return err
			}
		}
		s.done(scored(order[:n]))
		order = order[n:]
	}
	return nil
}

// rowsInParts does what rows does, for a graph in two parts. Each text is one row.
func (s *Scorer) rowsInParts(ctx context.Context, apart *sums, all []int32, ends []int, out [][]float32, of func(row int) string) error {
	logits, err := apart.logits(all, ends)
	if err != nil {
		return err
	}
	for i := range out {
		if out[i], err = s.answer(logits, i, i, of); err != nil {
			return err
		}
	}
	s.done(len(out))
	return ctx.Err()
}

// answer returns the logits at a position of a batch. row is the row that they belong to, for the error.
func (s *Scorer) answer(logits []float32, at, row int, of func(row int) string) ([]float32, error) {
	classes := len(s.info.Classes)
	out := logits[at*classes : (at+1)*classes]
	if slices.ContainsFunc(out, unusable) {
		return nil, fmt.Errorf("the model's logits are %v for %.60q, which gives no score; is a weight NaN, or too large for its type?", out, of(row))
	}
	return out, nil
}

// unusable tells whether a logit is NaN or infinite. Softmax would make NaN of it, which is below every threshold, so the text would pass
// as benign.
func unusable(v float32) bool { return v != v || v > math.MaxFloat32 }

// run runs a graph and returns its logits.
func run(session *ort.Session, rows, length int, ids []int64, classes int) ([]float32, error) {
	values, err := session.Run(rows, length, ids)
	if err != nil {
		return nil, err
	}
	at := slices.Index(session.Outputs(), ngram.OutputLogits)
	if at < 0 {
		return nil, fmt.Errorf("the graph has outputs %q, none is %q", session.Outputs(), ngram.OutputLogits)
	}
	if want := rows * classes; len(values[at]) != want {
		return nil, fmt.Errorf("the graph gave %d logits for %d rows of %d classes", len(values[at]), rows, classes)
	}
	return values[at], nil
}
