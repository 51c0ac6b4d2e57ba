package main

import (
	"context"
	"slices"
)

// halving finds the first bad commit among candidates. It knows nothing of git, or of what makes a commit bad.
type halving struct {
	worst string   // a bad commit
	goods []string // commits that aren't bad
	skip  []string // commits that can't be tested
	// candidates are the commits that are in worst and in no good one, sorted by how evenly they divide the rest. worst isn't among them if
	// it changes nothing.
	candidates func(ctx context.Context, worst string, goods []string) ([]string, error)
	judge      func(ctx context.Context, commit string) (judged, error)
}

// search returns the first bad commit, or several if those between can't be tested.
func (h *halving) search(ctx context.Context) ([]string, error) {
	for {
		left, err := h.candidates(ctx, h.worst, h.goods)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(left, func(id string) bool { return id != h.worst && !slices.Contains(h.skip, id) })
		if at < 0 || len(left) == 1 { // one has to be it
			if len(left) == 0 { // it changes no file that is known to be read
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
