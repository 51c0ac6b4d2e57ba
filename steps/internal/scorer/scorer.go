// Package scorer scores texts with a model folder, always through ONNX Runtime. It runs the exported graph if the folder has one, else the
// graph that an export of its weights would write. For many texts, it computes the sums over table rows of an n-gram graph in Go, if a test
// shows that they have the same bits (sums.go).
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

// Memo keeps small values by a content hash, across runs. engine.Memo implements it.
type Memo interface {
	GetMany(ctx context.Context, keys []cache.Digest) ([][]byte, error)
	PutMany(ctx context.Context, keys []cache.Digest, values [][]byte) error
}

// Options configures a Scorer.
type Options struct {
	Threads int  // threads that ONNX Runtime uses within a batch; 0 means one, and batches run on all cores
	Memo    Memo // keeps scores by text and model, except those of n-gram models; nil keeps none
	Linear  bool // reads the linear part of an n-gram model, to attribute scores
	Whole   bool // always runs the whole graph in ONNX Runtime, for callers that prove or time the graph itself
	// Done, if it isn't nil, is called with the number of further texts that are scored. Several goroutines may call it at once.
	Done func(texts int)
}

// Score is the model's result for one text.
type Score struct {
	Threat float32   // 1 - P(benign), from 0 to 1
	Probs  []float32 // in the order of Classes
}

// Scorer scores texts. Its methods are safe for concurrent use.
type Scorer struct {
	info       artifact.ModelInfo
	session    *ort.Session
	encode     encoding
	workspaces sync.Pool // of *workspace
	reach      reach
	linear     *ngram.LinearPart // nil if the model has none, or Options.Linear is false
	pad        int64             // the id that fills up a batch
	digest     cache.Digest      // of everything that decides a score
	memo       Memo
	done       func(texts int)
	single     bool   // one batch at a time, because the graph itself uses several threads
	graph      []byte // kept until split has used it; nil if it must not be split
	splitOnce  sync.Once
	apart      atomic.Pointer[sums] // the split n-gram graph; nil if the whole graph is run
}

// Open loads a model or a package. It verifies the checksums of a package.
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
		s.memo = nil // computing a score is faster than storing it, and takes only twice as long as finding a stored one
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

// graphOf reads the exported graph, or builds it from the model's weights.
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

// identity hashes everything that decides a score: the rules that turn text into ids, the graph, and the library that runs it. It leaves
// out the threshold and the rest of model.json.
func identity(graph []byte, info artifact.ModelInfo) cache.Digest {
	var text any
	_ = json.Unmarshal(info.Text, &text) // normalises the JSON; it was parsed before, so there is no error
	said := []any{"score 2", ort.Fingerprint(), info.Kind, info.Classes, text}
	if w := info.Windows; w != nil {
		said = append(said, w.Rule, w.Overlap, w.Most)
	}
	canonical, _ := json.Marshal(said)
	sum := cache.Sum(graph)
	return cache.Sum(append(canonical, sum[:]...))
}

// Classes lists the classes in the order of Score.Probs. The first is benign.
func (s *Scorer) Classes() []string { return s.info.Classes }

// Threshold is the model's threshold. A Threat equal to or above it means malicious.
func (s *Scorer) Threshold() float64 { return s.info.Threshold }

// Info is the content of the model's model.json.
func (s *Scorer) Info() artifact.ModelInfo { return s.info }

// Linear is the linear part of an n-gram model that was opened with Options.Linear. It is nil if the model has none that can be read.
func (s *Scorer) Linear() *ngram.LinearPart { return s.linear }

// Close frees the model.
func (s *Scorer) Close() error {
	s.apart.Load().close()
	s.session.Close()
	return nil
}

// Score scores texts on all cores. The scores are in the order of the texts.
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

// Threats returns the threat scores of texts, from 0 to 1.
func (s *Scorer) Threats(ctx context.Context, texts []string) ([]float64, error) {
	scores, err := s.Score(ctx, texts)
	out := make([]float64, len(scores))
	for i, x := range scores {
		out[i] = float64(x.Threat)
	}
	return out, err
}

// Logits returns the logits of each text. It doesn't use the memo, so it can compare models.
func (s *Scorer) Logits(ctx context.Context, texts []string) ([][]float32, error) {
	return s.run(ctx, texts)
}

// remembered returns the logits of texts. It computes and stores those that the memo doesn't have.
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

// decode reads a value of the memo. It returns nil if the value is missing or broken.
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
