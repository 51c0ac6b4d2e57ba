package augment

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"rein/cache"
	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/scorer"
	"rein/steps/internal/text"
)

// implementation is part of the row memo's key: raised when a row's candidates would change.
const implementation = "augment 2"

// writer is the state of one run.
type writer struct {
	env      *steps.Env
	config   Config
	rows     []artifact.Row
	lex      lexicon
	families map[string][]string // texts of malicious rows by category, in the order of the rows
	grammars map[string]*patterns
	contexts map[string]string // digest of what a family's candidates depend on, besides the row
	seen     map[[16]byte]bool
	noted    map[string]bool
	wordnet  lexicon
	dict     string // digest of the WordNet folder
	teacher  *scorer.Scorer

	out      []artifact.Row
	made     map[string]int // by method
	rejected map[string]int // by reason
	short    int            // variations that could not be written
}

// job is a row to vary and how often.
type job struct{ row, n int }

// candidate is a possible variation.
type candidate struct {
	Text   string `json:"t"`
	Method string `json:"m"`
}

func newWriter(env *steps.Env, c Config, rows []artifact.Row) *writer {
	w := &writer{env: env, config: c, rows: rows, lex: builtIn(), families: map[string][]string{}, grammars: map[string]*patterns{},
		contexts: map[string]string{}, seen: map[[16]byte]bool{}, noted: map[string]bool{}, made: map[string]int{}, rejected: map[string]int{}}
	for _, r := range rows {
		w.seen[text.Key(r.Text)] = true
		if r.Label == artifact.Malicious {
			w.families[r.Category] = append(w.families[r.Category], r.Text)
		}
	}
	for f, texts := range w.families {
		w.grammars[f] = learn(texts)
		sum := cache.Sum([]byte(strings.Join(texts, "\x00")))
		w.contexts[f] = sum.String()
	}
	return w
}

func (w *writer) avoid(ctx context.Context, in In) error {
	for _, rows := range in.Avoid {
		for r, err := range rows.All() {
			if err := cmp.Or(err, ctx.Err()); err != nil {
				return err
			}
			w.seen[text.Key(r.Text)] = true
		}
	}
	return nil
}

// jobs decides which rows are varied, and how often.
func (w *writer) jobs() ([]job, error) {
	if len(w.rows) == 0 {
		return nil, errors.New("there are no rows to vary")
	}
	var jobs []job
	if w.config.Size == 0 {
		for i := range w.rows {
			jobs = append(jobs, job{i, w.config.Variations})
		}
		return jobs, nil
	}
	groups := map[string][]int{}
	for i, r := range w.rows {
		switch {
		case len(w.config.Families) == 0:
			groups[""] = append(groups[""], i)
		case r.Label == artifact.Malicious:
			groups[r.Category] = append(groups[r.Category], i)
		}
	}
	shares := w.config.Families
	if len(shares) == 0 {
		shares = map[string]float64{"": 1}
	}
	quota, err := w.quota(groups, shares)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(quota)) {
		members := groups[name]
		rng := text.RNG(int64(w.config.Seed), "augment rows", name)
		rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		n := min(quota[name], len(members))
		for i := range n {
			times := quota[name] / n
			if i < quota[name]%n {
				times++
			}
			jobs = append(jobs, job{members[i], times})
		}
	}
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Compare(a.row, b.row) })
	return jobs, nil
}

// quota divides size among the families that there are.
func (w *writer) quota(groups map[string][]int, shares map[string]float64) (map[string]int, error) {
	var sum float64
	present := map[string]float64{}
	for _, f := range slices.Sorted(maps.Keys(shares)) {
		if len(groups[f]) == 0 {
			if shares[f] > 0 {
				w.env.Notef("there are no rows of family %q to vary: the others take its share", f)
			}
			continue
		}
		present[f] = shares[f]
		sum += shares[f]
	}
	if sum == 0 {
		return nil, fmt.Errorf("there are no rows of the families %v: the data has %v", slices.Sorted(maps.Keys(shares)), slices.Sorted(maps.Keys(groups)))
	}
	out, given := map[string]int{}, 0
	names := slices.Sorted(maps.Keys(present))
	for _, f := range names {
		out[f] = int(float64(w.config.Size) * present[f] / sum)
		given += out[f]
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(present[b], present[a]) })
	for i := range w.config.Size - given {
		out[names[i%len(names)]]++
	}
	return out, nil
}

