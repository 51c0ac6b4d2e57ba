package train

import (
	"fmt"

	"rein/steps/internal/ngram"
	"rein/steps/internal/tokenizer"
	"rein/steps/internal/windows"
)

// longRow is a row of more tokens than the model reads at once.
type longRow struct {
	row     int
	windows [][]int32
}

// longRows are those of some texts.
func longRows(net learner, texts []string) []longRow {
	read := net.long().read
	if read == nil {
		return nil
	}
	var out []longRow
	for i, text := range texts {
		if all := read.Windows(text); len(all) > 1 {
			out = append(out, longRow{i, all})
		}
	}
	return out
}

// leastLong is how many long validation rows of each label it takes to choose a rule by them.
const leastLong = 20

// readLong scores the long validation rows in windows, as they will be read, and chooses the rule: the one whose scores tell the
// validation rows' labels apart best. The threshold then rests on these scores.
func (l *loop) readLong(v *measured) error {
	how := l.net.long()
	if how.read == nil {
		return nil
	}
	long, by := l.validation.long, map[string][]float32{}
	l.windows = windows.Default(how.limit, windows.Max)
	if len(long) > 0 {
		scores, err := l.windowScores(long)
		if err != nil {
			return err
		}
		for _, rule := range windows.Rules {
			by[rule] = append([]float32(nil), v.scores...)
			for i, r := range long {
				by[rule][r.row] = windows.Threat(rule, scores[i])
			}
		}
	}
	var labels [2]int
	for _, r := range long {
		labels[label(l.validation, r.row)]++
	}
	switch {
	case how.rule != "":
		l.windows.Rule, l.windows.Why = how.rule, "as the step's long_text says"
	case l.cfg.CrossFit > 0:
		l.windows.Why = "with cross_fit"
	case min(labels[0], labels[1]) < leastLong:
		l.windows.Why = fmt.Sprintf("too few long validation rows to choose by: %d benign, %d malicious", labels[0], labels[1])
	default:
		best := -1.0
		for _, rule := range windows.Rules {
			if a := auc(by[rule], l.validation.benign); a > best {
				best, l.windows.Rule = a, rule
			}
		}
		l.windows.Why = fmt.Sprintf("chosen on the validation rows, of which %d are long: AUC %.4f", len(long), best)
	}
	l.env.Logf("a text of over %d tokens is read in windows, rule %s: %s", how.limit, l.windows.Rule, l.windows.Why)
	if len(long) > 0 {
		v.scores = by[l.windows.Rule]
	}
	return nil
}

// windowScores are the threat scores of each long row's windows.
func (l *loop) windowScores(long []longRow) ([][]float32, error) {
	var ids [][]int32
	for _, r := range long {
		ids = append(ids, r.windows...)
	}
	d := &dataset{corpus: ngram.CorpusOf(ids), class: make([]int, len(ids)), weight: make([]float32, len(ids))}
	for i := range d.weight {
		d.weight[i] = 1
	}
	m, err := l.net.measure(d)
	if err != nil {
		return nil, err
	}
	out := make([][]float32, len(long))
	for i, r := range long {
		out[i], m.scores = m.scores[:len(r.windows)], m.scores[len(r.windows):]
	}
	return out, nil
}

// reading is how a learner reads texts of more tokens than it reads at once. The zero value doesn't read them in windows.
type reading struct {
	read  *windows.Reader // divides them
	limit int             // tokens that are read at once
	rule  string          // that the config asks for; "": it is chosen
}

// long implements learner.
func (r reading) long() reading { return r }

// reads makes it of the config.
func (c Config) reads(tok tokenizer.Tokenizer, limit int) reading {
	asked := ""
	if c.Model != nil {
		asked = c.Model.Long
	}
	switch asked {
	case "cut":
		return reading{}
	case "auto":
		asked = ""
	}
	return reading{windows.New(tok, limit, windows.Default(limit, windows.Max)), limit, asked}
}
