// Package merge puts data sets together: the base as it is, then what is added and isn't there yet.
package merge

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// Config says what to leave out.
type Config struct {
	Near   float64            `hcl:"near_duplicates,optional" default:"0" doc:"Also leave out added rows whose words are this similar (Jaccard, 0.5 to 1) to an earlier one. 0: only equal texts."`
	Caps   map[string]int     `hcl:"caps,optional" doc:"At most this many added rows of a source."`
	Weight map[string]float64 `hcl:"weights,optional" doc:"Weight in training of rows made by a method (synonym, hard-negative). Others weigh 1."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	if c.Near != 0 && (c.Near < 0.5 || c.Near > 1) {
		return fmt.Errorf("near_duplicates: %v is not 0 or between 0.5 and 1", c.Near)
	}
	for s, n := range c.Caps {
		if n < 0 {
			return fmt.Errorf("caps: %q is %d; want 0 or more", s, n)
		}
	}
	for m, w := range c.Weight {
		if !(w > 0) {
			return fmt.Errorf("weights: %q is %v; want more than 0", m, w)
		}
	}
	return nil
}

// In is what the step reads.
type In struct {
	Base artifact.Rows   `port:"base" doc:"the rows to start from, kept as they are"`
	Add  []artifact.Rows `port:"add" doc:"rows to add; where two texts are equal, the earlier one stays"`
}

// Out is what the step makes.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"base, then the added rows in order"`
}

// Step is the "merge" step type.
var Step = steps.New("merge", 1, "Add rows to a base; equal texts are added once.", run, steps.Example(`step "merge" "dataset" {
  base = step.corpus.train
  add  = [step.variations.rows, step.hard_negatives.rows]
}`))

// merger is the state of one run.
type merger struct {
	config Config
	out    *artifact.Writer[artifact.Row]
	seen   map[[16]byte]string // label
	near   *text.Near
	bySrc  map[string]int

	total, duplicates, similar, capped, relabelled int
	labels, added                                  map[string]int
	example                                        string // of a text with both labels
}

func run(ctx context.Context, env *steps.Env, c Config, in In) (_ Out, err error) {
	w, err := artifact.NewWriter[artifact.Row](env.Out("rows"))
	if err != nil {
		return Out{}, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	m := &merger{config: c, out: w, seen: map[[16]byte]string{}, bySrc: map[string]int{}, labels: map[string]int{}, added: map[string]int{}}
	if c.Near > 0 {
		m.near = text.NewNear(c.Near)
	}
	for r, err := range in.Base.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return Out{}, err
		}
		if err := m.base(r); err != nil {
			return Out{}, err
		}
	}
	for _, part := range in.Add {
		for r, err := range part.All() {
			if err := cmp.Or(err, ctx.Err()); err != nil {
				return Out{}, err
			}
			if err := m.add(r); err != nil {
				return Out{}, err
			}
		}
	}
	if m.total == 0 {
		return Out{}, errors.New("there are no rows: base and add are empty")
	}
	m.report(env)
	return Out{artifact.Rows{Path: env.Out("rows")}}, nil
}

// base takes a row of the base: it stays even if its text is there twice.
func (m *merger) base(r artifact.Row) error {
	m.seen[text.Key(r.Text)] = r.Label
	if m.near != nil {
		m.near.Add(m.total, r.Text)
	}
	return m.put(r)
}

// add takes an added row, or counts why not.
func (m *merger) add(r artifact.Row) error {
	key := text.Key(r.Text)
	if label, dup := m.seen[key]; dup {
		m.duplicates++
		if label != r.Label {
			m.relabelled++
			if m.example == "" {
				m.example = r.Text
			}
		}
		return nil
	}
	if limit, ok := m.config.Caps[r.Source]; ok && m.bySrc[r.Source] >= limit {
		m.capped++
		return nil
	}
	if m.near != nil {
		sig := text.Sign(r.Text)
		if _, _, ok := m.near.FindSignature(sig); ok {
			m.similar++
			return nil
		}
		m.near.AddSignature(m.total, sig)
	}
	m.seen[key] = r.Label
	m.bySrc[r.Source]++
	m.added[r.Label]++
	if w, ok := m.config.Weight[r.Method]; ok {
		r.Weight = w
	}
	return m.put(r)
}

func (m *merger) put(r artifact.Row) error {
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
		count int
		why   string
	}{{m.duplicates - m.relabelled, "their text is there already"}, {m.similar, "nearly the same text is there already"}, {m.capped, "their source is at its cap"}} {
		if n.count > 0 {
			env.Notef("%d rows were left out: %s", n.count, n.why)
		}
	}
	if m.relabelled > 0 {
		env.Notef("%d rows were left out: their text is there already with the other label, as in %.80q", m.relabelled, m.example)
	}
}
