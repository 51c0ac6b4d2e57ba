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
)

// Scorer gives texts their threat scores; it is a model.
type Scorer interface {
	Threats(ctx context.Context, texts []string) ([]float64, error)
	Close() error
}

// Cause is a word of an alarm: by how much the odds that the model gives an attack fall where it doesn't see the word. Unlike a
// word that many alarms share, it is an effect on the model, tried out. Odds, since a score near 1 can lose a great part of what
// it rests on and hardly move.
type Cause struct {
	Word string  `json:"word"`
	Fall float64 `json:"fall"`           // of the log-odds
	Rows int     `json:"rows,omitempty"` // rows over which it is the mean; of a cluster
}

const (
	mostMaskedRows  = 6   // of a cluster
	mostMaskedWords = 60  // of a row
	leastFall       = 0.1 // of the log-odds, that is worth naming: a tenth
	mostCauses      = 4
)

// trial is a masked text: whose fall it measures.
type trial struct {
	text string
	note func(score float64)
}

// attribute finds out, by leaving words out, which words the column's model raises its alarms for: of the rows that are
// shown, and of the clusters' highest-scored rows.
func (r *Result) attribute(ctx context.Context, column string, m *Microscope) error {
	model, err := r.model(ctx, column)
	if err != nil || model == nil {
		return err
	}
	defer model.Close()
	threshold := r.detail[column].report.Threshold
	var trials []trial
	byCluster := make([]map[string]Cause, len(m.Clusters))
	for i := range m.Clusters {
		c, sums := &m.Clusters[i], map[string]Cause{}
		byCluster[i] = sums
		for k := range c.rows {
			row := &c.rows[k]
			trials = append(trials, trial{leaveOut(row.full, c.Token), func(score float64) {
				c.Masked, c.Fall = c.Masked+1, c.Fall+fallOf(row.Score, score)
				if score < threshold {
					c.Passes++
				}
			}})
			trials = append(trials, row.trials(func(word string, fall float64) {
				s := sums[word]
				sums[word] = Cause{word, s.Fall + fall, s.Rows + 1}
			})...)
		}
	}
	for _, list := range [][]Flip{m.New, m.Caught} {
		for i := range list {
			trials = append(trials, list[i].trials(nil)...)
		}
	}
	texts := make([]string, len(trials))
	for i, t := range trials {
		texts[i] = t.text
	}
	scores, err := model.Threats(ctx, texts)
	if err != nil {
		return err
	}
	for i, t := range trials {
		t.note(scores[i])
	}
	for i := range m.Clusters {
		m.Clusters[i].conclude(byCluster[i])
	}
	for _, list := range [][]Flip{m.New, m.Caught} {
		for i := range list {
			list[i].Causes = strongest(list[i].Causes)
		}
	}
	return nil
}

// trials leave out each word of a row in turn.
func (f *Flip) trials(also func(word string, fall float64)) []trial {
	var out []trial
	for _, w := range distinct(f.full) {
		out = append(out, trial{leaveOut(f.full, w), func(score float64) {
			fall := fallOf(f.Score, score)
			f.Causes = append(f.Causes, Cause{Word: w, Fall: fall})
			if also != nil {
				also(w, fall)
			}
		}})
	}
	return out
}

// fallOf is by how much the log-odds fall from one score to another.
func fallOf(from, to float64) float64 { return logOdds(from) - logOdds(to) }

// logOdds of a score; what float32 can't tell from 0 or 1 counts as that close.
func logOdds(p float64) float64 {
	const edge = 1e-7
	p = min(1-edge, max(edge, p))
	return math.Log(p / (1 - p))
}

// conclude takes means over the cluster's rows, and shows the first of them.
func (c *Cluster) conclude(sums map[string]Cause) {
	if c.Masked > 0 {
		c.Fall /= float64(c.Masked)
	}
	var causes []Cause
	for _, s := range sums {
		if s.Rows > 1 || len(c.rows) == 1 {
			causes = append(causes, Cause{s.Word, s.Fall / float64(s.Rows), s.Rows})
		}
	}
	c.Causes = strongest(causes)
	for i := range c.rows {
		c.rows[i].Causes = strongest(c.rows[i].Causes)
	}
	for i := range c.Examples {
		c.Examples[i].Causes = c.rows[i].Causes
	}
}

// strongest are the causes that lower the score most.
func strongest(list []Cause) []Cause {
	list = slices.DeleteFunc(list, func(c Cause) bool { return c.Fall < leastFall })
	slices.SortFunc(list, func(a, b Cause) int { return cmp.Or(cmp.Compare(b.Fall, a.Fall), cmp.Compare(a.Word, b.Word)) })
	return list[:min(len(list), mostCauses)]
}

// model opens the model that a column's figures are of; nil where there is none to open.
func (r *Result) model(ctx context.Context, column string) (Scorer, error) {
	d := r.detail[column]
	if r.scorers == nil || r.blobs == nil || d.result == nil {
		return nil, nil
	}
	for _, need := range d.result.Needs {
		st := find(d.steps, need)
		if st == nil {
			continue
		}
		blob, ok := st.Outputs["model"]
		if !ok {
			continue
		}
		path, err := r.blobs.Path(ctx, blob)
		if err != nil {
			return nil, fmt.Errorf("the model of step %s: %w", st.Name, err)
		}
		return r.scorers(ctx, path)
	}
	return nil, nil
}

// distinct are the different words of a text, in order.
func distinct(text string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range spans(text) {
		if w := strings.ToLower(text[s[0]:s[1]]); !seen[w] && len(out) < mostMaskedWords {
			seen[w] = true
			out = append(out, w)
		}
	}
	return out
}

// leaveOut is a text that lacks every occurrence of a word, or of two words that follow one another.
func leaveOut(text, token string) string {
	words := strings.Fields(token)
	all := spans(text)
	at := func(i int) string { return strings.ToLower(text[all[i][0]:all[i][1]]) }
	drop := map[int]bool{}
	for i := range all {
		if i+len(words) > len(all) {
			break
		}
		match := true
		for k, w := range words {
			match = match && at(i+k) == w
		}
		if match {
			for k := range words {
				drop[i+k] = true
			}
		}
	}
	var b strings.Builder
	from := 0
	for _, i := range slices.Sorted(maps.Keys(drop)) {
		b.WriteString(text[from:all[i][0]])
		from = all[i][1]
	}
	b.WriteString(text[from:])
	return strings.Join(strings.Fields(b.String()), " ")
}

// spans are the words of a text as eachToken sees them: where each begins and ends.
func spans(text string) [][2]int {
	var out [][2]int
	start := -1
	for i, r := range text {
		switch in := unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\''; {
		case in && start < 0:
			start = i
		case !in && start >= 0:
			out, start = append(out, [2]int{start, i}), -1
		}
	}
	if start >= 0 {
		out = append(out, [2]int{start, len(text)})
	}
	return out
}
