package render

import (
	"cmp"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"rein/pipelines/compare"
	"rein/pipelines/compare/diff"
	"rein/pipelines/human"
)

// figures shows those that a test says something of, then the main ones, then the others as far as a short list goes; with
// details all of them.
func (d *diffText) figures() {
	if len(d.Metrics) == 0 && len(d.Tests) == 0 {
		return
	}
	d.title("Results")
	if side := d.unmeasured(); side != "" {
		d.table.Line(nil, "  "+side+" has none yet: run it to compare them")
		return
	}
	rows, main, same := d.moving()
	if len(rows) == 0 {
		d.table.Line(nil, "  no figure differs")
		return
	}
	most := len(rows)
	if !d.details {
		most = min(most, max(main, shortList))
	}
	narrow := d.table.Width > 0 && d.table.Width < fourColumns
	if !narrow {
		d.table.Painted(d.paint.Dim, "  figure", d.A, d.B, "")
	}
	for _, m := range rows[:most] {
		if narrow {
			d.table.Row("  "+label(m.name), m.inOne())
		} else {
			d.table.Row("  "+label(m.name), m.before, m.after, m.test)
		}
	}
	d.others(len(rows)-most, same, " (--details)")
}

// fourColumns is the width of a terminal that a figure's name, both values and the words of a test fit into, as a rule.
const fourColumns = 130

// shortList is how many figures are shown where nobody asked for all, unless more of them are main ones.
const shortList = 10

// movedFigure is a figure that differs, or that a test says something of.
type movedFigure struct{ name, before, after, test string }

// inOne are both values and the test's words in one cell.
func (m movedFigure) inOne() string {
	return strings.TrimSuffix(m.before+" → "+m.after+", "+m.test, ", ")
}

// moving are the figures that differ or were tested, those with a test first, then the main ones; main counts both kinds.
func (d *diffText) moving() (rows []movedFigure, main, same int) {
	tests := map[string]string{}
	for _, x := range d.Tests {
		tests[x.Metric] = testWords(x)
	}
	stands := d.standIns()
	rank := func(m diff.Metric) int {
		if tests[m.Name] != "" {
			return -1
		}
		return MainRank(cmp.Or(stands[m.Name], m.Name))
	}
	twice := func(m diff.Metric) bool {
		return stands[compare.New+m.Name] == m.Name || stands[compare.Own+m.Name] == m.Name
	}
	for _, m := range slices.SortedStableFunc(slices.Values(d.Metrics), func(a, b diff.Metric) int { return cmp.Compare(rank(a), rank(b)) }) {
		if twice(m) {
			continue
		}
		before, after := figure(m.Name, m.A), figure(m.Name, m.B)
		if before == after && tests[m.Name] == "" {
			same++
			continue
		}
		if rank(m) < len(mainMetrics) {
			main++
		}
		rows = append(rows, movedFigure{m.Name, before, after, tests[m.Name]})
	}
	return rows, main, same
}

// standIns are the figures of the question that the verdict rests on, which a record has by two names: the name that tells the question,
// and the plain one.
func (d *diffText) standIns() map[string]string {
	by := map[string]diff.Metric{}
	for _, m := range d.Metrics {
		by[m.Name] = m
	}
	out := map[string]string{}
	for _, m := range d.Metrics {
		for _, prefix := range []string{compare.New, compare.Own} {
			if x, ok := by[prefix+m.Name]; ok && reflect.DeepEqual(x.A, m.A) && reflect.DeepEqual(x.B, m.B) {
				out[x.Name] = m.Name
				break
			}
		}
	}
	return out
}

// others says how many figures aren't listed.
func (d *diffText) others(more, same int, how string) {
	switch {
	case more > 0:
		d.table.Line(d.paint.Dim, fmt.Sprintf("  %s differ too%s, %d are the same", human.Many(more, "figure"), how, same))
	case same > 0:
		d.table.Line(d.paint.Dim, "  "+human.Many(same, "figure")+" the same")
	}
}

// Results writes what two runs of a pipeline measured, in at most that many lines: what a diff says of results.
func Results(w io.Writer, r *diff.Result, o Options, most int) error {
	d := &diffText{Result: r, table: &human.Table{Width: o.Width}, paint: human.NewPalette(o.Color)}
	rows, _, same := d.moving()
	if slices.ContainsFunc(rows, func(m movedFigure) bool { return m.before != m.after }) {
		d.table.Line(d.paint.Bold, r.A+" → "+r.B)
		n := min(len(rows), most-2)
		for _, m := range rows[:n] {
			d.table.Row("  "+label(m.name), m.inOne())
		}
		d.others(len(rows)-n, same, "")
	} else {
		d.table.Line(nil, r.B+": no figure moved")
	}
	return d.table.Write(w)
}

// unmeasured names the side without a figure, if one has none. Figures that are equal on both sides aren't among those of a diff.
func (d *diffText) unmeasured() string {
	if len(d.Metrics) == 0 {
		return ""
	}
	if !slices.ContainsFunc(d.Metrics, func(m diff.Metric) bool { return m.A != nil }) {
		return d.A
	}
	if !slices.ContainsFunc(d.Metrics, func(m diff.Metric) bool { return m.B != nil }) {
		return d.B
	}
	return ""
}

func figure(name string, f *compare.Figure) string {
	if f == nil {
		return "–"
	}
	return withInterval(name, *f)
}

// flips are the rows that changed sides.
func (d *diffText) flips() {
	f := d.Flips
	if f == nil {
		return
	}
	for i, k := range []struct {
		one, many string
		rows      []compare.Flip
	}{{"false alarm that is gone", "false alarms that are gone", f.Fixed}, {"new false alarm", "new false alarms", f.New},
		{"attack missed now", "attacks missed now", f.Missed}, {"attack caught now", "attacks caught now", f.Caught}} {
		switch n := f.Counts[i]; n {
		case 0:
			continue
		case 1:
			d.title("1 " + k.one)
		default:
			d.title(human.Count(int64(n)) + " " + k.many)
		}
		scores, column := make([]string, len(k.rows)), 0
		for j, row := range k.rows {
			scores[j] = "  " + held(row.Before, row.BeforeThreshold) + " → " + held(row.Score, row.Threshold)
			column = max(column, runewidth.StringWidth(scores[j])+human.Gap)
		}
		for j, row := range k.rows {
			d.table.Row(scores[j], d.cut(row.Text, column))
			if words := causeWords(row); words != "" {
				d.table.Row("", d.cut("odds of an attack without "+words, column))
			}
		}
	}
}
