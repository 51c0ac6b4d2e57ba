package augment

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"rein/cache"
	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/scorer"
	"rein/steps/internal/text"
)

// implementation is part of the row memo's keys. Raise it whenever a row gets other candidates than before.
const implementation = "augment 5"

// writer is the state of one run of the step.
type writer struct {
	env      *steps.Env
	config   Config
	rows     []artifact.Row
	lex      lexicon
	families map[string]*family // families of the malicious rows, by category
	attacks  sample
	benign   sample
	triggers *triggers
	seen     map[[16]byte]bool
	near     *text.Near // finds near duplicates of existing texts; nil: only equal texts count
	noted    map[string]bool
	wordnet  lexicon
	dict     string // digest of the WordNet folder
	teacher  *scorer.Scorer
	outsides []*outside
	asker    *asker // the language model among the outsides, or nil
	clock    clock
	common   cache.Digest // digest that is part of every row's key

	out       []artifact.Row
	made      map[string]int // number of variations, by method
	rejected  map[string]int // number of candidates left out, by reason
	example   map[string]string
	short     int // number of variations that could not be written
	unchecked int // number of attacks that have no trigger to keep
}

// candidate is a possible variation.
type candidate struct {
	Text   string  `json:"t"`
	Method string  `json:"m"`
	Says   string  `json:"s,omitempty"` // the text before the disguise, if Text is disguised
	key    textKey // of Text; zero: not computed yet
}

type textKey [16]byte

// remembered is what the row memo stores for a job.
type remembered struct {
	Candidates []candidate `json:"c"`
	Lookups    []lookup    `json:"l,omitempty"`
}

func newWriter(env *steps.Env, c Config, rows []artifact.Row) *writer {
	w := &writer{env: env, config: c, rows: rows, lex: builtIn(), families: map[string]*family{}, seen: map[[16]byte]bool{}, noted: map[string]bool{}, made: map[string]int{}, rejected: map[string]int{}, example: map[string]string{}}
	if c.Near > 0 {
		w.near = text.NewNear(c.Near)
	}
	attacks := map[string][]string{}
	for _, r := range rows {
		w.noteExisting(r)
		if r.Label == artifact.Malicious {
			attacks[r.Category] = append(attacks[r.Category], r.Text)
		}
	}
	for name, texts := range attacks {
		w.families[name] = newFamily(texts)
	}
	return w
}

func (w *writer) avoid(ctx context.Context, in In) error {
	for _, rows := range in.Avoid {
		for r, err := range rows.All() {
			if err := cmp.Or(err, ctx.Err()); err != nil {
				return err
			}
			w.noteExisting(r)
		}
	}
	if len(w.families) > 0 && w.config.Triggers > 0 {
		w.triggers = learnTriggers(&w.attacks, &w.benign)
	}
	return nil
}

// noteExisting records an existing row, whose text must not be written again.
func (w *writer) noteExisting(r artifact.Row) {
	k := text.Key(r.Text)
	w.seen[k] = true
	if w.near != nil {
		w.near.Add(0, r.Text)
	}
	if r.Label == artifact.Malicious {
		w.attacks.add(k, r.Text)
	} else {
		w.benign.add(k, r.Text)
	}
}

// reject counts a candidate that is left out, and keeps the first of each reason as an example.
func (w *writer) reject(why, s string) {
	if w.rejected[why]++; w.rejected[why] == 1 {
		w.example[why] = s
	}
}

// write makes candidates on all cores, or takes them from the row memo. Then it accepts them in the order of the rows.
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
	// Some rows may have given too few variations. The other rows make up for them, one after the other.
	for round := 1; missing > 0 && round <= 20; round++ {
		for _, j := range jobs {
			if missing == 0 || ctx.Err() != nil {
				break
			}
			cands := [][]candidate{w.candidatesOf(j.row, 1, round).Candidates}
			if err := w.dropUnsure(ctx, []job{j}, cands); err != nil {
				return err
			}
			missing -= w.take(job{j.row, 1}, cands[0])
		}
	}
	w.short = missing
	return ctx.Err()
}

// open opens what the step uses besides its rows: WordNet, the teacher, outside methods, and the index of near duplicates.
func (w *writer) open(ctx context.Context, in In) (err error) {
	if err := w.openOutsides(); err != nil {
		return err
	}
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

// all returns the candidates of each job. Answers from outside come first, then those of the built-in methods. Candidates whose label is in
// doubt are left out.
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
	return out, w.dropUnsure(ctx, jobs, out)
}

