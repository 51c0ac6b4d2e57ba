package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rein/pipelines/compare"
	"rein/steps/metric"
)

// Matrix is the comparison as sections of rows, one cell a column: what all renderings but JSON draw.
type Matrix struct {
	Columns []Column
	Rows    []Row
	tests   []compare.Test
}

// Column is the baseline or a strategy.
type Column struct {
	Name, Title string
	Starred     bool
	Missing     string // why its cells are blank
	strategy    *compare.Strategy
}

// heading is the column's name as it can be broken into lines.
func (c Column) heading() string {
	if c.strategy != nil && c.strategy.ControlOf != "" {
		return c.strategy.ControlOf + " copied"
	}
	return c.Name
}

// Row is one line of the matrix.
type Row struct {
	Section string
	Key     string // for Options.Rows
	Name    string
	Cells   []Cell
}

// Cell is what was measured, and beside it what was promised.
type Cell struct {
	Text     string // measured; "" is a blank
	Detail   string // interval, delta against the baseline
	Planned  string // of the plan block
	Expected string // of the expect block
	Tone     Tone
}

// Tone is how a measured cell reads.
type Tone int

// The tones.
const (
	Plain Tone = iota
	Good
	Warn
	Bad
)

// Empty tells a cell with nothing in it.
func (c Cell) Empty() bool { return c.Text == "" && c.Planned == "" && c.Expected == "" }

// view is a column while its cells are made.
type view struct {
	r        result
	s        *compare.Strategy // nil: the baseline
	measured map[string]compare.Figure
}

// matrix lays the result out: the recommended strategy first, the others by rank, the baseline last. Rows in which no column has
// anything are left out.
func (r result) matrix() *Matrix {
	m := &Matrix{tests: r.Tests}
	var views []view
	for _, s := range r.ranked() {
		m.Columns = append(m.Columns, Column{Name: s.Name, Title: title(s), Starred: s.Recommended, Missing: Missing(s.Missing), strategy: s})
		views = append(views, view{r, s, s.Measured})
	}
	if r.Has(compare.BaselineName) {
		m.Columns = append(m.Columns, Column{Name: compare.BaselineName, Title: "Baseline", Missing: Missing(r.Baseline.Missing)})
		views = append(views, view{r, nil, r.Baseline.Measured})
	}
	for _, line := range lines {
		row := Row{Section: line.section, Key: line.key, Name: line.name}
		if best := r.Yardstick(); best != nil && !best.Recommended {
			row.Name = strings.Replace(line.name, "★", best.Name, 1)
		}
		for _, v := range views {
			row.Cells = append(row.Cells, line.cell(v))
		}
		if !allEmpty(row.Cells) {
			m.Rows = append(m.Rows, row)
		}
	}
	return m
}

// briefRows are the keys of the rows that answer the question that a comparison is asked: which one, how good, at what price.
var briefRows = []string{"verdict", "fp_rate", compare.Decisive, "gain", "chosen", "own_fp_rate", "own_" + compare.Decisive, "own_gain", "new_fp_rate", "new_" + compare.Decisive,
	"new_gain", "promise", "edited_tp_rate", "edited_fp_rate_worst", "total_new", "total_time"}

// brief are these rows, and those that tell the columns apart on the question that the verdict rests on.
func (r result) brief() []string {
	return append(slices.Clone(briefRows), r.Basis()+"chosen", r.Basis()+"control")
}

// keep leaves the rows of these keys.
func (m *Matrix) keep(keys []string) {
	m.Rows = slices.DeleteFunc(m.Rows, func(r Row) bool { return !slices.Contains(keys, r.Key) })
	for _, r := range m.Rows {
		for i := range r.Cells {
			if r.Section == sectionVerdict { // what a strategy's file planned is no part of the answer
				r.Cells[i].Planned = ""
			}
		}
	}
}

