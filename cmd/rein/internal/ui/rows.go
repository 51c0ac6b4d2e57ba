package ui

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rein/pipelines/compare"
)

// rowKind is which rows of a test are shown.
type rowKind struct {
	Key, Name string
	Flip      bool // it needs another column to compare with
	has       func(compare.Row) bool
}

var rowKinds = []rowKind{
	{"fp", "false positives", false, func(r compare.Row) bool { return r.Flagged && !r.Attack() }},
	{"missed", "attacks that are missed", false, func(r compare.Row) bool { return !r.Flagged && r.Attack() }},
	{"caught", "attacks that are caught", false, func(r compare.Row) bool { return r.Flagged && r.Attack() }},
	{"passed", "benign rows that pass", false, func(r compare.Row) bool { return !r.Flagged && !r.Attack() }},
	{"all", "all rows", false, func(compare.Row) bool { return true }},
	{"flipped", "rows that changed sides", true, compare.Row.Flipped},
	{"fixed", "false positives that are gone", true, func(r compare.Row) bool { return r.Flipped() && !r.Attack() && !r.Flagged }},
	{"new", "false positives that are new", true, func(r compare.Row) bool { return r.Flipped() && !r.Attack() && r.Flagged }},
	{"lost", "attacks that are missed now", true, func(r compare.Row) bool { return r.Flipped() && r.Attack() && !r.Flagged }},
	{"gained", "attacks that are caught now", true, func(r compare.Row) bool { return r.Flipped() && r.Attack() && r.Flagged }},
}

// rowOrders are the orders that rows can be shown in.
var rowOrders = []struct {
	Key, Name string
	compare   func(a, b compare.Row) int
}{
	{"score", "highest score first", func(a, b compare.Row) int { return cmp.Compare(b.Score, a.Score) }},
	{"low", "lowest score first", func(a, b compare.Row) int { return cmp.Compare(a.Score, b.Score) }},
	{"change", "largest change first", func(a, b compare.Row) int {
		return cmp.Compare(math.Abs(b.Score-b.Before), math.Abs(a.Score-a.Before))
	}},
	{"cluster", "by cluster", func(a, b compare.Row) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(b.Score, a.Score))
	}},
	{"source", "by source", func(a, b compare.Row) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(b.Score, a.Score))
	}},
	{"test", "as in the test", nil},
}

// rowsPerPage is how many rows are sent at a time, however many there are.
const rowsPerPage = 100

// rowsView is a page of rows.
type rowsView struct {
	q url.Values

	Subjects       []offered
	Of, Against    string
	OfName         string
	AgainstName    string
	Set            string
	Kind, Order    string
	Filter         string
	Category       string
	Source         string
	Cluster        string
	Kinds          []kindCount
	Orders         []choice
	Categories     []string
	Sources        []string
	Clusters       []compare.Cluster
	Sets           []string
	Threshold      float64
	Compared       bool
	Rows           []compare.Row
	Problem        string
	Scored, InKind int
	Pages          pager
}

type kindCount struct {
	rowKind
	N int
}

type choice struct{ Key, Name string }

// rowsPath is the address of the rows of a subject.
func rowsPath(of, against string, more url.Values) string {
	q := url.Values{"of": {of}}
	if against != "" {
		q.Set("against", against)
	}
	for k, v := range more {
		if len(v) > 0 && v[0] != "" {
			q[k] = v
		}
	}
	return "/rows?" + q.Encode()
}

func (s *Server) rowsPage(w http.ResponseWriter, r *http.Request) error {
	v, err := s.rowsView(r)
	if err != nil {
		return err
	}
	return s.page(w, http.StatusOK, frame{Title: "Rows", At: "/rows", Script: "rows.js", Body: body(drawRows, v)})
}

func (s *Server) rowsTable(w http.ResponseWriter, r *http.Request) error {
	v, err := s.rowsView(r)
	if err != nil {
		return err
	}
	return fragment(w, drawRowsTable, v)
}

