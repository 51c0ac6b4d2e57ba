package split

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/text"
)

// groups says which rows must stay together: the clusters of copies, descendants and near-duplicates, and the sources.
type groups struct {
	of      []int32 // cluster of each row, an index into all
	all     []member
	sources []member
	names   []string // name of each source; "" stands for rows without a source
	total   [2]int   // rows by label
	by      string   // "source", "cluster" or "time"
	moved   int      // rows whose cluster counts towards another source, because that has a copy of them
	source  []int32  // source of each row
	rows    int      // number of rows before those of the given pool
	given   bool     // the pool is an input of its own
	pooled  []bool   // for each source: the given pool has rows of it
}

// inPool tells whether a source is in the given pool.
func (g *groups) inPool(source int32) bool { return g.given && g.pooled[source] }

// member is what is put into bins: a cluster or a source.
type member struct {
	u      float64  // place on the line, 0 to 1
	n      [2]int32 // number of rows by label
	source int32    // number of its source

	fromPool bool // all its rows are from the given pool
}

func (m *member) size() int { return int(m.n[benign] + m.n[malicious]) }

// group reads the rows once and finds the clusters and sources.
func group(ctx context.Context, c Config, in In) (*groups, error) {
	cl := leak.NewClusters(c.Near)
	r := reading{c: c}
	for _, rows := range in.Rows {
		if err := cl.AddAll(ctx, rows.All(), r.row); err != nil {
			return nil, err
		}
	}
	r.rows = len(r.labels)
	if r.given = in.Pool.Path != ""; r.given {
		if err := cl.AddAll(ctx, in.Pool.All(), r.row); err != nil {
			return nil, err
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	g := &groups{of: make([]int32, cl.Len()), total: r.total, by: c.By, source: r.source, rows: r.rows, given: r.given, pooled: r.pooled}
	if c.Folds > 0 {
		g.by = "source"
	}
	if g.by == "auto" {
		if g.by = "cluster"; r.enoughSources() {
			g.by = "source"
		}
	}
	g.gather(cl, &r)
	if g.by == "time" {
		g.byTime(&r)
	}
	return g, nil
}

// reading is what is kept of the rows while they are read.
type reading struct {
	c       Config
	labels  []uint8
	source  []int32 // of each row, an index into sources
	keys    []float64
	times   []string // only when rows are split by time
	sources []member
	names   []string
	index   map[string]int32
	total   [2]int
	rows    int    // number of rows before those of the given pool
	given   bool   // the rows that are being read are the given pool's
	pooled  []bool // for each source: the given pool has rows of it
	err     error
}

func (r *reading) row(n int, row artifact.Row) {
	if row.Label != artifact.Benign && row.Label != artifact.Malicious && r.err == nil {
		r.err = fmt.Errorf("row %d (id %q): label %q is neither %q nor %q", n, row.ID, row.Label, artifact.Benign, artifact.Malicious)
	}
	if r.c.By == "time" {
		if row.Time == "" && r.err == nil {
			r.err = fmt.Errorf("row %d (id %q) has no time: by = \"time\" needs one in each row", n, row.ID)
		}
		r.times = append(r.times, row.Time)
	}
	if r.index == nil {
		r.index = map[string]int32{}
	}
	s, ok := r.index[row.Source]
	if !ok {
		s = int32(len(r.sources))
		r.index[row.Source] = s
		r.names = append(r.names, row.Source)
		r.sources = append(r.sources, member{source: s, u: place(r.c, "source", row.Source)})
		r.pooled = append(r.pooled, false)
	}
	l := labelOf(row.Label)
	r.labels, r.source, r.keys = append(r.labels, uint8(l)), append(r.source, s), append(r.keys, place(r.c, "text", text.Normalize(row.Text)))
	if r.given {
		r.pooled[s] = true
		return
	}
	r.total[l]++
	r.sources[s].n[l]++
}

// place returns a name's place on the line from 0 to 1. It depends only on the seed and the name, so it stays when rows are added.
func place(c Config, kind, name string) float64 {
	return text.RNG(int64(c.Seed), "split", kind, name).Float64()
}

// wholeSources is the number of sources of each label from which sets are made of whole sources. Sources with less than a hundredth of the
// label's rows don't count, because they are too small to fill a set.
const wholeSources = 8

func (r *reading) enoughSources() bool {
	for l, total := range r.total {
		n := 0
		for i, s := range r.sources {
			if r.names[i] != "" && s.n[l] > 0 && int(s.n[l]) >= total/100 {
				n++
			}
		}
		if n < wholeSources {
			return false
		}
	}
	return true
}

// gather counts the rows of each cluster and of each source. A cluster counts towards the source of its first row.
func (g *groups) gather(cl *leak.Clusters, r *reading) {
	g.sources, g.names = r.sources, r.names
	for i := range g.sources {
		g.sources[i].n = [2]int32{}
	}
	number := make([]int32, len(g.of)) // by first row: number of the cluster, from 1
	for row := range g.of {
		first := cl.First(row)
		src := r.source[first]
		if number[first] == 0 {
			g.all = append(g.all, member{source: src, u: r.keys[first], fromPool: first >= g.rows})
			number[first] = int32(len(g.all))
		}
		at := number[first] - 1
		g.of[row] = at
		if row >= g.rows && !g.all[at].fromPool {
			continue // a row of the given pool that is a copy of another row
		}
		g.all[at].n[r.labels[row]]++
		if row >= g.rows {
			continue
		}
		g.sources[src].n[r.labels[row]]++
		if r.source[row] != src {
			g.moved++
		}
	}
}

// byTime places the clusters on the line by the time of their oldest row. The newest come first, because the sets that are reported on are
// at the beginning of the line.
func (g *groups) byTime(r *reading) {
	oldest := make([]string, len(g.all))
	for row, at := range g.of {
		if t := r.times[row]; oldest[at] == "" || t < oldest[at] {
			oldest[at] = t
		}
	}
	order := make([]int, len(g.all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(oldest[b], oldest[a]), cmp.Compare(a, b)) })
	before, total := 0, len(g.of)
	for _, at := range order {
		g.all[at].u = float64(before) / float64(total)
		before += g.all[at].size()
	}
}
