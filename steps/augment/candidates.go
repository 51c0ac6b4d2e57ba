package augment

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// spare returns how many candidates to make for n variations. It is more than n because some candidates will be duplicates, and the teacher
// will reject some.
func (w *writer) spare(n int) int {
	if w.teacher != nil || w.near != nil {
		return 2*n + 4
	}
	return n + n/4
}

// candidatesOf makes different candidates for n variations of a row, and lists the lookups that they depend on. Each round gives other
// candidates.
func (w *writer) candidatesOf(row, n, round int) remembered {
	r := w.rows[row]
	rng := text.RNG(int64(w.config.Seed), "augment", r.Label, r.Text, strconv.Itoa(round))
	from := &reader{family: w.families[r.Category]}
	foreign := text.IsForeign(r.Text)
	methods, weights := w.methods(r, from, foreign)
	if len(methods) == 0 {
		return remembered{}
	}
	choice := func(int) int { return choose(weights, rng) }
	if len(w.config.Order) > 0 {
		choice = func(try int) int { return min(try/(2*w.spare(n)+8), len(methods)-1) }
	}
	p, own, want := parse(r.Text), textKey(text.Key(r.Text)), w.spare(n)
	p.foreign = foreign
	out := make([]candidate, 0, want)
	for try := 0; len(out) < want && try < (8*want+40)*max(1, len(w.config.Order)); try++ {
		m := methods[choice(try)]
		s, says, ok := p.text, p.text, true
		if try > 3*want && len(w.config.Order) == 0 { // single methods give nothing new any more: apply two, a disguise last
			first := methods[choose(weights, rng)]
			if first.hides {
				first, m = m, first
			}
			if s, ok = first.apply(p, rng); ok && !first.hides {
				says = s
			}
		}
		if ok {
			s, ok = m.apply(parseUnlessSame(p, s), rng)
		}
		if !ok || s == r.Text || w.misfit(r, p, s) != "" {
			continue
		}
		k := textKey(text.Key(s))
		if k != own && !slices.ContainsFunc(out, func(c candidate) bool { return c.key == k }) {
			if !m.hides {
				says = ""
			}
			out = append(out, candidate{Text: s, Method: m.name, Says: says, key: k})
		}
	}
	return remembered{out, from.lookups}
}

// parseUnlessSame returns s parsed. It returns p itself if s is its text.
func parseUnlessSame(p *parsed, s string) *parsed {
	if s == p.text {
		return p
	}
	q := parse(s)
	q.foreign = p.foreign
	return q
}

// methods returns the methods for a row's label and language, with their weights. If the methods have an order, there are no weights.
func (w *writer) methods(r artifact.Row, from *reader, foreign bool) ([]method, []float64) {
	all := benignMethods(w.lex)
	if w.wordnet != nil {
		all = append(all, method{name: "wordnet", apply: func(p *parsed, r *rand.Rand) (string, bool) { return synonyms(w.wordnet, p, r, 0.35) }})
	}
	if r.Label == artifact.Malicious {
		all = maliciousMethods(w.lex, from)
	}
	if foreign {
		all = slices.DeleteFunc(all, func(m method) bool { return !m.any })
	}
	var out []method
	var weights []float64
	for _, name := range w.config.Order {
		for _, m := range all {
			if m.name == name {
				out = append(out, m)
			}
		}
	}
	if len(w.config.Order) > 0 {
		return out, nil
	}
	for _, m := range all {
		weight, given := w.config.Methods[m.name]
		if len(w.config.Methods) == 0 {
			weight, given = 1, true
		}
		if given && weight > 0 {
			out, weights = append(out, m), append(weights, weight)
		}
	}
	return out, weights
}

func choose(weights []float64, r *rand.Rand) int {
	var sum float64
	for _, w := range weights {
		sum += w
	}
	at := r.Float64() * sum
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// misfit returns why a variation is out of bounds, or "" if it isn't. A benign variation must keep its protected spans and about its
// length.
func (w *writer) misfit(r artifact.Row, p *parsed, s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "empty"
	case r.Label == artifact.Malicious:
		return ""
	case len(s) > int(w.config.MaxGrowth*float64(len(r.Text)))+80:
		return "too long (max_growth)"
	case 2*len(s) < len(r.Text):
		return "less than half as long as its row"
	case !p.kept(s):
		return "code, a link, a number or a quotation was lost"
	case !p.sameNegations(s):
		return "another number of negations: it may say the opposite"
	}
	return ""
}
