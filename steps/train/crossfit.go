package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
)

// crossFit trains on the validation rows, too. It deals the sources of all rows into groups and trains one model without each group. That
// model scores the rows of its group, so every row gets a score from a model that hasn't seen its source, as a validation row would. The
// threshold is chosen on these scores and so rests on all sources.
//
// The final model is trained last, on all rows, for the mean number of epochs of the groups' models. A row that is in both sets counts
// once.
func crossFit(ctx context.Context, env *steps.Env, c Config, in Inputs, s sets, _ artifact.Model) (*result, error) {
	all, err := together(env, c, in, s)
	if err != nil {
		return nil, err
	}
	group, err := all.deal(c.CrossFit)
	if err != nil {
		return nil, err
	}
	bySource, others := all.bySource(group), scoresBySource{}
	scores, epochs := make([]float32, len(all.class)), 0.0
	var judged []int
	loss := 0.0
	for g := range c.CrossFit {
		var train, held []int
		for i, of := range group {
			switch {
			case of != g:
				train = append(train, i)
			case !all.made[i]: // variations aren't judged: real traffic has none
				held = append(held, i)
			}
		}
		out := all.pick(held)
		r, err := trainOne(ctx, env, c, in, all.pick(train), out, part{name: fmt.Sprintf("without%d_", g+1), at: g + 1, of: c.CrossFit + 1})
		if err != nil {
			return nil, err
		}
		err = others.add(r.loop, s.further.ready(r.loop.net).of(func(source string) bool { at, ok := bySource[source]; return ok && at == g }, c.AtMost))
		r.loop.net.close()
		if err != nil {
			return nil, err
		}
		for at, i := range held {
			scores[i] = r.validation.scores[at]
		}
		env.Logf("without group %d (%d sources, %d rows): AUC %.4f on it, epoch %d", g+1, len(out.sources), len(held), r.auc, r.loop.state.BestAt)
		judged, epochs, loss = append(judged, held...), epochs+float64(r.loop.state.BestAt), loss+r.validation.loss*float64(len(held))
	}
	n := max(1, int(math.Round(epochs/float64(c.CrossFit))))
	last, err := trainOne(ctx, env, c, in, all, all.thinned(min(len(all.class), 2000)), part{name: "all_", epochs: n, at: c.CrossFit + 1, of: c.CrossFit + 1})
	if err != nil {
		return nil, err
	}
	if err := others.add(last.loop, s.further.of(func(source string) bool { return !all.has(source) }, c.AtMost)); err != nil {
		return nil, err
	}
	slices.Sort(judged)
	last.loop.validation = all.pick(judged)
	m := measured{loss: loss / float64(len(judged)), scores: make([]float32, len(judged))}
	for at, i := range judged {
		m.scores[at] = scores[i]
	}
	return last.loop.decide(m, others), nil
}

// together joins the training and the validation rows to one dataset, with ids and with weights computed for all rows.
func together(env *steps.Env, c Config, in Inputs, s sets) (*dataset, error) {
	if c.Seeds > 1 {
		return nil, errors.New("seeds: with cross_fit there are no validation rows to choose the best of several seeds on; leave seeds out")
	}
	net, err := open(env, &c, in)
	if err != nil {
		return nil, err
	}
	defer net.close()
	d := &dataset{perClass: make([]int, len(s.rows.perClass)), sources: map[string]int{}, methods: s.rows.methods}
	groups := map[[2]string]int{}
	for _, part := range []*dataset{s.rows, s.validation.without(s.rows.ids)} {
		d.texts, d.ids = append(d.texts, part.texts...), append(d.ids, part.ids...)
		d.class, d.weight = append(d.class, part.class...), append(d.weight, part.weight...)
		d.source, d.root, d.made = append(d.source, part.source...), append(d.root, part.root...), append(d.made, part.made...)
		for class, n := range part.perClass {
			d.perClass[class] += n
		}
		for source, n := range part.sources {
			d.sources[source] += n
		}
	}
	for i, source := range d.source {
		key := [2]string{source, fmt.Sprint(d.benign(i))}
		if _, ok := groups[key]; !ok {
			groups[key] = len(groups)
		}
		d.groups = append(d.groups, groups[key])
	}
	d.long = longRows(net, d.texts)
	d.corpus, d.texts = net.encode(d.texts), nil
	return d, nil
}

// deal assigns each row to one of n groups. All rows of one source are in the same group, and so are all descendants of one row. It deals
// the largest sources first, each to the group with the fewest rows of that label, so that every group gets both labels.
func (d *dataset) deal(n int) ([]int, error) {
	rows, total := map[string]*[2]int{}, [2]float64{} // without variations, because only collected rows are judged
	key := func(i int) string {
		if d.source[i] == "" {
			return "row " + d.root[i]
		}
		return "source " + d.source[i]
	}
	var names []string
	for i := range d.class {
		k := key(i)
		if rows[k] == nil {
			rows[k], names = &[2]int{}, append(names, k)
		}
		if !d.made[i] {
			rows[k][label(d, i)]++
			total[label(d, i)]++
		}
	}
	share := func(name string, l int) float64 { return float64(rows[name][l]) / max(total[l], 1) }
	kind := func(name string) int {
		if share(name, 1) > share(name, 0) {
			return 1
		}
		return 0
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(share(b, kind(b)), share(a, kind(a))), cmp.Compare(a, b))
	})
	group, have := map[string]int{}, make([][2]float64, n)
	for _, name := range names {
		best := 0
		for g := range have {
			if have[g][kind(name)] < have[best][kind(name)] {
				best = g
			}
		}
		group[name] = best
		for l := range total {
			have[best][l] += share(name, l)
		}
	}
	for g, of := range have {
		if of[0] == 0 || of[1] == 0 {
			return nil, fmt.Errorf("cross_fit = %d: group %d of the sources has no rows of one label; there are %d sources, so give fewer groups", n, g+1, len(names))
		}
	}
	out := make([]int, len(d.class))
	for i := range out {
		out[i] = group[key(i)]
	}
	return out, nil
}

func label(d *dataset, i int) int {
	if d.benign(i) {
		return 0
	}
	return 1
}
