package compare

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	"rein/steps/artifact"
	"rein/steps/stats"
)

// Microscope looks at single rows: what a column wrongly calls malicious, what these rows have in common, and which rows another column,
// usually the baseline, decides differently.
type Microscope struct {
	Column   string    `json:"column"`
	Clusters []Cluster `json:"clusters"` // of its false positives, largest first
	Fixed    []Flip    `json:"fixed"`    // false alarms of the baseline that are gone, by its score
	New      []Flip    `json:"new"`      // false alarms that the baseline didn't have
	Missed   []Flip    `json:"missed"`   // attacks that the baseline caught and this one doesn't
	Caught   []Flip    `json:"caught"`   // attacks that the baseline missed
	Counts   [4]int    `json:"counts"`   // of fixed, new, missed, caught
}

// Cluster is a group of false positives that share a word. If the model can be opened, the model reacts to the word.
type Cluster struct {
	Token    string `json:"token"`
	Rows     int    `json:"rows"`   // false positives with it
	Benign   int    `json:"benign"` // benign rows with it
	Fixed    int    `json:"fixed"`  // rows with the word that were false alarms of the baseline and aren't any more
	Examples []Flip `json:"examples"`

	// The effect of leaving the word out on the highest-scored of these rows, and of leaving out each of their words.
	Masked int     `json:"masked,omitempty"` // rows that were tried
	Fall   float64 `json:"fall,omitempty"`   // of the log-odds of an attack, mean
	Passes int     `json:"passes,omitempty"` // rows that pass without the word
	Causes []Cause `json:"causes,omitempty"`
	rows   []Flip
}

// Flip is one row as a column saw it, and as the baseline did.
type Flip struct {
	ID       string  `json:"id"`
	Category string  `json:"category,omitempty"`
	Source   string  `json:"source,omitempty"`
	Text     string  `json:"text"`
	Score    float64 `json:"score"`
	Before   float64 `json:"before"` // 0 if there is nothing to compare with
	// The thresholds for the two scores.
	Threshold       float64 `json:"threshold"`
	BeforeThreshold float64 `json:"before_threshold,omitempty"`
	Causes          []Cause `json:"causes,omitempty"`
	Turns           bool    `json:"turns,omitempty"` // the verdict changes without the parts that carry it; Causes are the strongest of them
	full            string
}

const (
	mostClusters = 8
	mostExamples = 3
	mostFlips    = 5
	leastInGroup = 3
	shownText    = 220 // characters
)

// seen is a row with both answers.
type seen struct {
	artifact.Scored
	before  float64
	cut     float64 // the row's threshold, and the baseline's of it
	cutOf   float64
	tokens  []string
	now, of bool // flagged now, by the baseline
}

// Microscope looks at the false positives of a column (a strategy, or BaselineName) on the test set, and at the rows that it
// decides otherwise than another column. It reads the scored rows with their texts.
func (r *Result) Microscope(ctx context.Context, column, against string) (*Microscope, error) {
	d, err := r.scored(column)
	if err != nil {
		return nil, err
	}
	base := r.detail[against]
	before, err := baseScores(ctx, base, d)
	if err != nil {
		return nil, err
	}
	m := &Microscope{Column: column}
	v := newVocabulary()
	var wrong []seen
	each := func(f func(seen)) error { return eachSeen(ctx, d, base, d.basis(), before, f) }
	err = each(func(s seen) {
		m.flip(s)
		if s.now && s.Label != artifact.Malicious {
			s.tokens = tokens(s.Text)
			v.propose(s.tokens)
			wrong = append(wrong, s)
		}
	})
	if err != nil {
		return nil, err
	}
	if len(wrong) >= leastInGroup {
		if err := each(v.count); err != nil {
			return nil, err
		}
	}
	m.Clusters = v.clusters(wrong)
	if err := r.attribute(ctx, column, m); err != nil {
		return nil, fmt.Errorf("leaving words out: %w", err)
	}
	m.clip()
	return m, nil
}

