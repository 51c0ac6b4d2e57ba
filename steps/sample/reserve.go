package sample

import (
	"cmp"
	"context"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// standIns returns the indexes, in rising order, of reserve rows that bring the sample up to the requested size. It takes the rows with the
// highest scores; among equal scores it chooses at random.
func (c Config) standIns(ctx context.Context, env *steps.Env, reserve artifact.Rows, chosen int) ([]int32, error) {
	missing := c.Size - chosen
	if reserve.Path == "" || missing <= 0 {
		return nil, nil
	}
	var all []candidate
	for r, err := range reserve.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		all = append(all, candidate{at: int32(len(all)), chance: text.RNG(int64(c.Seed), "reserve", r.ID, r.Text).Uint64(), score: float32(r.Score)})
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.chance, b.chance), cmp.Compare(a.at, b.at))
	})
	if len(all) == 0 {
		return nil, nil
	}
	var out []int32
	for _, m := range all[:min(missing, len(all))] {
		out = append(out, m.at)
	}
	slices.Sort(out)
	env.Metric("near_misses", float64(len(out)))
	env.Notef("%d near misses of %d stand in, those with the highest scores", len(out), len(all))
	return out, nil
}
