package export

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/ngram"
	"rein/steps/internal/scorer"
	"rein/steps/stats"
)

// certificate is the step's report. Export makes several graphs, each from the one before; the report has a link for each, from the trained
// model to the file that is kept.
type certificate struct {
	Links     []link     `json:"links"`
	Optimized *optimized `json:"optimized,omitempty"`
}

// link says how far the answers of a graph differ from those of the graph that it was made from, over all rows.
type link struct {
	From    string      `json:"from"`
	To      string      `json:"to"`
	Rows    int         `json:"rows"`
	Max     float64     `json:"logit_diff_max"`
	P999    float64     `json:"logit_diff_p999"`
	Flipped int         `json:"decisions_flipped"` // number of rows that are decided differently, with each graph at its own threshold
	FPRate  *difference `json:"fp_rate_change,omitempty"`
	Recall  *difference `json:"tp_rate_change,omitempty"`
	Flips   []flip      `json:"flipped_rows,omitempty"` // examples of such rows, missed attacks first
}

// difference is the change of a rate on the same rows, after minus before, with its 95% interval.
type difference struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// flip is a row that the two graphs decide differently.
type flip struct {
	Row    int     `json:"row"`
	Before float32 `json:"before"`
	After  float32 `json:"after"`
	Text   string  `json:"text"`
}

// mostFlips is the largest number of rows that a link shows.
const mostFlips = 20

// answers holds one graph's answers to all rows.
type answers struct {
	name      string
	classes   int
	logits    []float32 // shape [rows, classes], by rows
	threshold float64
}

// row returns the logits of row i, one for each class.
func (a answers) row(i int) []float32 { return a.logits[i*a.classes : (i+1)*a.classes] }

func (a answers) rows() int { return len(a.logits) / max(a.classes, 1) }

// threat returns the threat score of row i.
func (a answers) threat(i int) float32 {
	p := slices.Clone(a.row(i))
	ngram.Softmax(p)
	return ngram.Threat(p)
}

func (a answers) flags(i int) bool { return float64(a.threat(i)) >= a.threshold }

func (a answers) threats() []float32 {
	out := make([]float32, a.rows())
	for i := range out {
		out[i] = a.threat(i)
	}
	return out
}

// ask collects a graph's answers to all texts. It asks for atOnce texts at a time.
func ask(ctx context.Context, done func(n int), name string, threshold float64, texts []string, chunk int, logits func(texts []string) ([][]float32, error)) (answers, error) {
	a := answers{name: name, threshold: threshold}
	for from := 0; from < len(texts); from += chunk {
		if err := ctx.Err(); err != nil {
			return a, err
		}
		part := texts[from:min(from+chunk, len(texts))]
		rows, err := logits(part)
		if err != nil {
			return a, err
		}
		for _, r := range rows {
			a.classes = len(r)
			a.logits = append(a.logits, r...)
		}
		done(len(part))
	}
	return a, nil
}

// counted begins a phase of the progress for one graph. The returned function reports that n more texts are done.
func counted(env *steps.Env, name string, texts []string) func(n int) {
	return env.Count(int64(len(texts)), "rows by the "+name+" graph").Add
}

// askExported collects the answers of the graph in a model's folder.
func askExported(ctx context.Context, env *steps.Env, name string, dir artifact.Model, texts []string) (answers, error) {
	s, err := scorer.Open(ctx, dir, scorer.Options{Whole: true, Done: counted(env, name, texts)})
	if err != nil {
		return answers{}, err
	}
	defer s.Close()
	return ask(ctx, func(int) {}, name, s.Threshold(), texts, 1<<12, func(texts []string) ([][]float32, error) { return s.Logits(ctx, texts) })
}

