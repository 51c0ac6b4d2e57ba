package scorer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/ngram"
	"rein/steps/internal/tokenizer"
	"rein/steps/internal/usergraph"
)

// encoding makes encoders of one goroutine each: text to the ids of the graph's input.
type encoding func() func(text string, dst []int32) []int32

func newEncoding(model artifact.Model, info artifact.ModelInfo) (encoding, int64, error) {
	switch info.Kind {
	case ngram.Kind:
		cfg, err := ngram.ParseConfig(info.Text)
		if err != nil {
			return nil, 0, err
		}
		return func() func(string, []int32) []int32 { return ngram.NewExtractor(cfg).Features }, 0, nil
	case encoder.Kind:
		cfg, err := encoder.ParseConfig(info.Text)
		if err != nil {
			return nil, 0, err
		}
		tok, err := cfg.OpenTokenizer(model.Path)
		if err != nil {
			return nil, 0, err
		}
		return limited(tok, cfg.MaxTokens), int64(cfg.Pad), nil
	case usergraph.Kind:
		cfg, err := usergraph.ParseConfig(info.Text)
		if err != nil {
			return nil, 0, err
		}
		tok, err := cfg.OpenTokenizer(model.Path)
		return limited(tok, cfg.MaxTokens), int64(cfg.Pad), err
	}
	return nil, 0, fmt.Errorf("models of kind %q are not known", info.Kind)
}

// limited encodes up to some tokens.
func limited(tok tokenizer.Tokenizer, limit int) encoding {
	return func() func(string, []int32) []int32 {
		return func(text string, dst []int32) []int32 { return tok.Encode(dst, text, limit) }
	}
}

const (
	maxBlock = 2048 // texts that are sorted by length together
	// ids of a batch, filling included: what its values need should fit the cache
	maxCells, encoderCells = 1 << 13, 1 << 12
	maxRows                = 256
	// ONNX Runtime multiplies a single row by another kernel, with other rounding
	leastRows = 2
	// and adds up a column in groups: filling must not shift them
	lengthStep = 8
	// an encoder works on filling as on tokens: a batch's longest row is at most this much longer than its shortest, and some tokens
	encoderSpread, encoderSlack = 1.25, 4
)

// run scores without the memo. Rows are batched with others of about their length; a row's result does not depend on
// its batch beyond rounding.
func (s *Scorer) run(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	block := max(min(maxBlock, len(texts)/(4*runtime.GOMAXPROCS(0))), 64) // all cores get some
	blocks := (len(texts) + block - 1) / block
	var mu sync.Mutex
	var first error
	work := func() func(int) {
		encode := s.encode()
		return func(b int) {
			from := b * block
			err := s.block(ctx, encode, texts[from:min(from+block, len(texts))], out[from:])
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

func (s *Scorer) block(ctx context.Context, encode func(string, []int32) []int32, texts []string, out [][]float32) error {
	var all []int32
	ends, order := make([]int, len(texts)+1), make([]int, len(texts))
	for i, t := range texts {
		all = encode(t, all)
		ends[i+1], order[i] = len(all), i
	}
	size := func(i int) int { return ends[i+1] - ends[i] }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size(a), size(b)) })
	cells, spread := maxCells, math.Inf(1)
	if s.info.Kind != ngram.Kind {
		cells, spread = encoderCells, encoderSpread
	}
	most, least, step := maxRows, leastRows, lengthStep
	if s.info.Kind == encoder.Kind && s.info.Weights != "" {
		most, least, step = 1, 1, 1 // activations are quantised by the batch's range, filling and all: a row's score must be its own
	}
	for len(order) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := 1 // rows of this batch; the longest is the last
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
		logits, err := s.batch(max(n, least), length, ids)
		if err != nil {
			return err
		}
		classes := len(s.info.Classes)
		for r, i := range order[:n] {
			out[i] = logits[r*classes : (r+1)*classes]
			if slices.ContainsFunc(out[i], overflown) {
				return fmt.Errorf("the model's logits are %v for %.60q: no score can be made of them; is a weight NaN, or too large for its type?", out[i], texts[i])
			}
		}
		order = order[n:]
	}
	return nil
}

// overflown is a logit of which softmax makes NaN: that would pass for benign, as it is over no threshold.
func overflown(v float32) bool { return v != v || v > math.MaxFloat32 }

// batch runs the graph and picks its logits.
func (s *Scorer) batch(rows, length int, ids []int64) ([]float32, error) {
	values, err := s.session.Run(rows, length, ids)
	if err != nil {
		return nil, err
	}
	at := slices.Index(s.session.Outputs(), ngram.OutputLogits)
	if at < 0 {
		return nil, fmt.Errorf("the graph has outputs %q, none is %q", s.session.Outputs(), ngram.OutputLogits)
	}
	if want := rows * len(s.info.Classes); len(values[at]) != want {
		return nil, fmt.Errorf("the graph gave %d logits for %d rows of %d classes", len(values[at]), rows, len(s.info.Classes))
	}
	return values[at], nil
}
