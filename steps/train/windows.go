package train

import (
	"fmt"

	"rein/steps/internal/ngram"
	"rein/steps/internal/tokenizer"
	"rein/steps/internal/windows"
)

// longRow is a row with more tokens than the model reads at once.
type longRow struct {
	row     int
	windows [][]int32
}

// longRows returns the long ones among texts, with their token ids.
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

// leastLong is the number of long validation rows of each label that are needed to choose a rule by them.
const leastLong = 20

// readLong scores the long validation rows in windows, as the finished model will read them. It chooses the rule whose scores separate the
// labels of the validation rows best, and replaces the scores in v, so that the threshold is chosen on them.
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

// windowScores returns the threat scores of each long row's windows.
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

// reading says how a learner reads texts with more tokens than it reads at once. The zero value cuts them.
type reading struct {
	read  *windows.Reader // divides texts into windows; nil: they are cut
	limit int             // number of tokens that the model reads at once
	rule  string          // rule from the config; "": chosen by readLong
}

// long implements learner.
func (r reading) long() reading { return r }

// reads returns the reading that the config asks for.
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
