package compare

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"rein/cache"
	"rein/engine/record"
)

// Most of a comparison's time goes into reading scores and testing pairs of columns on them. What a test says depends on nothing but two
// reports, two lists of scores and the program, so it is remembered under a digest of these. A column whose tests are all known has its
// scores opened by what needs rows, or by nothing.

// Memo keeps small values under digests; *cache.Store is one.
type Memo interface {
	// GetMany returns a value or nil for each key, in order.
	GetMany(ctx context.Context, keys []cache.Digest) ([][]byte, error)
	PutMany(ctx context.Context, keys []cache.Digest, values [][]byte) error
}

// remembered are the tests of pairs that were done before, and those that are done now.
type remembered struct {
	program string
	known   map[cache.Digest]*Test
	fresh   map[cache.Digest]*Test
}

// memoTest is a Test with all its fields.
type memoTest struct {
	Test
	RowsOf *[2]RowSet `json:"rows_of,omitempty"`
}

// pairKey is what a test of two columns depends on.
func (m *remembered) pairKey(a, b *run, metric, set string) cache.Digest {
	text := fmt.Appendf(nil, "paired-test 1\n%q %q %q\n", m.program, metric, set)
	for _, d := range []*run{a, b} {
		text = fmt.Appendf(text, "report %s scores %s\n", d.result.Outputs[reportPort].Digest, d.result.Outputs[scoresPort].Digest)
	}
	return cache.Sum(text)
}

// recall looks for all pairs' tests, and reads the scores of the columns of which some aren't known. all: of every column.
func (r *Result) recall(ctx context.Context, memo Memo, program string, all bool) {
	r.tests = remembered{program: program, known: map[cache.Digest]*Test{}, fresh: map[cache.Digest]*Test{}}
	pairs := map[cache.Digest][2]string{}
	var keys []cache.Digest
	for t := range r.pairs() {
		da, db := r.detail[t.a], r.detail[t.b]
		if da.scores == nil || db.scores == nil {
			continue
		}
		k := r.tests.pairKey(da, db, t.name(), t.set)
		pairs[k], keys = [2]string{t.a, t.b}, append(keys, k)
	}
	needed := map[string]bool{}
	for _, name := range r.Columns() {
		needed[name] = all
	}
	var values [][]byte
	if memo != nil && program != "" {
		values, _ = memo.GetMany(ctx, keys) // a lost value is only lost time
	}
	for i, k := range keys {
		var t *memoTest
		if i < len(values) && values[i] != nil && json.Unmarshal(values[i], &t) == nil {
			r.tests.known[k] = nil
			if t != nil {
				t.Test.RowsOf = t.RowsOf
				r.tests.known[k] = &t.Test
			}
			continue
		}
		needed[pairs[k][0]], needed[pairs[k][1]] = true, true
	}
	r.readScores(needed)
}

// readScores reads the scores of columns. Those that can't be read are a problem of the column, which has none then.
func (r *Result) readScores(of map[string]bool) {
	var wg sync.WaitGroup
	for name, d := range r.detail {
		if of[name] && d.scores != nil {
			wg.Go(func() {
				if _, err := d.scores.read(); err != nil {
					d.scores, d.problems = nil, append(d.problems, Unreadable{name, err.Error()})
				}
			})
		}
	}
	wg.Wait()
}

// keep remembers the tests that were done now. What can't be kept is done again.
func (r *Result) keep(ctx context.Context, memo Memo) {
	if memo == nil || r.tests.program == "" {
		return
	}
	var keys []cache.Digest
	var values [][]byte
	for k, t := range r.tests.fresh {
		var m *memoTest
		if t != nil {
			m = &memoTest{*t, t.RowsOf}
		}
		if v, err := json.Marshal(m); err == nil { // else it has a number that JSON doesn't
			keys, values = append(keys, k), append(values, v)
		}
	}
	if len(keys) > 0 {
		_ = memo.PutMany(ctx, keys, values)
	}
}

// scores are a model's answers.
type scores struct {
	path string
	read func() (map[string]*answers, error) // by set of rows
}

func newScores(path string, st *record.Step) *scores {
	return &scores{path, sync.OnceValues(func() (map[string]*answers, error) {
		sets, err := readSets(path)
		if err != nil {
			return nil, fmt.Errorf("the scores of step %s: %w", st.Name, err)
		}
		return sets, nil
	})}
}

// set are the answers of one set of rows; nil where there are none.
func (s *scores) set(name string) *answers {
	sets, _ := s.read() // an error has been told of
	return sets[name]
}
