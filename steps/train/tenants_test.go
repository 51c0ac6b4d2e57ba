package train

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/threshold"
	"rein/steps/stepstest"
)

// tenant is a source that the model never saw: the threat scores of its benign rows.
type tenant struct {
	source  string
	benign  []float32
	attacks []float32 // of all left-out sources
	own     float64   // the threshold that the model was trained with
}

// tenants trains a model on one half of the sources and scores the other half, both ways round. Models are small: what is measured
// is how thresholds carry over, not how good the models are.
func tenants(t *testing.T) (out []tenant) {
	all := sharedRows(t)
	half := func(r artifact.Row) int { return int(hashOf(r.Source) >> 4 % 2) }
	for k := range 2 {
		var train, validation, left []artifact.Row
		for _, r := range slices.Concat(all[0], all[1], all[2]) {
			switch {
			case half(r) == k:
				left = append(left, r)
			case hashOf(r.Source)>>8%5 == 0:
				validation = append(validation, r)
			default:
				train = append(train, r)
			}
		}
		c := defaults()
		c.Epochs = 2
		c.Model = &ModelConfig{Buckets: 1 << 15, Dim: 16, Hidden: 16}
		env := stepstest.New(t, "model")
		model, err := run(t.Context(), env.Env, c, Inputs{Rows: written(t, train), Validation: written(t, validation)})
		if err != nil {
			t.Fatal(err)
		}
		texts := make([]string, len(left))
		for i, r := range left {
			texts[i] = r.Text
		}
		scores, own := scored(t, model.Model, texts)
		var attacks []float32
		sources := map[string][]float32{}
		for i, r := range left {
			if r.Label == artifact.Malicious {
				attacks = append(attacks, scores[i])
			} else {
				sources[r.Source] = append(sources[r.Source], scores[i])
			}
		}
		for name, benign := range sources {
			out = append(out, tenant{name, benign, attacks, own})
		}
	}
	slices.SortFunc(out, func(a, b tenant) int { return cmp.Compare(a.source, b.source) })
	return out
}

// over is the share of scores at or over a threshold.
func (tenant) over(scores []float32, cut float64) float64 {
	n := 0
	for _, s := range scores {
		if float64(s) >= cut {
			n++
		}
	}
	return float64(n) / float64(len(scores))
}

// Each source of the real data in turn is somebody's traffic: a sample of it, with attacks mixed in, chooses the threshold. docs/production.md
// has the table that this prints.
func TestTenants(t *testing.T) {
	if testing.Short() || os.Getenv("REIN_TENANTS") == "" {
		t.Skip("trains two models on real data: set REIN_TENANTS=1, and REIN_DATA to the folder of the data")
	}
	const limit, draws = 0.01, 20
	all := tenants(t)
	fmt.Printf("| rows | attacks | tenants | FP rate kept, calibrated | on the rows not drawn | kept by the model's threshold | recall, calibrated | recall, the model's |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, n := range []int{300, 1000, 5000} {
		for _, share := range []float64{0, 0.001, 0.01, 0.05} {
			rule := threshold.Traffic{Limit: limit, Share: share, Sure: 0.95}
			planted := int(share*float64(n) + 0.5)
			tried, kept, keptRest, today, recall, recallToday, many := 0, 0, 0, 0, 0.0, 0.0, 0
			for _, who := range all {
				drawn := n - planted
				if len(who.benign) < 2*drawn || len(who.attacks) == 0 { // half of a tenant's rows at most: there have to be others
					continue
				}
				many++
				rng := rand.New(rand.NewPCG(11, hashOf(fmt.Sprint(who.source, n, share))))
				for range draws {
					benign := slices.Clone(who.benign)
					rng.Shuffle(len(benign), func(i, j int) { benign[i], benign[j] = benign[j], benign[i] })
					sample := slices.Clone(benign[:drawn])
					for range planted {
						sample = append(sample, who.attacks[rng.IntN(len(who.attacks))])
					}
					slices.SortFunc(sample, func(a, b float32) int { return cmp.Compare(b, a) })
					got := rule.Choose(sample)
					if got.Need > 0 {
						continue
					}
					tried++
					recall += who.over(who.attacks, got.Threshold)
					recallToday += who.over(who.attacks, who.own)
					if who.over(benign, got.Threshold) <= limit {
						kept++
					}
					if who.over(benign[drawn:], got.Threshold) <= limit {
						keptRest++
					}
					if who.over(benign, who.own) <= limit {
						today++
					}
				}
			}
			if tried == 0 {
				fmt.Printf("| %d | %.1f%% | %d | need %d | | | | |\n", n, 100*share, many, rule.Need())
				continue
			}
			of := func(k int) float64 { return 100 * float64(k) / float64(tried) }
			mean := func(v float64) float64 { return 100 * v / float64(tried) }
			fmt.Printf("| %d | %.1f%% | %d | %.1f%% | %.1f%% | %.1f%% | %.1f%% | %.1f%% |\n", n, 100*share, many, of(kept), of(keptRest), of(today), mean(recall), mean(recallToday))
			if of(kept) < 95 {
				t.Errorf("%d rows, %v attacks: the FP rate is kept by %.1f%%", n, share, of(kept))
			}
		}
	}
}

func hashOf(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}
