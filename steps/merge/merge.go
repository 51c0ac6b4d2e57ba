// Package merge joins data sets: first the base unchanged, then those added rows that aren't in it yet. Rows are streamed. Of each row only
// a hash is kept, and a signature if near-duplicates are searched for.
package merge

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/zeebo/blake3"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/text"
)

// Config says which rows to leave out.
type Config struct {
	Equal  string             `hcl:"equal_texts,optional" default:"drop" enum:"drop,keep" doc:"drop: added rows whose text already exists are left out; keep: they are added, for copies that are wanted (augment with methods = { duplicate = 1 })."`
	Near   float64            `hcl:"near_duplicates,optional" default:"0" doc:"Similarity of words to an earlier row (Jaccard, 0.5 to 1) from which an added row is left out. 0: only equal texts are."`
	Caps   map[string]int     `hcl:"caps,optional" doc:"Largest number of added rows of a source."`
	Family map[string]int     `hcl:"family_caps,optional" doc:"Largest number of added rows of a category: an attack family, or a stratum of benign rows."`
	Weight map[string]float64 `hcl:"weights,optional" doc:"Weight in training of the rows of a method (synonym, hard-negative). Other rows have weight 1."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	check.Want(c.Near == 0 || c.Near >= 0.5 && c.Near <= 1, "near_duplicates: %v is not 0 or between 0.5 and 1", c.Near)
	for _, limits := range []struct {
		arg string
		of  map[string]int
	}{{"caps", c.Caps}, {"family_caps", c.Family}} {
		for _, s := range slices.Sorted(maps.Keys(limits.of)) {
			check.Want(limits.of[s] >= 0, "%s: %q is %d; want 0 or more", limits.arg, s, limits.of[s])
		}
	}
	for _, m := range slices.Sorted(maps.Keys(c.Weight)) {
		check.Want(c.Weight[m] > 0, "weights: %q is %v; want more than 0", m, c.Weight[m])
	}
	return check.Err()
}

// In holds the inputs of the step.
type In struct {
	Base artifact.Rows   `port:"base" doc:"the rows to start from, which stay as they are"`
	Add  []artifact.Rows `port:"add" doc:"rows to add; of equal texts, the earlier one stays"`
}

// Out holds the outputs of the step.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"the base, then the added rows in order"`
}

// Step is the "merge" step type.
var Step = steps.New("merge", 2, "Add rows to a base. Equal texts are added once.", run,
	steps.Stage(steps.Data), steps.Passes("base", "add"), steps.InControl(`equal_texts = "keep"`), steps.Example(`step "merge" "dataset" {
  base = step.corpus.train
  add  = [step.variations.rows, step.hard_negatives.rows]
}`))

// merger is the state of one run of the step.
type merger struct {
	config Config
	out    *artifact.Writer[artifact.Row]
	seen   map[uint64]byte // by hash of the normal form: first letter of the label
	near   *leak.Index     // nil if only equal texts are left out
	ids    map[uint64]bool

	bySource, byFamily map[string]int // number of added rows

	total, duplicates, again, similar, capped, relabelled, renamed int
	labels, added                                                  map[string]int
	examples                                                       map[string]string // an example of the rows left out for each reason
}

func run(ctx context.Context, env *steps.Env, c Config, in In) (_ Out, err error) {
	w, err := artifact.NewWriter[artifact.Row](env.Out("rows"))
	if err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	m := &merger{config: c, out: w, seen: map[uint64]byte{}, ids: map[uint64]bool{}, bySource: map[string]int{}, byFamily: map[string]int{},
		labels: map[string]int{}, added: map[string]int{}, examples: map[string]string{}}
	if c.Near > 0 {
		m.near = leak.NewIndex(c.Near)
	}
	if err := m.part(ctx, env, in.Base, m.base); err != nil {
		return Out{}, fmt.Errorf("base: %w", err)
	}
	for i, part := range in.Add {
		if err := m.part(ctx, env, part, m.add); err != nil {
			return Out{}, fmt.Errorf("add %d: %w", i+1, err)
		}
	}
	if m.total == 0 {
		return Out{}, errors.New("there are no rows: base and add are empty")
	}
	m.report(env)
	return Out{artifact.Rows{Path: env.Out("rows")}}, nil
}

// chunk is the number of rows that are fingerprinted together, on all cores.
const chunk = 4096

