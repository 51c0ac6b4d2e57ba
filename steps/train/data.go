package train

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"rein/steps/artifact"
	"rein/steps/internal/ngram"
	"rein/steps/internal/threshold"
)

// Classes lists the model's outputs. Malicious rows of any other category count as "other".
func Classes() []string {
	return []string{artifact.Benign, "jailbreak", "toxicity", "injection", "pii", "other"}
}

// dataset holds rows in the form that training needs.
type dataset struct {
	corpus   *ngram.Corpus
	vectors  []float32 // pooled outputs of a frozen encoder for each row
	texts    []string
	long     []longRow // validation rows with more tokens than the model reads at once
	ids      []string  // of each row, for messages
	class    []int
	weight   []float32
	perClass []int
	source   []string       // of each row
	root     []string       // of each row: id of the collected row that it descends from
	made     []bool         // of each row: it is a variation of another row
	groups   []int          // of each row: number of its source and label
	sources  map[string]int // number of rows by source and by method, for the model card
	methods  map[string]int
}

// facts returns what the model's folder records about its rows.
func (d *dataset) facts(validation *dataset, groups int) *artifact.ModelData {
	benign := d.perClass[0]
	return &artifact.ModelData{Benign: benign, Malicious: len(d.class) - benign, Validation: len(validation.class), CrossFit: groups, Sources: d.sources, Methods: d.methods}
}

func (d *dataset) benign(i int) bool { return d.class[i] == 0 }

// scored returns the rows with their threat scores, as the choice of a threshold needs them.
func (d *dataset) scored(scores []float32) threshold.Rows {
	return threshold.Rows{Scores: scores, Benign: d.benign, Source: func(i int) string { return d.source[i] }}
}

// load reads rows. It fails if there are no rows of one of the labels. name is the port's name, for messages.
func load(ctx context.Context, rows artifact.Rows, name string, weights map[string]float64) (*dataset, error) {
	d, err := read(ctx, rows, name, weights)
	if err != nil {
		return nil, err
	}
	if b := d.perClass[0]; b == 0 || b == len(d.class) {
		return nil, fmt.Errorf("%s: %d rows, %d of them benign: training needs rows of both labels", name, len(d.class), b)
	}
	return d, nil
}

// read does the same as load, but accepts rows of a single label.
func read(ctx context.Context, rows artifact.Rows, name string, weights map[string]float64) (*dataset, error) {
	classes := Classes()
	d := &dataset{perClass: make([]int, len(classes)), sources: map[string]int{}, methods: map[string]int{}}
	groups := map[[2]string]int{}
	for row, err := range rows.All() {
		if err != nil {
			return nil, err
		}
		class := 0
		switch row.Label {
		case artifact.Benign:
		case artifact.Malicious:
			class = family(classes, row.Category)
		default:
			return nil, fmt.Errorf("%s: row %d (id %q): label %q is neither %q nor %q",
				name, len(d.class), row.ID, row.Label, artifact.Benign, artifact.Malicious)
		}
		weight := row.Weight
		if weight == 0 {
			weight = 1
		}
		if w, ok := weights[row.Method]; ok {
			weight *= w
		}
		if !(weight >= 0) || math.IsInf(weight, 0) {
			return nil, fmt.Errorf("%s: row %d (id %q): weight %v", name, len(d.class), row.ID, weight)
		}
		d.texts, d.ids = append(d.texts, row.Text), append(d.ids, row.ID)
		d.class, d.weight = append(d.class, class), append(d.weight, float32(weight))
		d.perClass[class]++
		group, seen := groups[[2]string{row.Source, row.Label}]
		if !seen {
			group = len(groups)
			groups[[2]string{row.Source, row.Label}] = group
		}
		d.groups, d.source = append(d.groups, group), append(d.source, row.Source)
		d.root, d.made = append(d.root, cmp.Or(row.Root, row.ID)), append(d.made, row.Method != "")
		if row.Source != "" {
			d.sources[row.Source]++
		}
		if row.Method != "" {
			d.methods[row.Method]++
		}
	}
	return d, ctx.Err()
}

// family returns the class of a malicious row's category.
func family(classes []string, category string) int {
	c := strings.ToLower(strings.TrimSpace(category))
	for i, name := range classes[1:] {
		if c == name {
			return i + 1
		}
	}
	switch {
	case strings.Contains(c, "injection"):
		return 3
	case strings.Contains(c, "jailbreak"):
		return 1
	}
	return len(classes) - 1
}

// weigh multiplies each row's weight by the rarity of its class and of its source. The mean weight over all rows stays 1.
func (d *dataset) weigh(classes, sources string) {
	byClass, bySource := rarity(d.class, classes), rarity(d.groups, sources)
	factor, sum := make([]float64, len(d.class)), 0.0
	for i, c := range d.class {
		factor[i] = byClass[c] * bySource[d.groups[i]] * float64(d.weight[i])
		sum += factor[i]
	}
	if sum == 0 {
		return
	}
	for i, f := range factor {
		d.weight[i] = float32(f * float64(len(d.class)) / sum)
	}
}

// rarity returns the weight of a row of each kind. With n rows of the kind it is 1, n^-1/2 or n^-1.
func rarity(kinds []int, how string) []float64 {
	power := map[string]float64{"none": 0, "sqrt": 0.5, "balanced": 1}[how]
	n := make([]float64, slices.Max(kinds)+1)
	for _, k := range kinds {
		n[k]++
	}
	for k := range n {
		n[k] = math.Pow(n[k], -power)
	}
	return n
}

// thinned returns about n of the rows, evenly spaced.
func (d *dataset) thinned(n int) *dataset {
	var rows []int
	for i := 0; i < len(d.class); i += max(len(d.class)/n, 1) {
		rows = append(rows, i)
	}
	return d.pick(rows)
}

// without returns the dataset without the rows with the given ids. The texts must not have been encoded yet.
func (d *dataset) without(ids []string) *dataset {
	known := map[string]bool{}
	for _, id := range ids {
		known[id] = true
	}
	var rest []int
	for i, id := range d.ids {
		if !known[id] {
			rest = append(rest, i)
		}
	}
	return d.pick(rest)
}

// pick returns a dataset with the rows of the given indexes.
func (d *dataset) pick(rows []int) *dataset {
	out := &dataset{perClass: make([]int, len(d.perClass)), sources: map[string]int{}, methods: d.methods}
	if d.corpus != nil {
		out.corpus = d.corpus.Pick(rows)
	}
	at := make(map[int]int, len(rows))
	for _, i := range rows {
		at[i] = len(out.ids)
		if d.texts != nil {
			out.texts = append(out.texts, d.texts[i])
		}
		out.ids, out.class, out.weight = append(out.ids, d.ids[i]), append(out.class, d.class[i]), append(out.weight, d.weight[i])
		out.source, out.root, out.made = append(out.source, d.source[i]), append(out.root, d.root[i]), append(out.made, d.made[i])
		out.perClass[d.class[i]]++
		if d.source[i] != "" {
			out.sources[d.source[i]]++
		}
	}
	for _, r := range d.long {
		if i, ok := at[r.row]; ok {
			out.long = append(out.long, longRow{i, r.windows})
		}
	}
	return out
}
