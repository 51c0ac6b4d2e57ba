// Package scorer scores texts with a model folder, always through ONNX Runtime: with the exported graph where the folder
// has one, else with the graph that export would write of its weights. Of many texts, an n-gram graph's sums over rows of its tables are taken in
// Go if that is proven to give the same bits (sums.go).
package scorer

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"rein/cache"
	"rein/steps/artifact"
	"rein/steps/internal/bundle"
	"rein/steps/internal/encoder"
	"rein/steps/internal/ngram"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
	"rein/steps/internal/usergraph"
)

// Memo keeps small values under a content hash across runs; engine.Memo is one.
type Memo interface {
	GetMany(ctx context.Context, keys []cache.Digest) ([][]byte, error)
	PutMany(ctx context.Context, keys []cache.Digest, values [][]byte) error
}

// Options adjusts a Scorer.
type Options struct {
	Threads int  // that ONNX Runtime uses inside a batch; 0: one, and batches run on all cores
	Memo    Memo // keeps scores by text and model, other than n-gram models'; nil: none
	Linear  bool // keeps the linear part of an n-gram model, to attribute scores
	Whole   bool // runs the graph in ONNX Runtime as it is, however many texts there are: for who proves or times the graph itself
	// Done is told how many more texts have their scores, as soon as they have; from several goroutines. nil: it isn't.
	Done func(texts int)
}

// Score is the model's answer for one text.
type Score struct {
	Threat float32   // 1 - P(benign)
	Probs  []float32 // in the order of Classes
}

// Scorer scores texts. Its methods are safe for concurrent use.
type Scorer struct {
	info    artifact.ModelInfo
	session *ort.Session
	encode  encoding
	desks   sync.Pool // of *desk
	reach   reach
	linear  *ngram.LinearPart // nil: there is none, or nobody asked for it
	pad     int64             // fills up a batch
	digest  cache.Digest      // of the graph and the rules that turn text into its inputs
	memo    Memo
	done    func(texts int)
	single  bool   // one batch at a time: the graph itself uses several threads
	graph   []byte // until it is taken apart; nil: it is to be run as it is
	taking  sync.Once
	apart   atomic.Pointer[sums] // of an n-gram graph, once there were texts enough; nil: the graph is run as it is
}

// Open loads a model, or a package, whose files it checks.
func Open(ctx context.Context, model artifact.Model, opt Options) (*Scorer, error) {
	if err := bundle.Verify(model.Path); err != nil {
		return nil, err
	}
	info, err := model.Info()
	if err != nil {
		return nil, err
	}
	graph, err := graphOf(model, info)
	if err != nil {
		return nil, err
	}
	s := &Scorer{info: info, memo: opt.Memo, done: opt.Done, single: opt.Threads > 1}
	if s.done == nil {
		s.done = func(int) {}
	}
	if s.encode, s.reach, s.pad, err = newEncoding(model, info); err != nil {
		return nil, fmt.Errorf("%s: %w", model.Path, err)
	}
	if s.session, err = ort.Open(graph, ort.Options{Threads: opt.Threads}); err != nil {
		return nil, fmt.Errorf("%s: %w", model.Path, err)
	}
	s.digest = identity(graph, info)
	if info.Kind == ngram.Kind {
		s.memo = nil // it takes longer to keep a score, or half as long to find it, as to work it out
		if !opt.Whole && !s.single {
			s.graph = graph
		}
	}
	if opt.Linear && info.Kind == ngram.Kind {
		cfg, err := ngram.ParseConfig(info.Text)
		if err != nil {
			return nil, err
		}
		s.linear = ngram.ReadLinear(graph, cfg)
	}
	return s, ctx.Err()
}

// graphOf reads the exported graph, or writes the model's in memory.
func graphOf(model artifact.Model, info artifact.ModelInfo) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(model.Path, artifact.ModelGraphFile))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	switch info.Kind {
	case ngram.Kind:
		m, _, err := ngram.Load(model)
		if err != nil {
			return nil, err
		}
		return m.Graph("rein", nil, onnxgraph.FP32), nil
	case encoder.Kind:
		m, _, _, err := encoder.Load(model)
		if err != nil {
			return nil, err
		}
		return m.Graph("rein", nil, onnxgraph.FP32), nil
	case usergraph.Kind:
		m, _, _, err := usergraph.Load(model)
		if err != nil {
			return nil, err
		}
		return m.Graph(nil), nil
	}
	return nil, fmt.Errorf("%s: a model of kind %q without %s", model.Path, info.Kind, artifact.ModelGraphFile)
}

