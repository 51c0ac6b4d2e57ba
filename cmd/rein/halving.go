package main

import (
	"context"
	"slices"
)

// halving looks for the first bad commit among those that may be it. It knows neither git nor what makes a commit bad.
type halving struct {
	worst string   // a bad commit
	goods []string // commits that aren't bad
	skip  []string // commits of which it can't be told
	// candidates are the commits that are in worst and in no good one, those that halve them best first. worst isn't among them where
	// it changes nothing.
	candidates func(ctx context.Context, worst string, goods []string) ([]string, error)
	judge      func(ctx context.Context, commit string) (judged, error)
}

// search returns the first bad commit; several where those between can't be told.
func (h *halving) search(ctx context.Context) ([]string, error) {
	for {
		left, err := h.candidates(ctx, h.worst, h.goods)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(left, func(id string) bool { return id != h.worst && !slices.Contains(h.skip, id) })
		if at < 0 {
			if len(left) == 0 { // it changes nothing that is known to be read
				left = []string{h.worst}
			}
			return left, nil
		}
		next := left[at]
		switch what, err := h.judge(ctx, next); {
		case err != nil:
			return nil, err
		case what == good:
			h.goods = append(h.goods, next)
		case what == bad:
			h.worst = next
		default:
			h.skip = append(h.skip, next)
		}
	}
}
