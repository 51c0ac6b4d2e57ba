package augment

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// job is the index of a row to vary, and how many variations of it to write.
type job struct{ row, n int }

// jobs decides which rows are varied, and how many variations each gets.
func (w *writer) jobs() ([]job, error) {
	if len(w.rows) == 0 {
		return nil, errors.New("there are no rows to vary")
	}
	var jobs []job
	if w.config.Size == 0 {
		for i := range w.rows {
			jobs = append(jobs, job{i, w.config.Variations})
		}
		return jobs, nil
	}
	groups := map[string][]int{}
	for i, r := range w.rows {
		switch {
		case len(w.config.Families) == 0:
			groups[""] = append(groups[""], i)
		case r.Label == artifact.Malicious:
			groups[r.Category] = append(groups[r.Category], i)
		}
	}
	shares := w.config.Families
	if len(shares) == 0 {
		shares = map[string]float64{"": 1}
	}
	shares = w.known(groups, shares)
	quota, err := w.quota(groups, shares)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(quota)) {
		members := groups[name]
		w.shuffle(members, name)
		n := min(quota[name], len(members))
		if most := n * w.config.PerRow; w.config.PerRow > 0 && quota[name] > most {
			w.env.Notef("%d variations%s were asked for: %d rows give %d, %d of each", quota[name], ofFamily(name), n, most, w.config.PerRow)
			quota[name] = most
		}
		for i := range n {
			times := quota[name] / n
			if i < quota[name]%n {
				times++
			}
			jobs = append(jobs, job{members[i], times})
		}
	}
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Compare(a.row, b.row) })
	return jobs, nil
}

func ofFamily(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" of family %q", name)
}

// known returns shares if the data has at least one of its families. Otherwise it returns the data's own families, by their numbers of
// rows.
func (w *writer) known(groups map[string][]int, shares map[string]float64) map[string]float64 {
	own := map[string]float64{}
	for name, members := range groups {
		if shares[name] > 0 {
			return shares
		}
		own[name] = float64(len(members))
	}
	if len(own) > 0 {
		w.env.Notef("the data has none of the families %v: its own are varied, by how many rows they have", slices.Sorted(maps.Keys(shares)))
	}
	return own
}

// shuffle puts rows in a random order that is stable: adding or removing a row doesn't move the others.
func (w *writer) shuffle(members []int, name string) {
	order := make(map[int]string, len(members))
	for _, i := range members {
		order[i] = text.ID("augment rows", strconv.Itoa(w.config.Seed), name, w.rows[i].Text, w.rows[i].ID)
	}
	slices.SortFunc(members, func(i, j int) int { return cmp.Compare(order[i], order[j]) })
}

// quota divides size among the families that have rows.
func (w *writer) quota(groups map[string][]int, shares map[string]float64) (map[string]int, error) {
	var sum float64
	present := map[string]float64{}
	for _, f := range slices.Sorted(maps.Keys(shares)) {
		if len(groups[f]) == 0 {
			if shares[f] > 0 {
				w.env.Notef("there are no rows of family %q to vary: the others take its share", f)
			}
			continue
		}
		present[f] = shares[f]
		sum += shares[f]
	}
	if sum == 0 {
		return nil, fmt.Errorf("there are no rows of the families %v: the data has %v", slices.Sorted(maps.Keys(shares)), slices.Sorted(maps.Keys(groups)))
	}
	out, given := map[string]int{}, 0
	names := slices.Sorted(maps.Keys(present))
	for _, f := range names {
		out[f] = int(float64(w.config.Size) * present[f] / sum)
		given += out[f]
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(present[b], present[a]) })
	for i := range w.config.Size - given {
		out[names[i%len(names)]]++
	}
	return out, nil
}