// identity hashes what decides a score: the rules, the graph and the library that runs it; not the threshold, not the metadata
// of model.json.
func identity(graph []byte, info artifact.ModelInfo) cache.Digest {
	var text any
	_ = json.Unmarshal(info.Text, &text) // compact form; it was parsed before
	said := []any{"score 2", ort.Fingerprint(), info.Kind, info.Classes, text}
	if w := info.Windows; w != nil {
		said = append(said, w.Rule, w.Overlap, w.Most)
	}
	canonical, _ := json.Marshal(said)
	sum := cache.Sum(graph)
	return cache.Sum(append(canonical, sum[:]...))
}

// Classes lists the classes in the order of Score.Probs; benign is the first.
func (s *Scorer) Classes() []string { return s.info.Classes }

// Threshold is the model's: a Threat at or above it means malicious.
func (s *Scorer) Threshold() float64 { return s.info.Threshold }

// Info is the model's model.json.
func (s *Scorer) Info() artifact.ModelInfo { return s.info }

// Linear is the linear part of an n-gram model that was opened with it; nil where it has none.
func (s *Scorer) Linear() *ngram.LinearPart { return s.linear }

// Close frees the model.
func (s *Scorer) Close() error {
	s.apart.Load().close()
	s.session.Close()
	return nil
}

// Score scores texts, on all cores, in their order.
func (s *Scorer) Score(ctx context.Context, texts []string) ([]Score, error) {
	logits, err := s.remembered(ctx, texts)
	if err != nil {
		return nil, err
	}
	out := make([]Score, len(texts))
	for i, l := range logits {
		p := slices.Clone(l)
		ngram.Softmax(p)
		out[i] = Score{Threat: ngram.Threat(p), Probs: p}
	}
	return out, nil
}

// Threats are the threat scores of Score.
func (s *Scorer) Threats(ctx context.Context, texts []string) ([]float64, error) {
	scores, err := s.Score(ctx, texts)
	out := make([]float64, len(scores))
	for i, x := range scores {
		out[i] = float64(x.Threat)
	}
	return out, err
}

// Logits returns the raw outputs by row, without the memo: for comparing models.
func (s *Scorer) Logits(ctx context.Context, texts []string) ([][]float32, error) {
	return s.run(ctx, texts)
}

// remembered asks the memo first and keeps what was computed.
func (s *Scorer) remembered(ctx context.Context, texts []string) ([][]float32, error) {
	if s.memo == nil {
		return s.run(ctx, texts)
	}
	keys := make([]cache.Digest, len(texts))
	for i, t := range texts {
		sum := cache.Sum([]byte(t))
		keys[i] = cache.Sum(append(s.digest[:], sum[:]...))
	}
	known, err := s.memo.GetMany(ctx, keys)
	if err != nil {
		return nil, err
	}
	out := make([][]float32, len(texts))
	var missing []int
	for i, v := range known {
		if out[i] = decode(v, len(s.info.Classes)); out[i] == nil {
			missing = append(missing, i)
		}
	}
	s.done(len(texts) - len(missing))
	if len(missing) == 0 {
		return out, nil
	}
	todo, newKeys, values := make([]string, len(missing)), make([]cache.Digest, len(missing)), make([][]byte, len(missing))
	for j, i := range missing {
		todo[j], newKeys[j] = texts[i], keys[i]
	}
	fresh, err := s.run(ctx, todo)
	if err != nil {
		return nil, err
	}
	for j, i := range missing {
		out[i] = fresh[j]
		for _, v := range fresh[j] {
			values[j] = binary.LittleEndian.AppendUint32(values[j], math.Float32bits(v))
		}
	}
	return out, s.memo.PutMany(ctx, newKeys, values)
}

// decode reads a kept value; nil where it is absent or broken.
func decode(b []byte, n int) []float32 {
	if len(b) != 4*n {
		return nil
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}