// dropUnsure leaves out candidates that may not have the label of their row.
func (w *writer) dropUnsure(ctx context.Context, jobs []job, cands [][]candidate) error {
	if w.triggers != nil {
		w.keepTriggers(jobs, cands)
	}
	if w.teacher != nil {
		return w.agree(ctx, w.teacher, jobs, cands)
	}
	return nil
}

// candidates returns the candidates of each job that the built-in methods make. Those of a known row come from the memo.
func (w *writer) candidates(ctx context.Context, jobs []job) ([][]candidate, error) {
	if w.common.IsZero() {
		w.common = w.shared()
	}
	keys := make([]cache.Digest, len(jobs))
	for i, j := range jobs {
		keys[i] = w.key(j)
	}
	known, err := w.env.Memo().GetMany(ctx, keys)
	if err != nil {
		return nil, err
	}
	made := make([]remembered, len(jobs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	var fresh []int
	for i, j := range jobs {
		if known[i] != nil && json.Unmarshal(known[i], &made[i]) == nil && w.families[w.rows[j.row].Category].holds(made[i].Lookups) {
			continue
		}
		fresh = append(fresh, i)
		g.Go(func() error {
			made[i] = w.candidatesOf(j.row, j.n, 0)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var newKeys []cache.Digest
	var values [][]byte
	for _, i := range fresh {
		v, err := json.Marshal(made[i])
		if err != nil {
			return nil, err
		}
		newKeys, values = append(newKeys, keys[i]), append(values, v)
	}
	out := make([][]candidate, len(jobs))
	for i, m := range made {
		out[i] = m.Candidates
	}
	return out, w.env.Memo().PutMany(context.WithoutCancel(ctx), newKeys, values)
}

// key returns the digest of all that a job's candidates depend on, except their lookups among other rows.
func (w *writer) key(j job) cache.Digest {
	r, template := w.rows[j.row], ""
	if r.Label == artifact.Malicious {
		template = w.families[r.Category].template(r.Text)
	}
	b := append(make([]byte, 0, 256+len(r.Text)), w.common[:]...)
	b = binary.AppendUvarint(b, uint64(j.n))
	for _, part := range [...]string{r.Label, r.Category, template, r.Text} {
		b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
	}
	return cache.Sum(b)
}

// shared returns the digest of what the candidates of all jobs depend on.
func (w *writer) shared() cache.Digest {
	b, _ := json.Marshal([]any{implementation, w.config.Seed, w.config.Methods, w.config.Order, w.config.MaxGrowth, lexiconText, w.dict, w.spare(16)})
	return cache.Sum(b)
}

// take writes up to j.n candidates whose text doesn't exist yet, and returns how many it wrote.
func (w *writer) take(j job, cands []candidate) int {
	r, n := w.rows[j.row], 0
	for _, c := range cands {
		if n == j.n {
			break
		}
		k := c.key
		if k == (textKey{}) {
			k = text.Key(c.Text)
		}
		if w.seen[k] {
			w.reject("its text is there already", c.Text)
			continue
		}
		if w.near != nil {
			sig := text.Sign(c.Text)
			if _, _, ok := w.near.FindSignature(sig); ok {
				w.reject("nearly its text is there already", c.Text)
				continue
			}
			w.near.AddSignature(0, sig)
		}
		w.seen[k] = true
		n++
		w.made[c.Method]++
		w.out = append(w.out, r.Child(text.ID("augment", r.ID, c.Text), c.Text, c.Method))
	}
	return n
}

func (w *writer) report() {
	w.reportOutside()
	if w.config.Size == 0 {
		w.env.Metric("variations_made", float64(len(w.out)))
	}
	w.env.Metric("variations_missing", float64(w.short))
	for _, m := range slices.Sorted(maps.Keys(w.made)) {
		w.env.Logf("%s: %d variations", m, w.made[m])
	}
	for _, why := range slices.Sorted(maps.Keys(w.rejected)) {
		w.env.Logf("%d candidates were left out: %s; the first was %q", w.rejected[why], why, w.example[why])
	}
	if w.unchecked > 0 {
		w.env.Logf("%d times an attack had no trigger words, so whether its variations kept them could not be checked", w.unchecked)
	}
	if w.short > 0 {
		w.env.Notef("%d variations could not be written: the methods give no more for these rows (of rows that are not in English, only words are moved and marks are put in)", w.short)
	}
}
