// Package hardneg writes hard negatives: benign texts with the very words that make a model raise false alarms. From them the model learns
// to look at more than these words.
package hardneg

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// Config says how many hard negatives to write.
type Config struct {
	Size  int      `hcl:"size" doc:"Number of hard negatives."`
	Words int      `hcl:"words,optional" default:"60" doc:"Number of trigger words to write them around."`
	Kinds []string `hcl:"kinds,optional" default:"boundary case,technical jargon,complex task" doc:"Kinds to write, one after the other."`
	Seed  int      `hcl:"seed,optional" default:"1" doc:"Seed of the random choices."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	check.Want(c.Size >= 0, "size: %d; want at least 0", c.Size)
	check.Want(c.Words >= 2, "words: %d; want at least 2", c.Words)
	for _, k := range c.Kinds {
		check.Known("kinds", k, []string{boundary, jargon, task})
	}
	check.Want(len(c.Kinds) > 0, "kinds: none")
	return check.Err()
}

// In holds the inputs of the step.
type In struct {
	Rows  artifact.Rows   `port:"rows" doc:"false positives of a model"`
	Model artifact.Model  `port:"model,optional" doc:"the model that raised them: trigger words are then found by masking one word at a time"`
	Avoid []artifact.Rows `port:"avoid,optional" doc:"rows whose texts must not be written; the benign ones show which words are ordinary"`
	Own   artifact.Rows   `port:"own,optional" doc:"your own hard negatives: benign rows, read by a dataset step; they come first, and the step writes more until there are size rows"`
	File  artifact.File   `port:"file,optional" doc:"your own hard negatives as plain text, one a line"`
}

// Out holds the outputs of the step.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"benign rows with the method hard-negative; the category is their kind"`
}

// Step is the "hard-negatives" step type.
var Step = steps.New("hard-negatives", 5, "Write benign text around the words that cause false alarms.", run,
	steps.Stage(steps.Data), steps.Passes("rows"), steps.Writes(""), steps.Isolated,
	steps.Example(`step "hard-negatives" "hard_negatives" {
  rows  = step.sampled.rows
  model = step.baseline.model
  avoid = [step.corpus.train]
  size  = 250
}`))

// Method is the method of the rows that the step writes.
const Method = "hard-negative"

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	fps, err := in.Rows.Read()
	if err != nil {
		return Out{}, err
	}
	if len(fps) == 0 {
		return Out{}, errors.New("there are no false positives to learn trigger words from")
	}
	seen, ordinary := map[[16]byte]bool{}, newCounts()
	for _, r := range fps {
		seen[text.Key(r.Text)] = true
	}
	for _, rows := range in.Avoid {
		for r, err := range rows.All() {
			if err := cmp.Or(err, ctx.Err()); err != nil {
				return Out{}, err
			}
			seen[text.Key(r.Text)] = true
			if r.Label == artifact.Benign {
				ordinary.add(r.Text)
			}
		}
	}
	triggers, err := findTriggers(ctx, env, c, in.Model, fps, ordinary)
	if err != nil {
		return Out{}, err
	}
	out, err := own(env, in, c.Size, seen)
	if err != nil {
		return Out{}, err
	}
	if len(triggers) < 2 {
		env.Notef("the %d false positives have no two words in Latin letters to build hard negatives around: none are written", len(fps))
	} else {
		out = write(c, fps, triggers, seen, out)
	}
	kinds := map[string]int{}
	for _, r := range out {
		kinds[r.Category]++
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		env.Logf("%s: %d", k, kinds[k])
	}
	env.Logf("trigger words: %s", strings.Join(triggers[:min(len(triggers), 20)], ", "))
	env.Metric("hard_negatives", float64(len(out)))
	if len(out) < c.Size && len(triggers) > 1 {
		env.Notef("%d hard negatives were asked for, %d could be written: there are too few trigger words", c.Size, len(out))
	}
	written, err := artifact.WriteRows(env.Out("rows"), out)
	return Out{written}, err
}

// ownKind is the category of hard negatives that the user wrote.
const ownKind = "own"

