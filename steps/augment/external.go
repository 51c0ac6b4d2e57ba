package augment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
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

// outside is a method that asks a program or a server: its answers are kept by question, so none is bought twice.
type outside struct {
	name    string
	key     any // what its answers depend on, besides the text
	most    int // answers of one text; 0: any number
	perCall int // answers of one question; 0: all of a text's
	ask     func(ctx context.Context, text string, n int) ([]string, error)
	limit   int // texts at a time

	answered, faults int // texts, in this run
	fault            error
}

// rowFault is an error that may be one text's: others may be answered.
type rowFault struct{ error }

func (e *rowFault) Unwrap() error { return e.error }

// rowFaultOf marks what a server says of a question that others may not share.
func rowFaultOf(err error) error {
	var s *serverError
	if errors.As(err, &s) && (s.status == http.StatusBadRequest || s.status == http.StatusRequestEntityTooLarge || s.status == http.StatusUnprocessableEntity) {
		return &rowFault{err}
	}
	return err
}

// mostFaults is after how many faults a method that never gave an answer is given up.
const mostFaults = 3

// openOutsides prepares the methods of the configuration that ask outside.
func (w *writer) openOutsides() (err error) {
	if b := w.config.Back; b != nil {
		ask, err := b.translator(w.clock)
		if err != nil {
			return err
		}
		w.outsides = append(w.outsides, &outside{name: backTranslation, key: []any{b.Command, b.Pairs, b.URL, b.Source, b.Pivots}, most: b.ways(), ask: ask, limit: 4})
	}
	l := w.config.LLM
	if l == nil {
		return nil
	}
	if w.asker, err = newAsker(l, w.clock); err != nil {
		return err
	}
	w.outsides = append(w.outsides, &outside{name: llmMethod, key: []any{l.URL, l.Model, l.Prompt, l.Temperature, instruction}, perCall: l.PerCall, ask: w.asker.ask, limit: l.Concurrency})
	return nil
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
	for _, m := range w.outsides {
		share := w.share(m.name, len(w.outsides))
		if share == 0 {
			continue
		}
		if err := w.fetchOne(ctx, m, share, jobs, out); errors.Is(err, errBudget) {
			w.once("llm", "the budget of %s was used up after %d tokens: other methods wrote the rest; a later run with a larger one goes on", m.name, w.asker.budget.spent())
		} else if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fetchOne asks a method. The first error ends the asking, but not what is on its way: that is paid for, and kept.
func (w *writer) fetchOne(ctx context.Context, m *outside, share float64, jobs []job, out [][]candidate) error {
	var g errgroup.Group
	g.SetLimit(m.limit)
	var mu sync.Mutex
	var failed error
	for i, j := range jobs {
		r := w.rows[j.row]
		if r.Label != artifact.Benign {
			continue
		}
		g.Go(func() error {
			mu.Lock()
			stop := failed != nil || ctx.Err() != nil
			mu.Unlock()
			if stop {
				return nil
			}
			texts, err := w.answers(ctx, m, r.Text, m.wanted(share, j.n))
			mu.Lock()
			defer mu.Unlock()
			out[i] = w.accept(out[i], r, m.name, texts)
			var row *rowFault
			switch {
			case err == nil:
				m.answered++
			case errors.As(err, &row):
				if m.faults++; m.fault == nil {
					m.fault = err
				}
				if m.answered == 0 && m.faults >= mostFaults && failed == nil {
					failed = err
				}
			case failed == nil || errors.Is(failed, errBudget):
				failed = err
			}
			return nil
		})
	}
	_ = g.Wait() // its functions give no errors
	if failed == nil && m.answered == 0 && m.faults > 0 {
		failed = m.fault
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return failed
}

// answers are a text's variations, question by question: from the memo where they were asked before.
func (w *writer) answers(ctx context.Context, m *outside, text string, n int) ([]string, error) {
	var all []string
	for call := 0; len(all) < n; call++ {
		ask := n - len(all)
		if m.perCall > 0 {
			ask = min(ask, m.perCall)
		}
		b, err := json.Marshal([]any{"augment outside 2", m.name, m.key, call, ask, text})
		if err != nil {
			return all, err
		}
		key := []cache.Digest{cache.Sum(b)}
		known, err := w.env.Memo().GetMany(ctx, key)
		if err != nil {
			return all, err
		}
		var got []string
		if known[0] == nil || json.Unmarshal(known[0], &got) != nil {
			if got, err = m.ask(ctx, text, ask); err != nil {
				return all, err
			}
			value, err := json.Marshal(got)
			if err != nil {
				return all, err
			}
			// At once: an answer that was paid for must outlive whatever comes next.
			if err := w.env.Memo().PutMany(context.WithoutCancel(ctx), key, [][]byte{value}); err != nil {
				return all, err
			}
		}
		if len(got) == 0 || m.perCall == 0 {
			return append(all, got...), nil
		}
		all = append(all, got...)
	}
	return all, nil
}

func (m *outside) wanted(share float64, n int) int {
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
		why := w.misfit(r, p, s)
		if why == "" && method == llmMethod {
			why = unlike(r.Text, s)
		}
		if why != "" {
			w.reject(why, s)
			continue
		}
		list = append(list, candidate{Text: s, Method: method})
	}
	return list
}

// reportOutside tells which texts got no variations from outside.
func (w *writer) reportOutside() {
	for _, m := range w.outsides {
		if m.faults > 0 {
			w.env.Notef("%s gave nothing usable for %d of %d rows, and other methods wrote their variations; the first time: %v", m.name, m.faults, m.faults+m.answered, m.fault)
		}
	}
	if w.asker == nil {
		return
	}
	var told []string
	for _, why := range slices.Sorted(maps.Keys(w.asker.without)) {
		told = append(told, fmt.Sprintf("%d %s", w.asker.without[why], why))
	}
	if len(told) > 0 {
		w.env.Notef("of the model's answers, %s: other methods wrote those variations. They are not asked for again", strings.Join(told, ", "))
	}
	if w.asker.guessed && w.config.LLM.limit() > 0 {
		w.env.Notef("the endpoint doesn't say how many tokens it used: they are guessed by length, %d in all", w.asker.budget.spent())
	}
}

// once notes something the first time.
func (w *writer) once(key, format string, args ...any) {
	if !w.noted[key] {
		w.noted[key] = true
		w.env.Notef("%s", fmt.Sprintf(format, args...))
	}
}
