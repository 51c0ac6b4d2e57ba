package augment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"

	"golang.org/x/sync/errgroup"

	"rein/cache"
	"rein/steps/artifact"
)

// The names of the methods that ask something outside.
const (
	backTranslation = "back-translation"
	llmMethod       = "llm"
)

// outside is a method that asks a program or a server: its answers are kept by row, so none is bought twice.
type outside struct {
	name  string
	key   any // what its answers depend on, besides the text
	most  int // answers of one text; 0: any number
	ask   func(ctx context.Context, text string, n int) ([]string, error)
	limit int // texts at a time
}

// outsides are the methods of the configuration that ask outside.
func (w *writer) outsides() ([]outside, *asker, error) {
	var out []outside
	if b := w.config.Back; b != nil {
		out = append(out, outside{backTranslation, []any{b.Command, b.Pairs, b.URL, b.Source, b.Pivots}, b.ways(),
			func(ctx context.Context, s string, _ int) ([]string, error) { return b.translate(ctx, s) }, 4})
	}
	l := w.config.LLM
	if l == nil {
		return out, nil, nil
	}
	a, err := newAsker(l)
	if err != nil {
		return nil, nil, err
	}
	return append(out, outside{llmMethod, []any{l.URL, l.Model, l.Prompt, l.Temperature, l.PerCall}, 0,
		func(ctx context.Context, s string, n int) ([]string, error) {
			var all []string
			for len(all) < n {
				got, err := a.ask(ctx, s, min(l.PerCall, n-len(all)))
				if err != nil || len(got) == 0 {
					return all, err
				}
				all = append(all, got...)
			}
			return all, nil
		}, l.Concurrency}), a, nil
}

// share is the part of a row's variations that a method outside makes: by weight, or half of all among those without weights.
func (w *writer) share(name string, methods int) float64 {
	if len(w.config.Methods) == 0 {
		return 0.5 / float64(methods)
	}
	var sum float64
	for _, weight := range w.config.Methods {
		sum += weight
	}
	if sum == 0 {
		return 0
	}
	return w.config.Methods[name] / sum
}

// fetch asks outside for benign rows' variations. A budget that is used up ends the asking, not the step.
func (w *writer) fetch(ctx context.Context, jobs []job) ([][]candidate, error) {
	out := make([][]candidate, len(jobs))
	methods, asker, err := w.outsides()
	if err != nil {
		return nil, err
	}
	for _, m := range methods {
		share := w.share(m.name, len(methods))
		if share == 0 {
			continue
		}
		if err := w.fetchOne(ctx, m, share, jobs, out); errors.Is(err, errBudget) {
			w.once("llm", "the budget of %s was used up after %d tokens: other methods wrote the rest; a later run with a larger one goes on", m.name, asker.used())
		} else if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (w *writer) fetchOne(ctx context.Context, m outside, share float64, jobs []job, out [][]candidate) error {
	keys := make([]cache.Digest, len(jobs))
	for i, j := range jobs {
		b, err := json.Marshal([]any{"augment outside 1", m.name, m.key, m.wanted(share, j.n), w.rows[j.row].Text})
		if err != nil {
			return err
		}
		keys[i] = cache.Sum(b)
	}
	known, err := w.env.Memo().GetMany(ctx, keys)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(m.limit)
	var mu sync.Mutex
	for i, j := range jobs {
		r := w.rows[j.row]
		var texts []string
		if r.Label != artifact.Benign {
			continue
		}
		if known[i] != nil && json.Unmarshal(known[i], &texts) == nil {
			mu.Lock()
			out[i] = w.accept(out[i], r, m.name, texts)
			mu.Unlock()
			continue
		}
		g.Go(func() error {
			texts, err := m.ask(gctx, r.Text, m.wanted(share, j.n))
			if err != nil {
				return err
			}
			value, err := json.Marshal(texts)
			if err != nil {
				return err
			}
			mu.Lock()
			out[i] = w.accept(out[i], r, m.name, texts)
			mu.Unlock()
			// At once: an answer that was paid for must outlive whatever comes next.
			return w.env.Memo().PutMany(context.WithoutCancel(ctx), keys[i:i+1], [][]byte{value})
		})
	}
	return g.Wait()
}

func (m outside) wanted(share float64, n int) int {
	k := int(math.Ceil(share * float64(n)))
	if m.most > 0 {
		k = min(k, m.most)
	}
	return k
}

// accept keeps the answers that are within bounds, and counts the others by reason.
func (w *writer) accept(list []candidate, r artifact.Row, method string, texts []string) []candidate {
	p := parse(r.Text)
	for _, s := range texts {
		if why := w.misfit(r, p, s); why != "" {
			w.reject(why, s)
			continue
		}
		list = append(list, candidate{Text: s, Method: method})
	}
	return list
}

// once notes something the first time.
func (w *writer) once(key, format string, args ...any) {
	if !w.noted[key] {
		w.noted[key] = true
		w.env.Notef("%s", fmt.Sprintf(format, args...))
	}
}