// own reads up to size hard negatives of the user's. It leaves out texts that are in seen.
func own(env *steps.Env, in In, size int, seen map[[16]byte]bool) ([]artifact.Row, error) {
	rows, err := lines(in.File)
	if err != nil {
		return nil, err
	}
	if in.Own.Path != "" {
		for r, err := range in.Own.All() {
			if err != nil {
				return nil, err
			}
			if r.Label != artifact.Benign {
				return nil, steps.Advise(fmt.Errorf("own: row %q is labelled %s, and hard negatives are benign: %.80q", r.ID, r.Label, r.Text),
					"filter such rows out in the dataset step, or say label = \"benign\" there")
			}
			r.Category, r.Method = cmp.Or(r.Category, ownKind), Method
			r.Root = cmp.Or(r.Root, r.ID)
			rows = append(rows, r)
		}
	}
	out := rows[:0]
	known, over := 0, 0
	for _, r := range rows {
		switch k := text.Key(r.Text); {
		case seen[k]:
			known++
		case len(out) == size:
			over++
		default:
			seen[k] = true
			out = append(out, r)
		}
	}
	if known > 0 {
		env.Notef("%d own hard negatives were left out: their texts are there already", known)
	}
	if over > 0 {
		env.Notef("%d own hard negatives were left out: size is %d", over, size)
	}
	return out, nil
}

// lines reads a plain text file and returns each line as a row.
func lines(file artifact.File) ([]artifact.Row, error) {
	if file.Path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file.Path)
	if err != nil {
		return nil, err
	}
	var out []artifact.Row
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		s := strings.TrimSpace(line)
		if !utf8.ValidString(s) {
			return nil, steps.Advise(fmt.Errorf("the file of own hard negatives, line %d: not UTF-8: %.80q", n, s),
				"plain text, one a line; another format is read by a dataset step, whose rows go to own")
		}
		if strings.HasPrefix(s, "{") && json.Valid([]byte(s)) {
			return nil, steps.Advise(fmt.Errorf("the file of own hard negatives, line %d: JSON, not plain text: %.80q", n, s), "read it with a dataset step, and give its rows to own")
		}
		if s == "" {
			continue
		}
		id := text.ID(Method, s)
		out = append(out, artifact.Row{ID: id, Text: s, Label: artifact.Benign, Category: ownKind, Source: "file", Root: id, Method: Method})
	}
	return out, nil
}

// write fills in the templates, one of each kind in turn, until there are enough rows.
func write(c Config, fps []artifact.Row, triggers []string, seen map[[16]byte]bool, out []artifact.Row) []artifact.Row {
	byKind := map[string][]template{}
	for _, t := range templates {
		byKind[t.kind] = append(byKind[t.kind], t)
	}
	holding := sentencesWith(fps, triggers)
	rng := text.RNG(int64(c.Seed), "hard negatives")
	for try := 0; len(out) < c.Size && try < 40*c.Size; try++ {
		kind := c.Kinds[len(out)%len(c.Kinds)]
		t := byKind[kind][rng.IntN(len(byKind[kind]))]
		a, b := triggers[rng.IntN(len(triggers))], triggers[rng.IntN(len(triggers))]
		from := fps[rng.IntN(len(fps))]
		sentence := from.Text
		if h := holding[a]; len(h) > 0 {
			s := h[rng.IntN(len(h))]
			from, sentence = fps[s.row], s.text
		}
		if a == b || len(sentence) > 300 {
			continue
		}
		s := strings.NewReplacer("%a", a, "%b", b, "%s", sentence).Replace(t.text)
		if k := text.Key(s); !seen[k] {
			seen[k] = true
			r := from.Child(text.ID(Method, s), s, Method)
			r.Label, r.Category = artifact.Benign, kind
			out = append(out, r)
		}
	}
	return out
}

// found is a sentence from a false positive.
type found struct {
	row  int
	text string
}

// sentencesWith returns, for each trigger word, sentences of the false positives that contain it.
func sentencesWith(fps []artifact.Row, triggers []string) map[string][]found {
	wanted := map[string]bool{}
	for _, t := range triggers {
		wanted[t] = true
	}
	const most = 50 // sentences for each word
	out := map[string][]found{}
	for i, r := range fps {
		for _, s := range strings.FieldsFunc(r.Text, func(c rune) bool { return strings.ContainsRune(".?!\n", c) }) {
			s = strings.TrimSpace(s)
			for _, w := range text.Words(s) {
				if wanted[w] && len(out[w]) < most {
					out[w] = append(out[w], found{i, s})
				}
			}
		}
	}
	return out
}
