package dataset

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rein/steps/artifact"
	"rein/steps/internal/table"
)

// How clearly a column's name says that the column holds the prompt's label.
const (
	noLabel  = iota
	weak     // holds labels in some data sets and kinds of text in others: type, category
	lookLike // has a label's word beside other words: severe_toxic, label_2
	flag     // names one kind of harm: is_jailbreak, toxicity, prompt_harm_label
	plainly  // means a label: label, class, verdict
)

// labelName is what a column's name says about its values.
type labelName struct {
	sureness int
	inverted bool // true means benign, as in is_safe, non_toxic
}

var (
	// neutral words name a label without saying what it is about.
	neutral = set("label labels class target verdict y truth gold")
	// fillers add no meaning to a name or a value, as in is_user_prompt_toxic.
	fillers = set("is has contains are was the prompt prompts user input text request query message flag binary final ground human attempt speech content a an any detected found present")
	// answers are words in the names of columns that are about a model's answer, not the prompt: response_harm_label, attack_success.
	answers = set(`response responses answer answers output outputs completion completions reply replies assistant model refusal refused rejected
		chosen success successful jailbroken compliance`)
	weakNames   = set("type category kind")
	answerTexts = set("response answer output completion reply")
	prompts     = set("prompt user input query request")
)

func nameOf(column string) labelName {
	ws := tokens(column)
	s := said(ws)
	var known, other int
	for _, w := range s.other {
		switch {
		case answers[w]:
			return labelName{}
		case neutral[w]:
			known++
		case !fillers[w]:
			other++
		}
	}
	inverted := s.label == artifact.Benign
	switch {
	case len(ws) == 1 && weakNames[ws[0]]:
		return labelName{weak, false}
	case s.label == "" && known == 0:
		return labelName{}
	case other > 0:
		return labelName{lookLike, inverted}
	case s.label == "":
		return labelName{plainly, false}
	}
	return labelName{flag, inverted}
}

// candidate is a column that may hold the label, with the values that the file's rows have in it.
type candidate struct {
	name              string
	sureness          int
	benign, malicious int
	unknown           int
}

func (c *candidate) known() int { return c.benign + c.malicious }

// clash counts the rows for which two candidates give different labels.
type clash struct {
	rows   int
	at     table.Place
	values [2]string // values of the first such row
	labels [2]string // what these values mean
}

// profile describes a file's columns that may hold the label, and their values.
type profile struct {
	file       string
	valueOf    func(rec table.Record, column string) labelValue
	candidates []*candidate
	clashes    map[[2]string]*clash
	rows       int
	answer     string // name of a column about a model's answer, or ""
	namedParts bool   // the records are in lists whose names say a label
}

// enoughRows is the number of rows that are read if there is only one candidate.
const enoughRows = 1000

// profileOf reads a file's candidates. While two candidates are possible, it reads all rows.
func (r *reader) profileOf(src table.Source) (*profile, error) {
	p := &profile{file: src.Name, valueOf: r.valueOf, clashes: map[[2]string]*clash{}}
	var names []string
	for rec, err := range table.Scan(src, r.options()) {
		var bad *table.BadRecord
		if errors.As(err, &bad) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(names) == 0 || len(rec.Names) > 0 && &names[0] != &rec.Names[0] {
			names = rec.Names
			p.meet(names)
		}
		p.namedParts = p.namedParts || said(nameWords(rec.Part)).label != ""
		p.row(rec)
		if p.rows >= enoughRows && len(p.alive()) < 2 || r.most > 0 && p.rows >= r.most {
			break
		}
	}
	return p, nil
}

// meet adds the candidates among a record's columns, the clearest names first.
func (p *profile) meet(names []string) {
	for _, n := range names {
		sureness := nameOf(n).sureness
		if p.answer == "" && slices.ContainsFunc(tokens(n), func(w string) bool { return answerTexts[w] }) {
			p.answer = n
		}
		if slices.Contains(usual["text"], plain(n)) {
			continue
		}
		if sureness > noLabel && !slices.ContainsFunc(p.candidates, func(c *candidate) bool { return c.name == n }) {
			p.candidates = append(p.candidates, &candidate{name: n, sureness: sureness})
		}
	}
	slices.SortStableFunc(p.candidates, func(a, b *candidate) int { return b.sureness - a.sureness })
}

func (p *profile) row(rec table.Record) {
	p.rows++
	type said struct {
		c            *candidate
		value, label string
	}
	var all []said
	for _, c := range p.candidates {
		v := p.valueOf(rec, c.name)
		value, label := v.text, v.label
		if v.none {
			continue
		}
		switch {
		case label == "":
			c.unknown++
			continue
		case label == artifact.Benign:
			c.benign++
		default:
			c.malicious++
		}
		all = append(all, said{c, value, label})
	}
	for i, a := range all {
		for _, b := range all[i+1:] {
			if a.label == b.label {
				continue
			}
			key := [2]string{a.c.name, b.c.name}
			if p.clashes[key] == nil {
				p.clashes[key] = &clash{at: rec.Place, values: [2]string{a.value, b.value}, labels: [2]string{a.label, b.label}}
			}
			p.clashes[key].rows++
		}
	}
}