// compare returns the link between the answers of two graphs.
func compare(p probe, from, to answers) link {
	l := link{From: from.name, To: to.name, Rows: from.rows()}
	diffs := make([]float64, l.Rows)
	var n, plus, minus [2]int // by label: rows, rows flagged only after, rows flagged only before
	var missed, others []flip
	for i := range diffs {
		diffs[i] = apart(from.row(i), to.row(i))
		label := 0
		if p.labelled() && !p.benign[i] {
			label = 1
		}
		n[label]++
		was, is := from.flags(i), to.flags(i)
		if was == is {
			continue
		}
		l.Flipped++
		f := flip{i, from.threat(i), to.threat(i), clip(p.texts[i])}
		if is {
			plus[label]++
		} else {
			minus[label]++
		}
		if list := &others; true {
			if was && label == 1 {
				list = &missed
			}
			if len(*list) < mostFlips {
				*list = append(*list, f)
			}
		}
	}
	l.Flips = append(missed, others...)
	l.Flips = l.Flips[:min(len(l.Flips), mostFlips)]
	slices.Sort(diffs)
	if last := len(diffs); last > 0 {
		l.Max, l.P999 = diffs[last-1], diffs[min(int(math.Ceil(0.999*float64(last))), last)-1]
	}
	if p.labelled() {
		l.FPRate, l.Recall = paired(plus[0], minus[0], n[0]), paired(plus[1], minus[1], n[1])
	}
	return l
}

// apart returns the largest difference between two rows' logits of the same class.
func apart(a, b []float32) float64 {
	diff := 0.0
	for j := range a {
		d := math.Abs(float64(a[j]) - float64(b[j]))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		diff = max(diff, d)
	}
	return diff
}

func paired(plus, minus, n int) *difference {
	if n == 0 {
		return nil
	}
	i := stats.PairedDifference(minus, plus, n)
	return &difference{float64(plus-minus) / float64(n), i.Low, i.High}
}

// clip shortens a text for a message.
func clip(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "..."
	}
	return text
}

// examples lists some flipped rows for a message.
func (l link) examples() string {
	var b strings.Builder
	for i, f := range l.Flips[:min(len(l.Flips), 3)] {
		fmt.Fprintf(&b, "%s row %d, %.6f -> %.6f %q", []string{":", ";", ";"}[i], f.Row, f.Before, f.After, f.Text)
	}
	return b.String()
}

// report records the link's figures as metrics. Their names begin with prefix.
func (l link) report(env *steps.Env, prefix string) {
	env.Metric(prefix+"logit_diff_max", l.Max)
	env.Metric(prefix+"logit_diff_p999", l.P999)
	env.Metric(prefix+"decisions_flipped", float64(l.Flipped))
	for name, d := range map[string]*difference{"fp_rate_change": l.FPRate, "tp_rate_change": l.Recall} {
		if d != nil {
			env.Metric(prefix+name, d.Value)
			env.Metric(prefix+name+"_low", d.Low)
			env.Metric(prefix+name+"_high", d.High)
		}
	}
	env.Logf("%s -> %s, %d rows: largest logit difference %.3g, p99.9 %.3g, %d decisions flipped", l.From, l.To, l.Rows, l.Max, l.P999, l.Flipped)
}

// probe holds the texts on which graphs are compared.
type probe struct {
	texts  []string
	benign []bool   // of each labelled row; nil for generated texts
	source []string // of each labelled row; nil for generated texts
}

func (p probe) labelled() bool { return len(p.benign) > 0 }

// mixed tells whether there are rows of both labels, which the choice of a threshold needs.
func (p probe) mixed() bool {
	return slices.Contains(p.benign, true) && slices.Contains(p.benign, false)
}

func (p probe) benignAt(i int) bool { return p.benign[i] }

// probes returns the texts of the given rows. Without rows, it generates texts of all lengths.
func probes(rows artifact.Rows) (p probe, err error) {
	if rows.Path != "" {
		for row, err := range rows.All() {
			if err != nil {
				return p, err
			}
			p.texts, p.benign = append(p.texts, row.Text), append(p.benign, row.Label == artifact.Benign)
			p.source = append(p.source, row.Source)
		}
		if len(p.texts) == 0 {
			return p, errors.New("rows: there are none: nothing would be certified")
		}
		return p, nil
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 4096 {
		var b strings.Builder
		for range i % 200 {
			for range 1 + rng.IntN(9) {
				b.WriteByte(byte('a' + rng.IntN(26)))
			}
			b.WriteByte(' ')
		}
		p.texts = append(p.texts, b.String())
	}
	return p, nil
}
