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

	"rein/steps/explain"
)

// Scorer gives texts their threat scores; it is a model.
type Scorer interface {
	Threats(ctx context.Context, texts []string) ([]float64, error)
	Close() error
}

// Cause is a part of an alarm's text: a word, or in a long text a run of words. It says how much the log-odds of an attack fall when the
// model doesn't see the part. The effect on the model is measured, not estimated. Log-odds are used because a score near 1 hardly moves
// even if the model loses most of its evidence.
type Cause struct {
	Word string  `json:"word"`
	Fall float64 `json:"fall"`           // of the log-odds
	Rows int     `json:"rows,omitempty"` // number of rows in the mean; of a cluster
}

const (
	mostMaskedRows = 6   // of a cluster
	leastFall      = 0.1 // of the log-odds, that is shown: a tenth
	mostCauses     = 4
)

// attribute finds, by leaving parts out, which words make the column's model raise its alarms. It does so for the rows that are shown, and
// for each cluster's highest-scored rows. A cluster is dropped if the model doesn't react to its word.
func (r *Result) attribute(ctx context.Context, column string, m *Microscope) error {
	model, err := r.model(ctx, column)
	if err != nil || model == nil {
		return err
	}
	defer model.Close()
	threshold := r.detail[column].report.Threshold
	var rows []*Flip
	for i := range m.Clusters {
		if err := m.Clusters[i].mask(ctx, model, threshold); err != nil {
			return err
		}
	}
	m.Clusters = slices.DeleteFunc(m.Clusters, func(c Cluster) bool { return c.Masked > 0 && c.Fall < leastFall })
	for i := range m.Clusters {
		for k := range m.Clusters[i].rows {
			rows = append(rows, &m.Clusters[i].rows[k])
		}
	}
	for _, list := range [][]Flip{m.New, m.Caught} {
		for i := range list {
			rows = append(rows, &list[i])
		}
	}
	if err := explainRows(ctx, model, threshold, rows); err != nil {
		return err
	}
	for i := range m.Clusters {
		m.Clusters[i].conclude()
	}
	return nil
}

// mask scores the cluster's rows without its word.
func (c *Cluster) mask(ctx context.Context, model Scorer, threshold float64) error {
	texts := make([]string, len(c.rows))
	for i, row := range c.rows {
		texts[i] = leaveOut(row.full, c.Token)
	}
	scores, err := model.Threats(ctx, texts)
	if err != nil {
		return err
	}
	for i, v := range scores {
		if c.Masked, c.Fall = c.Masked+1, c.Fall+fallOf(c.rows[i].Score, v)/float64(len(scores)); v < threshold {
			c.Passes++
		}
	}
	return nil
}

// explainRows finds the parts that carry rows' scores, as rein score --explain does.
func explainRows(ctx context.Context, model Scorer, threshold float64, rows []*Flip) error {
	texts := make([]string, len(rows))
	for i, row := range rows {
		texts[i] = row.full
	}
	all, err := explain.All(ctx, model.Threats, threshold, texts)
	if err != nil {
		return err
	}
	for i, e := range all {
		for _, p := range e.Spans {
			rows[i].Causes = append(rows[i].Causes, Cause{Word: strings.ToLower(strings.TrimFunc(p.Text, mark)), Fall: fallOf(rows[i].Score, p.Without)})
		}
		rows[i].Causes, rows[i].Turns = strongest(rows[i].Causes), e.Turns
	}
	return nil
}

// mark is what stands around a word.
func mark(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// fallOf is how much the log-odds fall from one score to another.
func fallOf(from, to float64) float64 { return logOdds(from) - logOdds(to) }

// logOdds are the log-odds of a score. A score that float32 can't distinguish from 0 or 1 counts as that close to it.
func logOdds(p float64) float64 {
	const edge = 1e-7
	p = min(1-edge, max(edge, p))
	return math.Log(p / (1 - p))
}

// conclude averages over the cluster's rows, and keeps the first of them to be shown.
func (c *Cluster) conclude() {
	sums := map[string]Cause{}
	for _, row := range c.rows {
		for _, x := range row.Causes {
			s := sums[x.Word]
			sums[x.Word] = Cause{x.Word, s.Fall + x.Fall, s.Rows + 1}
		}
	}
	for _, s := range sums {
		if s.Rows > 1 || len(c.rows) == 1 {
			c.Causes = append(c.Causes, Cause{s.Word, s.Fall / float64(s.Rows), s.Rows})
		}
	}
	c.Causes = strongest(c.Causes)
	for i := range c.Examples {
		c.Examples[i].Causes, c.Examples[i].Turns = c.rows[i].Causes, c.rows[i].Turns
	}
}

// strongest are the causes that lower the score most.
func strongest(list []Cause) []Cause {
	list = slices.DeleteFunc(list, func(c Cause) bool { return c.Fall < leastFall })
	slices.SortFunc(list, func(a, b Cause) int { return cmp.Or(cmp.Compare(b.Fall, a.Fall), cmp.Compare(a.Word, b.Word)) })
	return list[:min(len(list), mostCauses)]
}

// model opens the model that a column's figures are of; nil if there is none to open.
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

// spans are the positions of the words of a text that eachToken sees.
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