// write makes candidates on all cores, remembered by row, and then takes them in order.
func (w *writer) write(ctx context.Context, jobs []job) error {
	const block = 2048
	total := 0
	for _, j := range jobs {
		total += j.n
	}
	missing := 0
	for from := 0; from < len(jobs); from += block {
		part := jobs[from:min(from+block, len(jobs))]
		cands, err := w.all(ctx, part)
		if err != nil {
			return err
		}
		for i, j := range part {
			missing += j.n - w.take(j, cands[i])
		}
		w.env.Progress(int64(len(w.out)), int64(total), "variations")
	}
	// Rows that gave too few: the others make up for them, in turn.
	for round := 1; missing > 0 && round <= 20; round++ {
		for _, j := range jobs {
			if missing == 0 || ctx.Err() != nil {
				break
			}
			cands := [][]candidate{w.candidatesOf(j.row, 1, round)}
			if w.teacher != nil {
				if err := w.agree(ctx, w.teacher, []job{j}, cands); err != nil {
					return err
				}
			}
			missing -= w.take(job{j.row, 1}, cands[0])
		}
	}
	w.short = missing
	return ctx.Err()
}

// open opens what the step may use besides its rows.
func (w *writer) open(ctx context.Context, in In) (err error) {
	if in.WordNet.Path != "" {
		if w.wordnet, err = readWordNet(in.WordNet.Path); err != nil {
			return err
		}
		for _, f := range w.env.Files("wordnet") {
			w.dict += f.Digest.String()
		}
	}
	if in.Teacher.Path != "" {
		w.teacher, err = scorer.Open(ctx, in.Teacher, scorer.Options{Memo: w.env.Memo()})
	}
	return err
}

func (w *writer) close() {
	if w.teacher != nil {
		w.teacher.Close()
	}
}

// all are the candidates of each job: answers from outside first, then the built-in methods', without those that the
// teacher decides otherwise.
func (w *writer) all(ctx context.Context, jobs []job) ([][]candidate, error) {
	out, err := w.fetch(ctx, jobs)
	if err != nil {
		return nil, err
	}
	local, err := w.candidates(ctx, jobs)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i] = append(out[i], local[i]...)
	}
	if w.teacher != nil {
		err = w.agree(ctx, w.teacher, jobs, out)
	}
	return out, err
}

// spare is how many more candidates than wanted are made: some will be there already.
func spare(n int) int { return n + n/2 + 4 }

