// Package augment writes variations of rows: of false positives, so that a model learns what they have in common, and of
// attacks. No variation is equal to a row there is, or to another variation; each names its parent, its root and how it was
// made. A row's variations depend on the row and the configuration alone, so work on unchanged rows is remembered.
package augment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
)

// Config says how many variations to write, and how.
type Config struct {
	Variations int                `hcl:"variations,optional" doc:"How many variations of each row."`
	Size       int                `hcl:"size,optional" doc:"How many variations in all, instead: of rows chosen by chance."`
	Methods    map[string]float64 `hcl:"methods,optional" doc:"Weights of the methods. Benign: synonym, insert, swap, delete, punctuate, paraphrase, register; malicious: mutation, obfuscation, synthesis. Either, and alone: duplicate, plain copies, as a control. With their ports or blocks: wordnet, back-translation, llm. Empty: all, alike, but half of all from those outside."`
	Order      []string           `hcl:"order,optional" doc:"Methods to try in this order, instead of methods: the next one only where those before give a row nothing more."`
	Near       float64            `hcl:"near_duplicates,optional" default:"0" doc:"Also leave out variations that are this similar to a row or to another variation (Jaccard similarity of runs of three words by MinHash, 0.5 to 1). 0: only equal ones."`
	Families   map[string]float64 `hcl:"families,optional" doc:"With size: only malicious rows, and these shares of their categories."`
	PerRow     int                `hcl:"per_row,optional" default:"10" doc:"With size: at most this many variations a row on average; of few rows there are then fewer than size. 0: no limit."`
	MaxGrowth  float64            `hcl:"max_growth,optional" default:"3" doc:"A benign variation is at most this many times as long as its row (and 80 characters), and at least half as long."`
	Triggers   float64            `hcl:"keep_triggers,optional" default:"0.5" doc:"A variation of an attack keeps at least this share of as many trigger words as the attack has (spans of one to three words at least four times as likely in the attacks as in the benign rows of rows and avoid); others are left out. 0: not checked."`
	Back       *BackTranslation   `hcl:"back_translation,block" doc:"Also translate benign rows away and back."`
	LLM        *LLM               `hcl:"llm,block" doc:"Also ask a language model for variations of benign rows."`
	Seed       int                `hcl:"seed,optional" default:"1" doc:"Of the chance."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	if (c.Variations > 0) == (c.Size > 0) || c.Variations < 0 || c.Size < 0 {
		return fmt.Errorf("variations %d, size %d: want one of them, more than 0", c.Variations, c.Size)
	}
	if len(c.Families) > 0 && c.Size == 0 {
		return errors.New("families needs size: they are shares of it")
	}
	if c.Near != 0 && !(c.Near >= 0.5 && c.Near <= 1) {
		return fmt.Errorf("near_duplicates: %v is not between 0.5 and 1, nor 0", c.Near)
	}
	if len(c.Order) > 0 && len(c.Methods) > 0 {
		return errors.New("order and methods exclude each other: one names the methods in turn, the other by weight")
	}
	if c.PerRow < 0 {
		return fmt.Errorf("per_row: %d is negative", c.PerRow)
	}
	if c.MaxGrowth < 1 {
		return fmt.Errorf("max_growth: %v is less than 1", c.MaxGrowth)
	}
	if !(c.Triggers >= 0 && c.Triggers <= 1) {
		return fmt.Errorf("keep_triggers: %v is not between 0 and 1", c.Triggers)
	}
	if c.Back != nil {
		if err := c.Back.check(); err != nil {
			return err
		}
	}
	if c.LLM != nil {
		if err := c.LLM.check(); err != nil {
			return err
		}
	}
	known := map[string]bool{duplicateMethod: true, "wordnet": true, backTranslation: true, llmMethod: true}
	for _, m := range append(benignMethods(nil), maliciousMethods(nil, nil)...) {
		known[m.name] = true
	}
	for _, name := range c.Order {
		if !known[name] || name == duplicateMethod || name == backTranslation || name == llmMethod {
			return fmt.Errorf("order: %q is not one of the built-in methods; there are %v, and wordnet", name, builtInNames())
		}
	}
	for name, w := range c.Methods {
		if !known[name] {
			return fmt.Errorf("methods: there is no %q; there are %v", name, slices.Sorted(maps.Keys(known)))
		}
		if !(w >= 0) {
			return fmt.Errorf("methods: %q weighs %v; want 0 or more", name, w)
		}
	}
	if err := c.checkDuplicate(); err != nil {
		return err
	}
	for name, w := range c.Families {
		if !(w >= 0) {
			return fmt.Errorf("families: %q is %v; want a share of 0 or more", name, w)
		}
	}
	return nil
}

func builtInNames() []string {
	var names []string
	for _, m := range append(benignMethods(nil), maliciousMethods(nil, nil)...) {
		names = append(names, m.name)
	}
	return names
}

// In is what the step reads.
type In struct {
	Rows  artifact.Rows   `port:"rows" doc:"the rows to vary"`
	Avoid []artifact.Rows `port:"avoid,optional" doc:"rows whose texts must not come out"`
	// WordNet is hashed by content: another dictionary is another key.
	WordNet artifact.File  `port:"wordnet,optional" doc:"WordNet's dictionary folder, for synonyms (Debian: /usr/share/wordnet)"`
	Teacher artifact.Model `port:"teacher,optional" doc:"a model whose decision on a row must hold for its variations: others are left out"`
}

// Out is what the step makes.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"the variations, without the rows themselves"`
}

// Step is the "augment" step type.
var Step = steps.New("augment", 9, "Write variations of rows: of benign ones in other words, of attacks in other disguises.", run,
	steps.Stage(steps.Data), steps.Passes("rows"), steps.Writes("methods = { duplicate = 1 }"), steps.Isolated, steps.Example(`step "augment" "variations" {
  rows       = step.sampled.rows
  avoid      = [step.corpus.train, step.corpus.validation]
  variations = 8
}`))

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	return runBy(ctx, env, c, in, realClock{})
}

// runBy is run with the clock by which servers are waited for.
func runBy(ctx context.Context, env *steps.Env, c Config, in In, by clock) (Out, error) {
	rows, err := in.Rows.Read()
	if err != nil {
		return Out{}, err
	}
	w := newWriter(env, c, rows)
	w.clock = by
	if err := w.avoid(ctx, in); err != nil {
		return Out{}, err
	}
	if err := w.open(ctx, in); err != nil {
		return Out{}, err
	}
	defer w.close()
	jobs, err := w.jobs()
	if err != nil {
		return Out{}, err
	}
	if c.duplicates() {
		err = w.copies(ctx, jobs)
	} else {
		err = w.write(ctx, jobs)
	}
	if err != nil {
		return Out{}, err
	}
	w.report()
	written, err := artifact.WriteRows(env.Out("rows"), w.out)
	return Out{written}, err
}
