package export

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/ngram"
	"rein/steps/internal/scorer"
)

// certificate says how far two runs of one model are apart.
type certificate struct {
	Rows      int
	Max, P999 float64 // of the logits' differences
	Flipped   int     // rows on the other side of the threshold
	flips     []string
}

// certify compares the trained model with its written graph, run by ONNX Runtime, on all texts.
func certify(ctx context.Context, env *steps.Env, m trained, exported artifact.Model, texts []string) (certificate, error) {
	s, err := scorer.Open(ctx, exported, scorer.Options{})
	if err != nil {
		return certificate{}, err
	}
	defer s.Close()
	c, diffs := certificate{Rows: len(texts)}, make([]float64, 0, len(texts))
	const chunk = 1 << 12
	for from := 0; from < len(texts); from += chunk {
		part := texts[from:min(from+chunk, len(texts))]
		want, err := m.logits(part)
		if err != nil {
			return c, err
		}
		got, err := s.Logits(ctx, part)
		if err != nil {
			return c, err
		}
		for i := range part {
			diffs = append(diffs, c.compare(want[i], got[i], s.Threshold(), part[i]))
		}
		env.Progress(int64(from+len(part)), int64(len(texts)), "rows")
	}
	slices.Sort(diffs)
	if n := len(diffs); n > 0 {
		c.Max, c.P999 = diffs[n-1], diffs[min(int(math.Ceil(0.999*float64(n))), n)-1]
	}
	return c, nil
}

// compare returns a row's largest logit difference, and counts it if its decision differs.
func (c *certificate) compare(want, got []float32, threshold float64, text string) float64 {
	diff := 0.0
	for j := range want {
		d := math.Abs(float64(want[j]) - float64(got[j]))
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		diff = max(diff, d)
	}
	a, b := slices.Clone(want), slices.Clone(got)
	ngram.Softmax(a)
	ngram.Softmax(b)
	x, y := ngram.Threat(a), ngram.Threat(b)
	if (float64(x) >= threshold) != (float64(y) >= threshold) {
		c.Flipped++
		c.example(x, y, text)
	}
	return diff
}

// example keeps a row for a message, if there are few yet.
func (c *certificate) example(before, after float32, text string) {
	if len(c.flips) < 3 {
		c.flips = append(c.flips, fmt.Sprintf("%.6f -> %.6f %q", before, after, text[:min(len(text), 60)]))
	}
}

// examples lists some flipped rows for a message.
func (c certificate) examples() string {
	if len(c.flips) == 0 {
		return ""
	}
	return ": " + strings.Join(c.flips, "; ")
}

func (c certificate) report(env *steps.Env) {
	env.Metric("certified_rows", float64(c.Rows))
	env.Metric("logit_diff_max", c.Max)
	env.Metric("logit_diff_p999", c.P999)
	env.Metric("decisions_flipped", float64(c.Flipped))
	env.Logf("%d rows: largest logit difference %.3g, p99.9 %.3g, %d decisions flipped", c.Rows, c.Max, c.P999, c.Flipped)
}

// probe is what models are compared on.
type probe struct {
	texts  []string
	benign []bool // of labelled rows; nil for generated texts
}

func (p probe) labelled() bool { return len(p.benign) > 0 }

func (p probe) benignAt(i int) bool { return p.benign[i] }

// probes are the rows, or generated texts of all lengths.
func probes(rows artifact.Rows) (p probe, err error) {
	if rows.Path != "" {
		for row, err := range rows.All() {
			if err != nil {
				return p, err
			}
			p.texts, p.benign = append(p.texts, row.Text), append(p.benign, row.Label == artifact.Benign)
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
