package ui

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"rein/cache"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/steps/artifact"
)

// rowDetail is what is known of one row.
type rowDetail struct {
	Row       compare.Row
	Threshold float64
	Compared  bool
	Against   string
	Causes    []compare.Cause
	NoCauses  string // why there are none
	lineage
}

// lineage is where a row comes from, and what was made of it.
type lineage struct {
	Up      []ancestor // the row itself, then its ancestors up to the first
	Made    []ancestor // rows that were made from it or from one of its ancestors
	Further int        // how many of Made aren't listed
}

// ancestor is a row in the data of a pipeline.
type ancestor struct {
	artifact.Row
	Step string // that it came from first
}

// mostMade is how many of the rows that were made of a row are listed.
const mostMade = 20

func (s *Server) rowDetail(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	of, against, err := s.pair(q.Get("of"), q.Get("against"))
	if err != nil {
		return err
	}
	rows, result, err := s.rowsOf(r.Context(), of, against, q.Get("set"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rows.Rows, func(x compare.Row) bool { return x.ID == q.Get("id") })
	if i < 0 {
		return errNotFound
	}
	d := &rowDetail{Row: rows.Rows[i], Threshold: cmp.Or(rows.Rows[i].Threshold, rows.Threshold), Compared: rows.Compared, Against: rows.Against}
	if d.Row.Flagged {
		if d.Causes, err = result.Causes(r.Context(), of.as, d.Row.Text, d.Row.Score); err != nil {
			d.NoCauses = err.Error()
		}
	}
	if d.lineage, err = s.lineageOf(r.Context(), of.pipeline(), d.Row.ID); err != nil {
		return err
	}
	return fragment(w, drawRowDetail, d)
}

// lineageOf searches the outputs of a pipeline's steps for a row and its relatives.
func (s *Server) lineageOf(ctx context.Context, p *record.Pipeline, id string) (lineage, error) {
	var out lineage
	found := map[string]ancestor{}
	root := ""
	each := func(f func(artifact.Row, string) bool) error { return s.eachRow(ctx, p, f) }
	err := each(func(r artifact.Row, step string) bool {
		if r.ID == id {
			found[id], root = ancestor{r, step}, r.Root
		}
		return r.ID == id
	})
	if err != nil || root == "" {
		if a, ok := found[id]; ok {
			out.Up = []ancestor{a}
		}
		return out, err
	}
	var order []string
	err = each(func(r artifact.Row, step string) bool {
		if _, had := found[r.ID]; !had && r.Root == root {
			found[r.ID] = ancestor{r, step}
			order = append(order, r.ID)
		}
		return false
	})
	if err != nil {
		return out, err
	}
	up := map[string]bool{}
	for at := id; ; at = found[at].Parent {
		a, ok := found[at]
		if !ok || up[at] {
			break
		}
		up[at] = true
		out.Up = append(out.Up, a)
	}
	for _, other := range order {
		switch {
		case up[other]:
		case len(out.Made) < mostMade:
			out.Made = append(out.Made, found[other])
		default:
			out.Further++
		}
	}
	return out, nil
}

// eachRow passes the rows of a pipeline's steps to f, until f has enough. Each file is read once, however many steps pass it on. Files that
// are gone from the store are left out.
func (s *Server) eachRow(ctx context.Context, p *record.Pipeline, f func(artifact.Row, string) bool) error {
	seen := map[cache.Digest]bool{}
	for _, st := range p.Steps {
		for _, port := range sortedPorts(st.Outputs) {
			blob := st.Outputs[port]
			if port == "scores" || seen[blob.Digest] {
				continue
			}
			seen[blob.Digest] = true
			path, err := s.Blobs.Path(ctx, blob)
			if err != nil || !artifact.IsRows(path) {
				continue
			}
			for r, err := range (artifact.Rows{Path: path}).All() {
				if err != nil {
					break
				}
				if f(r, st.Name) {
					return nil
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

func sortedPorts(outputs map[string]cache.Blob) []string {
	var out []string
	for port := range outputs {
		out = append(out, port)
	}
	slices.Sort(out)
	return out
}