// fold takes out the rows in which all strategies that were measured have the same, and the baseline nothing else, and says what
// they have: "hard negatives 100".
func (m *Matrix) fold() []string {
	var out []string
	parent := ""
	m.Rows = slices.DeleteFunc(m.Rows, func(r Row) bool {
		name := strings.TrimSpace(r.Name)
		if name == r.Name {
			parent = name
		} else {
			name = parent + " " + name
		}
		cell, same := m.same(r)
		if !same || r.Section == sectionVerdict {
			return false
		}
		if slices.Contains(sectionsOfRows, r.Section) {
			name += ", " + strings.ToLower(r.Section)
		}
		out = append(out, strings.TrimSpace(name+": "+cell.words()))
		return true
	})
	return out
}

// same is the cell that all columns have which could have another.
func (m *Matrix) same(r Row) (Cell, bool) {
	var first *Cell
	n := 0
	for i, c := range r.Cells {
		col := m.Columns[i]
		if col.Missing != "" || col.strategy == nil && c.Empty() {
			continue
		}
		if first == nil {
			first = &r.Cells[i]
		}
		if c.Text != first.Text || c.Planned != first.Planned || c.Expected != first.Expected {
			return Cell{}, false
		}
		n++
	}
	return *cmp.Or(first, &Cell{}), n > 1
}

// words are all that a cell says.
func (c Cell) words() string {
	out := cmp.Or(c.Text, "–")
	if c.Planned != "" && c.Planned != c.Text {
		out += " (plan " + c.Planned + ")"
	}
	if c.Expected != "" {
		out += " (exp " + c.Expected + ")"
	}
	return out
}

func allEmpty(cells []Cell) bool {
	for _, c := range cells {
		if !c.Empty() {
			return false
		}
	}
	return true
}

// The sections, the answer first.
const (
	sectionVerdict  = "Verdict"
	sectionPerform  = "Performance"
	sectionOwn      = "Own traffic"
	sectionNew      = "New sources"
	sectionEdits    = "Edited texts"
	sectionData     = "Data generation"
	sectionDataset  = "Final dataset"
	sectionTraining = "Training"
	sectionTimeline = "Timeline"
)

// sectionsOfRows are those whose names belong to what their rows are called.
var sectionsOfRows = []string{sectionOwn, sectionNew, sectionEdits}

// line is one row of the matrix and how its cells are made.
type line struct {
	section, key, name string
	cell               func(view) Cell
}

// lines are all rows of the matrix.
var lines = slices.Concat(verdictLines, performanceLines, dataLines, trainingLines)

var dataLines = []line{
	{sectionData, "unique_fps", "unique false positives", func(v view) Cell { return v.own("unique_fps").plannedVariable(v, "false_positives") }},
	{sectionData, "near_misses", "  near misses beside them", func(v view) Cell { return v.own("near_misses") }},
	{sectionData, "coverage", "coverage of those found", func(v view) Cell { return v.own("coverage").planned(v, "coverage", percent) }},
	{sectionData, "variations", "variations of each", variations},
	{sectionData, "hard_negatives", "hard negatives", func(v view) Cell { return v.own("hard_negatives").plannedVariable(v, "hard_negatives") }},
	{sectionData, "total_new", "rows added", totalNew},
	{sectionData, "malicious_added", "  malicious", func(v view) Cell { return v.own("malicious_added") }},
	{sectionDataset, "total_samples", "rows", func(v view) Cell { return v.own("total_samples").planned(v, "total_samples", count) }},
	{sectionDataset, "benign_share", "benign share", func(v view) Cell { return v.own("benign_share").planned(v, "benign_share", percent) }},
	{sectionDataset, "balance", "balance", balance},
}

// own is a measured figure of a strategy; the baseline has none of its data generation.
func (v view) own(metric string) Cell {
	if v.s == nil {
		return Cell{}
	}
	return v.measuredCell(metric)
}

func (v view) measuredCell(metric string) Cell {
	f, ok := v.measured[metric]
	if !ok {
		return Cell{}
	}
	return Cell{Text: show(metric, f.Value)}
}