// part takes the rows of one input, in order.
func (m *merger) part(ctx context.Context, env *steps.Env, rows artifact.Rows, take func(artifact.Row, leak.Fingerprint) error) error {
	buf := make([]artifact.Row, 0, chunk)
	flush := func() error {
		prints := make([]leak.Fingerprint, len(buf))
		if m.near != nil {
			texts := make([]string, len(buf))
			for i, r := range buf {
				texts[i] = r.Text
			}
			prints = leak.Fingerprints(texts)
		}
		for i, r := range buf {
			if err := take(r, prints[i]); err != nil {
				return err
			}
		}
		buf = buf[:0]
		env.Progress(int64(m.total), 0, "rows")
		return ctx.Err()
	}
	for r, err := range rows.All() {
		if err != nil {
			return err
		}
		if buf = append(buf, r); len(buf) == chunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// base takes a row of the base. It keeps the row even if the base has its text twice.
func (m *merger) base(r artifact.Row, print leak.Fingerprint) error {
	m.know(key(r.Text), r, print)
	return m.put(r)
}

// add takes an added row, or counts why it is left out.
func (m *merger) add(r artifact.Row, print leak.Fingerprint) error {
	k := key(r.Text)
	if label, dup := m.seen[k]; dup && m.config.Equal != "keep" {
		m.duplicates++
		switch {
		case label != mark(r):
			m.relabelled++
			m.example("relabelled", r)
		case m.ids[idHash(r.ID)]: // another input has the same row
			m.again++
		default:
			m.example("duplicate", r)
		}
		return nil
	}
	if limit, ok := m.config.Caps[r.Source]; ok && m.bySource[r.Source] >= limit {
		m.capped++
		m.example("capped", r)
		return nil
	}
	if limit, ok := m.config.Family[r.Category]; ok && m.byFamily[r.Category] >= limit {
		m.capped++
		m.example("capped", r)
		return nil
	}
	if m.near != nil && m.near.Knows(print) {
		m.similar++
		m.example("similar", r)
		return nil
	}
	m.know(k, r, print)
	m.bySource[r.Source]++
	m.byFamily[r.Category]++
	m.added[r.Label]++
	if w, ok := m.config.Weight[r.Method]; ok {
		r.Weight = w
	}
	return m.put(r)
}

func (m *merger) know(k uint64, r artifact.Row, print leak.Fingerprint) {
	m.seen[k] = mark(r)
	if m.near != nil {
		m.near.Add(print)
	}
}

// example keeps the first row that is left out for each reason.
func (m *merger) example(why string, r artifact.Row) {
	if _, ok := m.examples[why]; !ok {
		m.examples[why] = fmt.Sprintf("row %q (%.60q)", r.ID, r.Text)
	}
}

func key(s string) uint64 {
	k := text.Key(s)
	return binary.LittleEndian.Uint64(k[:])
}

func idHash(id string) uint64 {
	sum := blake3.Sum256([]byte(id))
	return binary.LittleEndian.Uint64(sum[:])
}

func mark(r artifact.Row) byte { return (r.Label + " ")[0] }

// put writes a row. Two inputs may use the same id for different rows; then the hash of its content is appended to the later row's id.
func (m *merger) put(r artifact.Row) error {
	own := r.ID
	for m.ids[idHash(r.ID)] {
		r.ID += "+" + text.ID(r.ID, r.Text, r.Parent)[:8]
	}
	if r.ID != own {
		m.renamed++
	}
	m.ids[idHash(r.ID)] = true
	m.total++
	m.labels[r.Label]++
	return m.out.Write(r)
}

func (m *merger) report(env *steps.Env) {
	benign := m.labels[artifact.Benign]
	env.Metric("benign_added", float64(m.added[artifact.Benign]))
	env.Metric("malicious_added", float64(m.added[artifact.Malicious]))
	env.Metric("total_samples", float64(m.total))
	env.Metric("benign_samples", float64(benign))
	env.Metric("malicious_samples", float64(m.labels[artifact.Malicious]))
	env.Metric("benign_share", float64(benign)/float64(m.total))
	env.Metric("duplicates_dropped", float64(m.duplicates))
	for _, n := range []struct {
		count    int
		key, why string
	}{
		{m.duplicates - m.relabelled - m.again, "duplicate", "their text is there already"},
		{m.relabelled, "relabelled", "their text is there already with the other label"},
		{m.similar, "similar", "nearly the same text is there already"},
		{m.capped, "capped", "their source or category is at its cap"},
	} {
		if n.count > 0 {
			env.Notef("%d rows were left out: %s, as of %s", n.count, n.why, m.examples[n.key])
		}
	}
	if m.again > 0 {
		env.Logf("%d rows were given twice, and are there once", m.again)
	}
	if m.renamed > 0 {
		env.Logf("%d rows had the id of an earlier row and got a longer one", m.renamed)
	}
	env.Metric("near_duplicates_dropped", float64(m.similar))
	env.Metric("capped_rows", float64(m.capped))
}
