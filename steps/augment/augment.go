// Package augment writes variations of rows: of false positives, so that a model learns what they have in common, and of attacks. No
// variation is equal to an existing row or to another variation. Each one names its parent, its root and the method that made it. A row's
// variations depend only on the row and the configuration, so the work on unchanged rows is remembered.
package augment

import (
	"context"
	"maps"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
)

// Config says how many variations to write, and by which methods.
type Config struct {
	Variations int                `hcl:"variations,optional" doc:"Number of variations of each row."`
	Size       int                `hcl:"size,optional" doc:"Number of variations in all, in place of variations. The rows are chosen at random."`
	Methods    map[string]float64 `hcl:"methods,optional" doc:"Weights of the methods. Benign rows: synonym, insert, swap, delete, punctuate, paraphrase, register. Malicious rows: mutation, obfuscation, synthesis. Both: duplicate, which makes plain copies as a control and can't be combined with others. With their port or block: wordnet, back-translation, llm. Empty: all methods have the same weight, but back-translation and llm together make half of the variations."`
	Order      []string           `hcl:"order,optional" doc:"Methods in the order in which they are tried, in place of methods. A method is used only if those before it give nothing more for a row."`
	Near       float64            `hcl:"near_duplicates,optional" default:"0" doc:"Similarity to a row or another variation from which a variation is left out (Jaccard similarity of runs of three words by MinHash, 0.5 to 1). 0: only equal texts are left out."`
	Families   map[string]float64 `hcl:"families,optional" doc:"With size: vary only malicious rows, and divide the variations among their categories by these shares."`
	PerRow     int                `hcl:"per_row,optional" default:"10" doc:"With size: largest number of variations of a row, on average. If there are few rows, there are fewer than size variations. 0: no limit."`
	MaxGrowth  float64            `hcl:"max_growth,optional" default:"3" doc:"Largest length of a benign variation: this multiple of its row's length, plus 80 characters. A variation is also at least half as long as its row."`
	Triggers   float64            `hcl:"keep_triggers,optional" default:"0.5" doc:"Smallest number of trigger words in a variation of an attack, as a share of those in the attack; other variations are left out. Trigger words are spans of one to three words that are at least four times as likely in attacks as in benign rows, counted over rows and avoid. 0: not checked."`
	Back       *BackTranslation   `hcl:"back_translation,block" doc:"Also translates benign rows into another language and back."`
	LLM        *LLM               `hcl:"llm,block" doc:"Also asks a language model for variations of benign rows."`
	Seed       int                `hcl:"seed,optional" default:"1" doc:"Seed of the random choices."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	check.Want(c.Variations >= 0, "variations: %d is negative", c.Variations)
	check.Want(c.Size >= 0, "size: %d is negative", c.Size)
	if c.Variations >= 0 && c.Size >= 0 {
		check.Want(c.Variations > 0 || c.Size > 0, "variations: none are wanted; say how many for each row, or give size, how many in all")
		check.Want(c.Variations == 0 || c.Size == 0, "size: it stands in place of variations; give one of the two")
	}
	check.Want(len(c.Families) == 0 || c.Size > 0, "families: they are shares of size, which isn't given")
	check.Want(c.Near == 0 || c.Near >= 0.5 && c.Near <= 1, "near_duplicates: %v is not between 0.5 and 1, nor 0", c.Near)
	check.Want(len(c.Order) == 0 || len(c.Methods) == 0, "order: it and methods exclude each other: one names the methods in turn, the other by weight")
	check.Want(c.PerRow >= 0, "per_row: %d is negative", c.PerRow)
	check.Want(c.MaxGrowth >= 1, "max_growth: %v is less than 1", c.MaxGrowth)
	check.Between("keep_triggers", c.Triggers, 0, 1)
	if c.Back != nil {
		check.Add(c.Back.check())
	}
	if c.LLM != nil {
		check.Add(c.LLM.check())
	}
	inTurn := append(builtInNames(), "wordnet")
	for _, name := range c.Order {
		check.Known("order", name, inTurn)
	}
	weighed := slices.Compact(slices.Sorted(slices.Values(append(inTurn, duplicateMethod, backTranslation, llmMethod))))
	for _, name := range slices.Sorted(maps.Keys(c.Methods)) {
		check.Known("methods", name, weighed)
		check.Want(c.Methods[name] >= 0, "methods: %q weighs %v; want 0 or more", name, c.Methods[name])
	}
	check.Add(c.checkDuplicate())
	for _, name := range slices.Sorted(maps.Keys(c.Families)) {
		check.Want(c.Families[name] >= 0, "families: %q is %v; want a share of 0 or more", name, c.Families[name])
	}
	return check.Err()
}

func builtInNames() []string {
	var names []string
	for _, m := range append(benignMethods(nil), maliciousMethods(nil, nil)...) {
		names = append(names, m.name)
	}
	return names
}

// In holds the inputs of the step.
type In struct {
	Rows  artifact.Rows   `port:"rows" doc:"the rows to vary"`
	Avoid []artifact.Rows `port:"avoid,optional" doc:"rows whose texts must not be written"`
	// WordNet's files are part of the key, so another dictionary gives another key.
	WordNet artifact.File  `port:"wordnet,optional" doc:"WordNet's dictionary folder, for synonyms (Debian: /usr/share/wordnet)"`
	Teacher artifact.Model `port:"teacher,optional" doc:"a model that has to decide a variation as it decides the row; other variations are left out"`
}

// Out holds the output of the step.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"the variations, without the rows themselves"`
}

// Step is the "augment" step type.
var Step = steps.New("augment", 10, "Write variations of rows: benign rows in other words, attacks in other words and disguises.", run,
	steps.Stage(steps.Data), steps.Passes("rows"), steps.Writes("methods = { duplicate = 1 }"), steps.Isolated, steps.Example(`step "augment" "variations" {
  rows       = step.sampled.rows
  avoid      = [step.corpus.train, step.corpus.validation]
  variations = 8
}`))

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	return runBy(ctx, env, c, in, realClock{})
}

// runBy runs the step. Waiting for servers goes by the given clock, so that tests need not wait.
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