// candidates are the candidates of each job, from the memo where the row was seen before.
func (w *writer) candidates(ctx context.Context, jobs []job) ([][]candidate, error) {
	keys := make([]cache.Digest, len(jobs))
	for i, j := range jobs {
		keys[i] = w.key(j)
	}
	known, err := w.env.Memo().GetMany(ctx, keys)
	if err != nil {
		return nil, err
	}
	out := make([][]candidate, len(jobs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	var fresh []int
	for i, j := range jobs {
		if known[i] != nil && json.Unmarshal(known[i], &out[i]) == nil {
			continue
		}
		fresh = append(fresh, i)
		g.Go(func() error {
			out[i] = w.candidatesOf(j.row, j.n, 0)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var newKeys []cache.Digest
	var values [][]byte
	for _, i := range fresh {
		v, err := json.Marshal(out[i])
		if err != nil {
			return nil, err
		}
		newKeys, values = append(newKeys, keys[i]), append(values, v)
	}
	return out, w.env.Memo().PutMany(context.WithoutCancel(ctx), newKeys, values)
}

// key names all that a job's candidates depend on.
func (w *writer) key(j job) cache.Digest {
	r := w.rows[j.row]
	b, _ := json.Marshal([]any{implementation, w.config.Seed, w.config.Methods, w.config.MaxGrowth, lexiconText, w.dict, j.n, r.Label, w.contexts[r.Category], r.Text})
	return cache.Sum(b)
}

// candidatesOf makes candidates for n variations of a row, all different. A later round gives others.
func (w *writer) candidatesOf(row, n, round int) []candidate {
	r := w.rows[row]
	rng := text.RNG(int64(w.config.Seed), "augment", r.Label, r.Text, fmt.Sprint(round))
	methods, weights := w.methods(r)
	if len(methods) == 0 {
		return nil
	}
	seen := map[[16]byte]bool{text.Key(r.Text): true}
	var out []candidate
	for try := 0; len(out) < spare(n) && try < 8*spare(n)+40; try++ {
		m := methods[choose(weights, rng)]
		s, ok := m.apply(r.Text, rng)
		if ok && try > 3*spare(n) { // the plain methods are used up: two at once
			s, ok = methods[choose(weights, rng)].apply(s, rng)
		}
		if !ok || w.misfit(r, s) != "" {
			continue
		}
		if k := text.Key(s); !seen[k] {
			seen[k] = true
			out = append(out, candidate{s, m.name})
		}
	}
	return out
}

// methods are those for a row's label, with their weights.
func (w *writer) methods(r artifact.Row) ([]method, []float64) {
	all := benignMethods(w.lex)
	if w.wordnet != nil {
		all = append(all, method{"wordnet", func(s string, r *rand.Rand) (string, bool) { return synonyms(w.wordnet, s, r, 0.35) }})
	}
	if r.Label == artifact.Malicious {
		all = maliciousMethods(w.lex, w.families[r.Category], w.grammars[r.Category])
	}
	var out []method
	var weights []float64
	for _, m := range all {
		weight, given := w.config.Methods[m.name]
		if len(w.config.Methods) == 0 {
			weight, given = 1, true
		}
		if given && weight > 0 {
			out, weights = append(out, m), append(weights, weight)
		}
	}
	return out, weights
}

func choose(weights []float64, r *rand.Rand) int {
	var sum float64
	for _, w := range weights {
		sum += w
	}
	at := r.Float64() * sum
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// misfit says why a variation is out of bounds: a benign one keeps its length and its protected spans. "" if it isn't.
func (w *writer) misfit(r artifact.Row, s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "empty"
	case r.Label == artifact.Malicious:
		return ""
	case len(s) > int(w.config.MaxGrowth*float64(len(r.Text)))+80:
		return "too long (max_growth)"
	case 2*len(s) < len(r.Text):
		return "less than half as long as its row"
	case !kept(r.Text, s):
		return "code, a link, a number or a quotation was lost"
	case negations(r.Text) != negations(s):
		return "another number of negations: it may say the opposite"
	}
	return ""
}

// take takes up to j.n candidates whose text isn't there yet, and returns how many.
func (w *writer) take(j job, cands []candidate) int {
	r, n := w.rows[j.row], 0
	for _, c := range cands {
		if n == j.n {
			break
		}
		k := text.Key(c.Text)
		if w.seen[k] {
			w.rejected["its text is there already"]++
			continue
		}
		w.seen[k] = true
		n++
		w.made[c.Method]++
		w.out = append(w.out, artifact.Row{
			ID: text.ID("augment", r.ID, c.Text), Text: c.Text, Label: r.Label, Category: r.Category, Source: r.Source,
			Root: cmp.Or(r.Root, r.ID), Parent: r.ID, Method: c.Method,
		})
	}
	return n
}

func (w *writer) report() {
	if w.config.Size == 0 {
		w.env.Metric("variations_made", float64(len(w.out)))
	}
	w.env.Metric("variations_missing", float64(w.short))
	for _, m := range slices.Sorted(maps.Keys(w.made)) {
		w.env.Logf("%s: %d variations", m, w.made[m])
	}
	for _, why := range slices.Sorted(maps.Keys(w.rejected)) {
		w.env.Logf("%d candidates were left out: %s", w.rejected[why], why)
	}
	if w.short > 0 {
		w.env.Notef("%d variations could not be written: the methods give no more for these rows", w.short)
	}
}