// planned puts a planned figure beside a cell.
func (c Cell) planned(v view, fact string, format func(float64) string) Cell {
	if v.s == nil {
		return c
	}
	switch p := v.s.Planned[fact].(type) {
	case float64:
		c.Planned = format(p)
	case string:
		c.Planned = p
	}
	return c
}

// plannedVariable puts what the strategy's file asks for beside what came of it, and warns where they differ.
func (c Cell) plannedVariable(v view, name string) Cell {
	if v.s == nil {
		return c
	}
	if n, ok := v.r.Variable(v.s, name); ok {
		c.Planned = count(n)
		if c.Text != "" && c.Text != c.Planned {
			c.Tone = Warn
		}
	}
	return c
}

// expected puts what was promised beside a cell.
func (c Cell) expected(v view, metric string) Cell {
	if v.s == nil {
		return c
	}
	if e, ok := v.s.Expected[metric]; ok {
		c.Expected = wants(metric, e)
	}
	return c
}

func variations(v view) Cell {
	made, ok := v.measured["variations_made"]
	of := v.measured["unique_fps"].Value + v.measured["near_misses"].Value
	if v.s == nil {
		return Cell{}
	}
	var c Cell
	if ok && of > 0 {
		c.Text = count(float64(int(made.Value/of*100+0.5)) / 100)
	}
	return c.plannedVariable(v, "variations")
}

func totalNew(v view) Cell {
	b, ok := v.measured["benign_added"]
	m, okM := v.measured["malicious_added"]
	if v.s == nil || !ok || !okM {
		return Cell{}
	}
	return Cell{Text: count(b.Value + m.Value)}
}

func balance(v view) Cell {
	c := Cell{}.planned(v, "balance", percent)
	f, ok := v.measured["balance_severity"]
	if v.s == nil || !ok {
		return c
	}
	c.Text = severity(f.Value)
	c.Tone = []Tone{Good, Good, Warn, Warn}[min(max(int(f.Value), 0), compare.Critical)]
	if g := v.s.Gate(compare.BalanceGate); g != nil && !g.Passed {
		c.Tone = Bad
	}
	return c
}

// OptionError says that an option names what the matrix doesn't have.
type OptionError struct{ Text string }

func (e *OptionError) Error() string { return e.Text }

// Arrange keeps the rows that o names and orders the columns by the metric that it names. The error is an *OptionError.
func (m *Matrix) Arrange(o Options) error {
	if err := m.Select(o.Rows); err != nil {
		return err
	}
	return m.Sort(o.SortBy)
}

// Select keeps the rows whose key, name or section contains one of the words, in the matrix's order. A metric may be called by
// any of its names.
func (m *Matrix) Select(words []string) error {
	if len(words) == 0 {
		return nil
	}
	matches := func(r Row, word string) bool {
		w := strings.ToLower(word)
		return slices.ContainsFunc([]string{r.Key, r.Name, r.Section, r.Name + ", " + r.Section}, func(s string) bool { return strings.Contains(strings.ToLower(s), w) }) ||
			r.Key == metric.Canonical(word) || strings.HasSuffix(r.Key, "_"+metric.Canonical(word))
	}
	for _, w := range words {
		if !slices.ContainsFunc(m.Rows, func(r Row) bool { return matches(r, w) }) {
			return &OptionError{fmt.Sprintf("--rows %q: no row's name or section has this; there are %s", w, strings.Join(m.keys(), ", "))}
		}
	}
	m.Rows = slices.DeleteFunc(m.Rows, func(r Row) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return matches(r, w) })
	})
	return nil
}

// keys are the rows' keys, each once.
func (m *Matrix) keys() []string {
	var out []string
	for _, r := range m.Rows {
		if r.Key != "" && !slices.Contains(out, r.Key) {
			out = append(out, r.Key)
		}
	}
	return out
}