// Flips are the rows that two columns decide differently, without what the rows have in common.
func (r *Result) Flips(ctx context.Context, column, against string) (*Microscope, error) {
	d, err := r.scored(column)
	if err != nil {
		return nil, err
	}
	base := r.detail[against]
	before, err := baseScores(ctx, base, d)
	if err != nil || before == nil {
		return nil, err
	}
	m := &Microscope{Column: column}
	err = eachSeen(ctx, d, base, d.basis(), before, m.flip)
	m.clip()
	return m, err
}

func (m *Microscope) clip() {
	for _, list := range [][]Flip{m.Fixed, m.New, m.Missed, m.Caught} {
		for i := range list {
			list[i].Text = clip(list[i].Text)
		}
	}
}

// scored is a column with rows to look at.
func (r *Result) scored(column string) (*run, error) {
	d := r.detail[column]
	if d == nil || d.scores == nil || d.report == nil {
		return nil, fmt.Errorf("%s has no scored rows to look at", column)
	}
	return d, nil
}

// basis is the set of rows that the verdict rests on.
func (d *run) basis() string { return cmp.Or(d.report.Basis, stats.OwnTraffic) }

// eachSeen reads the rows of a set that a column was tested on, with the other column's answers.
func eachSeen(ctx context.Context, d, base *run, set string, before []artifact.Answer, f func(seen)) error {
	i := 0
	return eachRow(ctx, d.scores.path, set, func(row artifact.Scored) {
		s := seen{Scored: row, cut: cmp.Or(row.Threshold, d.report.Threshold)}
		s.now = row.Score >= s.cut
		s.of = s.now
		if i < len(before) {
			s.before, s.cutOf = before[i].Score, cmp.Or(before[i].Threshold, base.report.Threshold)
			s.of = s.before >= s.cutOf
		}
		i++
		f(s)
	})
}

// eachRow reads the scored rows of a set, with their texts.
func eachRow(ctx context.Context, path, set string, f func(artifact.Scored)) error {
	for row, err := range (artifact.Scores{Path: path}).All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		if row.Set == set {
			f(row)
		}
	}
	return nil
}

// baseScores are the baseline's scores of the same test rows in the same order; nil where its rows are others.
func baseScores(ctx context.Context, base, d *run) ([]artifact.Answer, error) {
	return answersOn(ctx, base, d, d.basis())
}

// answersOn is baseScores on any set of rows.
func answersOn(ctx context.Context, base, d *run, set string) ([]artifact.Answer, error) {
	if base == nil || base == d || base.scores == nil || base.report == nil || base.report.Sets[set] == nil || d.report.Sets[set] == nil ||
		base.report.Sets[set].Data != d.report.Sets[set].Data {
		return nil, nil
	}
	all, err := artifact.Scores{Path: base.scores.path}.Answers()
	if err := cmp.Or(err, ctx.Err()); err != nil {
		return nil, err
	}
	var out []artifact.Answer
	for _, a := range all {
		if a.Set == set {
			out = append(out, a)
		}
	}
	return out, nil
}

func (s seen) asFlip() Flip {
	return Flip{ID: s.ID, Category: s.Category, Source: s.Source, Text: s.Text, Score: s.Score, Before: s.before, Threshold: s.cut, BeforeThreshold: s.cutOf, full: s.Text}
}

// flip records a row that changed sides. Rows with the surest wrong decision come first.
func (m *Microscope) flip(s seen) {
	if s.now == s.of {
		return
	}
	f := s.asFlip()
	malicious := s.Label == artifact.Malicious
	var list *[]Flip
	var at int
	switch {
	case !malicious && s.of:
		list, at = &m.Fixed, 0
	case !malicious:
		list, at = &m.New, 1
	case s.of:
		list, at = &m.Missed, 2
	default:
		list, at = &m.Caught, 3
	}
	m.Counts[at]++
	*list = append(*list, f)
	slices.SortStableFunc(*list, func(a, b Flip) int { return cmp.Compare(math.Abs(b.Score-b.Before), math.Abs(a.Score-a.Before)) })
	*list = (*list)[:min(len(*list), mostFlips)]
}

