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

// The names of the methods that ask a program or a server.
const (
	backTranslation = "back-translation"
	llmMethod       = "llm"
)

// outside is a method that asks a program or a server. Its answers are stored by question, so no answer is bought twice.
type outside struct {
	name    string
	key     any // what the answers depend on besides the text
	most    int // largest number of variations of one text; 0: any number
	perCall int // variations that one call gives; 0: all of a text's
	ask     func(ctx context.Context, text string, n int) ([]string, error)
	limit   int // number of texts that are asked for at the same time

	answered, faults int // numbers of texts in this run
	fault            error
}

// rowFault is an error that concerns one text. Other texts may still be answered.
type rowFault struct{ error }

func (e *rowFault) Unwrap() error { return e.error }

// doubtful is an error that may concern one text or all of them: a single text can make a server fail, or a firewall in front of it refuse.
type doubtful struct{ error }

func (e *doubtful) Unwrap() error { return e.error }

// faultOf tells whether a server's error concerns one text, all texts, or is doubtful.
func faultOf(err error) error {
	var s *serverError
	var broken *brokenAnswer
	switch {
	case errors.As(err, &broken):
		return &doubtful{err}
	case errors.Is(err, context.Canceled) || isLasting(err):
		return err
	case !errors.As(err, &s):
		return &doubtful{err}
	}
	switch s.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusUnprocessableEntity, http.StatusUnavailableForLegalReasons:
		return &rowFault{err}
	case http.StatusForbidden, http.StatusNotAcceptable:
		return &doubtful{err}
	}
	if s.passes() || s.status < 300 {
		return &doubtful{err}
	}
	return err
}

const (
	mostFaults  = 3  // faults in a row after which a harmless text checks whether the method answers at all
	mostWithout = 20 // faults after which a method is given up if it never answered
)

// openOutsides prepares the configured methods that ask a program or a server.
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

// share returns the share of a row's variations that the method name makes. It follows the weights. Without weights, all outside methods
// together make half of the variations.
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

// fetch asks the outside methods for variations of the benign rows. If a budget is used up, fetch stops asking that method, and the step
// goes on.
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

// fetchOne asks one method. An error that concerns all texts ends the asking, but calls that are already running are finished: they have
// been paid for. After a doubtful error, a harmless text is asked. If the method answers that one, the failed text is tried once more; if
// it fails again, the other methods make its variations.
func (w *writer) fetchOne(ctx context.Context, m *outside, share float64, jobs []job, out [][]candidate) error {
	f := &fetching{outside: m, tries: map[int]int{}}
	for i, j := range jobs {
		if w.rows[j.row].Label == artifact.Benign {
			f.todo = append(f.todo, i)
		}
	}
	for len(f.todo) > 0 && f.failed == nil && ctx.Err() == nil {
		f.round(ctx, func(i int) ([]string, error) {
			return w.answers(ctx, m, w.rows[jobs[i].row].Text, m.wanted(share, jobs[i].n))
		}, func(i int, texts []string) {
			out[i] = w.accept(out[i], w.rows[jobs[i].row], m.name, texts)
		})
		if f.doubt == nil || f.failed != nil || ctx.Err() != nil {
			continue
		}
		f.probe(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.failed == nil && m.answered == 0 && m.faults > 0 {
		f.failed = m.fault
	}
	return f.failed
}

// probe asks for a harmless text after a fault. If the method answers it, the fault concerned only the text.
func (f *fetching) probe(ctx context.Context) {
	doubt := f.doubt
	f.doubt = nil
	if f.answered == 0 && f.inARow < mostFaults {
		f.failed = doubt // all the texts there are have failed, and there are few
		return
	}
	switch _, err := f.ask(ctx, harmless, 1); {
	case errors.Is(err, errBudget):
		f.failed = err
	case err != nil:
		f.failed = doubt
	default:
		f.proven = true
	}
}

// harmless is the text that probe asks for.
const harmless = "How do I open the window in the kitchen?"

// fetching is the state of asking one method.
type fetching struct {
	*outside
	todo  []int       // indexes of the jobs that are still to be asked for
	tries map[int]int // number of doubtful errors, by job

	mu     sync.Mutex
	inARow int   // doubtful errors since the last answer
	doubt  error // first doubtful error of the round
	failed error // the error that ends the asking
	proven bool  // the method has answered the harmless text
}

// round asks for all jobs in todo. It stops early after an error that concerns all texts, or after several doubtful ones in a row.
// Afterwards todo holds the jobs that are left and those to be tried again. For every other job, ended is called with the variations.
func (f *fetching) round(ctx context.Context, ask func(job int) ([]string, error), ended func(job int, texts []string)) {
	var g errgroup.Group
	g.SetLimit(f.limit)
	todo := f.todo
	f.todo, f.inARow = nil, 0
	for _, i := range todo {
		g.Go(func() error {
			f.mu.Lock()
			stop := f.failed != nil || f.inARow >= mostFaults || ctx.Err() != nil
			if stop {
				f.todo = append(f.todo, i)
			}
			f.mu.Unlock()
			if stop {
				return nil
			}
			texts, err := ask(i)
			f.mu.Lock()
			defer f.mu.Unlock()
			if !f.again(i, err) {
				ended(i, texts)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return no errors
	slices.Sort(f.todo)
}

// again records how a job went, and tells whether the job is to be asked for once more.
func (f *fetching) again(i int, err error) bool {
	var row *rowFault
	var doubt *doubtful
	switch {
	case err == nil:
		f.answered++
		f.inARow = 0
		return false
	case errors.As(err, &row):
	case errors.As(err, &doubt):
		f.inARow++
		if f.doubt == nil {
			f.doubt = err
		}
		if f.tries[i]++; f.tries[i] < 2 {
			f.todo = append(f.todo, i)
			return true
		}
	default:
		if f.failed == nil || errors.Is(f.failed, errBudget) {
			f.failed = err
		}
		return false
	}
	if f.faults++; f.fault == nil {
		f.fault = err
	}
	switch {
	case f.answered > 0 || f.failed != nil:
	case f.faults >= mostWithout:
		f.failed = f.fault
	case f.faults >= mostFaults && !f.proven:
		f.doubt, f.inARow = f.fault, mostFaults
	}
	return false
}

// answers returns up to n variations of a text, one question after the other. A question that was asked before is answered from the memo.
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
			// Stored at once, even if ctx has ended: an answer that was paid for must not be lost.
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

// accept adds the answers that are within bounds to list. It counts the others by reason.
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

// reportOutside reports how many texts got no variations from outside methods, and why.
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

// once adds a note unless one with the same key was added before.
func (w *writer) once(key, format string, args ...any) {
	if !w.noted[key] {
		w.noted[key] = true
		w.env.Notef("%s", fmt.Sprintf(format, args...))
	}
}