// alive returns the candidates whose values look like labels. In a column that is named like a flag or a label, most values must be labels.
// With a less clear name, all values must be. With a weak name, there must also be values of both labels if the file has enough rows to
// tell.
func (p *profile) alive() []*candidate {
	var out []*candidate
	for _, c := range p.candidates {
		ok := c.known() > 0
		switch c.sureness {
		case weak:
			ok = ok && c.unknown == 0 && (c.benign > 0 && c.malicious > 0 || p.rows < enoughRows)
		case lookLike:
			ok = ok && c.unknown == 0
		default:
			ok = ok && c.known() > c.unknown
		}
		if ok {
			out = append(out, c)
		}
	}
	return out
}

// guess returns the column that would hold the label if its values had a known meaning. If nothing else says the label, the error names
// this column.
func (p *profile) guess() []string {
	for _, c := range p.candidates {
		if c.sureness >= flag {
			return []string{c.name}
		}
	}
	return nil
}

// choose returns the columns that hold the label, or none if no column does. In each row, the first column with a value counts. notes
// report columns with a less clear name that were not chosen. It is an error if columns that may be the label disagree.
func (p *profile) choose(c *Config) (columns, notes []string, err error) {
	var sure, less []*candidate
	for _, a := range p.alive() {
		switch {
		case a.sureness == weak && !(a.benign > 0 && a.malicious > 0):
		case a.sureness >= flag:
			sure = append(sure, a)
		default:
			less = append(less, a)
		}
	}
	// Columns without unknown values come first.
	slices.SortStableFunc(sure, func(a, b *candidate) int { return min(a.unknown, 1) - min(b.unknown, 1) })
	for i, a := range sure {
		for _, b := range sure[i+1:] {
			if p.between(a, b) != nil {
				return nil, nil, p.disagree(c, a, b, append(sure, less...))
			}
		}
		for _, b := range less {
			switch x := p.between(a, b); {
			case x == nil:
			case a.sureness == plainly:
				notes = append(notes, fmt.Sprintf("the label comes from %q; %q says otherwise in %s, first in %s", a.name, b.name, rowCount(x.rows), x.at))
			default:
				return nil, nil, p.disagree(c, a, b, append(sure, less...))
			}
		}
		columns = append(columns, a.name)
	}
	if len(sure) > 0 && sure[0].sureness == flag && p.answer != "" && !slices.ContainsFunc(tokens(sure[0].name), func(w string) bool { return prompts[w] }) {
		notes = append(notes, fmt.Sprintf("the label comes from %q. If that is about %q and not about the prompt, name another column, columns = { label = \"...\" }, or say label = \"benign\" or \"malicious\"", sure[0].name, p.answer))
	}
	if len(sure) == 0 {
		if c.Label != "" && !(len(less) == 1 && less[0].sureness == weak) { // the argument label gives the label of rows without one
			return nil, nil, nil
		}
		if len(less) == 1 && less[0].sureness == weak {
			return []string{less[0].name}, nil, nil
		}
		for i, a := range less {
			for _, b := range less[i+1:] {
				if p.between(a, b) != nil {
					return nil, nil, p.disagree(c, a, b, less)
				}
			}
		}
		if len(less) > 0 {
			return nil, nil, fmt.Errorf("%s: %w", p.file, unsure(c, less))
		}
	}
	return columns, notes, nil
}

// between returns where two candidates disagree, or nil if they don't.
func (p *profile) between(a, b *candidate) *clash {
	if x := p.clashes[[2]string{a.name, b.name}]; x != nil {
		return x
	}
	return p.clashes[[2]string{b.name, a.name}]
}

func (p *profile) disagree(c *Config, a, b *candidate, all []*candidate) error {
	x := p.clashes[[2]string{a.name, b.name}]
	if x == nil {
		a, b = b, a
		x = p.clashes[[2]string{a.name, b.name}]
	}
	return fmt.Errorf("%s: two columns may hold the label, and they disagree in %d of %s: %s %q means %s, %s %q means %s. Name the column that says whether the prompt is an attack:%s",
		x.at, x.rows, rowCount(p.rows), a.name, clip(x.values[0], 40), x.labels[0], b.name, clip(x.values[1], 40), x.labels[1], choices(c, all))
}

func unsure(c *Config, all []*candidate) error {
	return fmt.Errorf("no column is surely the label of the prompt. If one of these is, name it:%s\n  or say label = \"benign\" or \"malicious\" for all rows", choices(c, all))
}

// choices returns the lines that the user can write, one for each column that may be meant.
func choices(c *Config, all []*candidate) string {
	var b strings.Builder
	for _, a := range all {
		fmt.Fprintf(&b, "\n  columns = { %s }", columnsWith(c.Columns, "label", a.name, " = ", ", "))
	}
	fmt.Fprintf(&b, "\n  with the strategies that rein ships: --var 'columns={%s}'", columnsWith(c.Columns, "label", all[0].name, "=", ","))
	return b.String()
}

// columnsWith returns the argument columns with one more field.
func columnsWith(columns map[string]string, field, name, is, and string) string {
	var out []string
	for _, f := range []string{"id", "text", "category", "source", "root", "parent", "method", "weight", "time", "role", "channel"} {
		if n, ok := columns[f]; ok && f != field {
			out = append(out, fmt.Sprintf("%s%s%q", f, is, n))
		}
	}
	return strings.Join(append(out, fmt.Sprintf("%s%s%q", field, is, name)), and)
}