// vocabulary counts how many benign rows have a word, for words of several false positives.
type vocabulary struct {
	proposed      map[string]int // word -> false positives with it
	benign, fixed map[string]int
	last          map[string]int // the last row that a word was counted in
	rows, alarms  int
}

func newVocabulary() *vocabulary {
	return &vocabulary{proposed: map[string]int{}, benign: map[string]int{}, fixed: map[string]int{}, last: map[string]int{}}
}

func (v *vocabulary) propose(tokens []string) {
	for _, t := range tokens {
		v.proposed[t]++
	}
}

// count counts a benign row once for each of its words.
func (v *vocabulary) count(s seen) {
	if s.Label == artifact.Malicious {
		return
	}
	v.rows++
	if s.now {
		v.alarms++
	}
	eachToken(s.Text, func(b []byte) {
		if v.proposed[string(b)] < leastInGroup || v.last[string(b)] == v.rows {
			return
		}
		t := string(b)
		v.last[t] = v.rows
		v.benign[t]++
		if !s.now && s.of {
			v.fixed[t]++
		}
	})
}

// clusters groups false positives by the word that best distinguishes them from other benign rows, greedily: the word that explains most
// alarms takes its rows, then the next one.
func (v *vocabulary) clusters(wrong []seen) []Cluster {
	slices.SortStableFunc(wrong, func(a, b seen) int { return cmp.Compare(b.Score, a.Score) })
	var out []Cluster
	for len(out) < mostClusters {
		token, n := v.best(wrong)
		if n < leastInGroup {
			break
		}
		c := Cluster{Token: token, Rows: n, Benign: v.benign[token], Fixed: v.fixed[token]}
		var rest []seen
		for _, s := range wrong {
			if !slices.Contains(s.tokens, token) {
				rest = append(rest, s)
			} else if len(c.rows) < mostMaskedRows {
				c.rows = append(c.rows, s.asFlip())
			}
		}
		wrong = rest
		c.Examples = slices.Clone(c.rows[:min(len(c.rows), mostExamples)])
		for i := range c.Examples {
			c.Examples[i].Text = clip(c.Examples[i].Text)
		}
		out = append(out, c)
	}
	return out
}

// best is the word with the highest surprise over the remaining rows: the number of alarms beyond the number expected by chance, in
// standard deviations.
func (v *vocabulary) best(wrong []seen) (token string, rows int) {
	left := map[string]int{}
	for _, s := range wrong {
		for _, t := range s.tokens {
			if v.benign[t] > 0 {
				left[t]++
			}
		}
	}
	rate, most := float64(v.alarms)/float64(max(v.rows, 1)), 0.0
	for _, t := range slices.Sorted(maps.Keys(left)) {
		chance := rate * float64(v.benign[t])
		if z := (float64(left[t]) - chance) / math.Sqrt(chance*(1-rate)+1); left[t] >= leastInGroup && z > most {
			token, rows, most = t, left[t], z
		}
	}
	return token, rows
}

// mostWords is how many words of a text are looked at.
const mostWords = 200

// eachToken passes on the words of a text that are longer than two bytes, and pairs of neighbouring words.
func eachToken(s string, f func([]byte)) {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' })
	var buf []byte
	for i, w := range words[:min(len(words), mostWords)] {
		if len(w) > 2 {
			buf = append(buf[:0], w...)
			f(buf)
		}
		if i > 0 {
			buf = append(append(append(buf[:0], words[i-1]...), ' '), w...)
			f(buf)
		}
	}
}

// tokens are the distinct words and pairs of a text.
func tokens(s string) []string {
	set := map[string]bool{}
	eachToken(s, func(b []byte) { set[string(b)] = true })
	return slices.Sorted(maps.Keys(set))
}

// clip shortens a text and makes invisible characters visible.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '␣'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > shownText {
		return string(r[:shownText]) + " …"
	}
	return s
}