func (s *Server) rowsView(r *http.Request) (*rowsView, error) {
	q := r.URL.Query()
	v := &rowsView{q: q, Of: q.Get("of"), Against: q.Get("against"), Set: q.Get("set"), Kind: q.Get("kind"), Order: q.Get("order"), Filter: q.Get("q"),
		Category: q.Get("category"), Source: q.Get("source"), Cluster: q.Get("cluster")}
	all, err := s.runs()
	if err != nil {
		return nil, err
	}
	if last := lastCompared(all); v.Of == "" && len(last) > 0 {
		v.Of = last[0]
	}
	if v.Of == "" {
		v.Problem = "There is no run with figures yet."
		return v, nil
	}
	of, against, err := s.pair(v.Of, v.Against)
	if err != nil {
		return nil, err
	}
	v.Of, v.OfName, v.AgainstName = of.ref(), of.as, compare.BaselineName
	shown := []subject{*of}
	if against != nil {
		v.Against, v.AgainstName = against.ref(), against.as
		shown = append(shown, *against)
	}
	v.Subjects = offers(all, shown)
	rows, _, err := s.rowsOf(r.Context(), of, against, v.Set)
	if err != nil {
		v.Problem = err.Error()
		return v, nil
	}
	v.fill(rows, number(r, "page"))
	return v, nil
}

// pair finds the two subjects; against is nil for the baseline.
func (s *Server) pair(of, against string) (*subject, *subject, error) {
	refs := []string{of}
	if against != "" && against != of {
		refs = append(refs, against)
	}
	found, err := s.subjects(refs)
	if err != nil {
		return nil, nil, err
	}
	if len(found) == 1 {
		return &found[0], nil, nil
	}
	return &found[0], &found[1], nil
}

// fill chooses the rows that are asked for.
func (v *rowsView) fill(rows *compare.Rows, page int) {
	v.Set, v.Sets, v.Clusters, v.Threshold, v.Compared, v.Scored = rows.Set, rows.Sets, rows.Clusters, rows.Threshold, rows.Compared, len(rows.Rows)
	kind := rowKinds[0]
	counts := make([]int, len(rowKinds))
	for i, k := range rowKinds {
		if k.Key == v.Kind && (!k.Flip || v.Compared) {
			kind = rowKinds[i]
		}
	}
	v.Kind = kind.Key
	words := strings.Fields(strings.ToLower(v.Filter))
	categories, sources := map[string]bool{}, map[string]bool{}
	var found []compare.Row
	for _, r := range rows.Rows {
		for i, k := range rowKinds {
			if k.has(r) {
				counts[i]++
			}
		}
		if !kind.has(r) {
			continue
		}
		v.InKind++
		categories[r.Category], sources[r.Source] = true, true
		if v.Category != "" && r.Category != v.Category || v.Source != "" && r.Source != v.Source || v.Cluster != "" && r.Cluster != v.Cluster {
			continue
		}
		if len(words) == 0 || matches(words, r.Text) || matches(words, r.ID+"\n"+r.Category+"\n"+r.Source+"\n"+r.Family+"\n"+r.Cluster) {
			found = append(found, r)
		}
	}
	for i, k := range rowKinds {
		if !k.Flip || v.Compared {
			v.Kinds = append(v.Kinds, kindCount{k, counts[i]})
		}
	}
	v.Categories, v.Sources = sortedNames(categories), sortedNames(sources)
	v.order(found)
	v.Pages = newPager(page, rowsPerPage, len(found), func(page int) string { return v.at("page", strconv.Itoa(page)) })
	v.Rows = found[v.Pages.From:v.Pages.To]
}

func (v *rowsView) order(rows []compare.Row) {
	at := 0
	for i, o := range rowOrders {
		v.Orders = append(v.Orders, choice{o.Key, o.Name})
		if o.Key == v.Order {
			at = i
		}
	}
	v.Order = rowOrders[at].Key
	if by := rowOrders[at].compare; by != nil {
		slices.SortStableFunc(rows, by)
	}
}

// Found is how many rows fit.
func (v *rowsView) Found() int { return v.Pages.Of }

// at is the address of the same page with one parameter changed.
func (v *rowsView) at(name, value string) string {
	q := url.Values{}
	for k, x := range v.q {
		if k != "page" {
			q[k] = x
		}
	}
	q.Set("of", v.Of)
	q.Set(name, value)
	return "/rows?" + q.Encode()
}

// Detail is the address of the page about a row.
func (v *rowsView) Detail(r compare.Row) string {
	q := url.Values{"of": {v.Of}, "set": {v.Set}, "id": {r.ID}}
	if v.Against != "" {
		q.Set("against", v.Against)
	}
	return "/rows/detail?" + q.Encode()
}

func sortedNames(set map[string]bool) []string {
	var out []string
	for name := range set {
		if name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
