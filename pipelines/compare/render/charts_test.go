package render

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/pipelines/compare"
)

// Ticks of one axis can be told apart, and have room between the axis and its label.
func TestTicksCanBeRead(t *testing.T) {
	for _, r := range [][2]float64{{0.99983, 1.00001}, {100_000, 181_000}, {0.0001, 0.01}, {0.2, 0.6}, {3, 12}} {
		y := axis{"y", r[0], r[1], spaced(r[0], r[1])}
		c := newChart("c", "C", "", axis{"x", 0, 1, plain}, y, nil)
		seen := map[string]bool{}
		for _, tick := range c.YTicks {
			if seen[tick.Text] || strings.ContainsAny(tick.Text, "e?") {
				t.Errorf("%v: ticks %v", r, c.YTicks)
			}
			seen[tick.Text] = true
			if room := c.Left - 6 - tickWidth*float64(len(tick.Text)); room < 20 {
				t.Errorf("%v: %q leaves %.0f for the label", r, tick.Text, room)
			}
		}
		if len(seen) < 2 {
			t.Errorf("%v: ticks %v", r, c.YTicks)
		}
	}
}

// What is written over a group's marks stands on none of them, and fits a phone.
func TestNamesStayOffTheMarks(t *testing.T) {
	high := 0.3
	one := func(name, note string) estimates {
		mark := estimate{name, "c1", compare.Figure{Value: 0.1, Low: &high, High: &high}}
		return estimates{name: name, note: note, marks: []estimate{mark, mark}}
	}
	long := strings.Repeat("a long source/", 8)
	w := newWhiskers("w", "W", "", "difference", inPoints, []estimates{one("a", "12 rows"), one(long, "no clear difference"), one(long, ""), one("b", "")})
	last := 0.0
	for _, g := range w.Groups {
		letters := len([]rune(g.Name))
		under := g.Y
		if g.Under {
			under += whiskerLine
		} else {
			letters += 1 + len(g.Note)
		}
		if g.Y-whiskerLine < last || g.Marks[0].Y-under < whiskerLine-1 || letterWidth*float64(letters) > 300 {
			t.Errorf("after %.0f: %+v", last, g)
		}
		last = g.Marks[len(g.Marks)-1].Y
	}
	if name := w.Groups[1].Name; !strings.HasPrefix(name, "…") || !strings.HasSuffix(name, "source/") {
		t.Errorf("the long name is %q", name)
	}
	for _, tick := range w.XTicks { // points aren't percents
		if strings.Contains(tick.Text, "%") {
			t.Errorf("a tick of points is %q", tick.Text)
		}
	}
}

func TestGroupsOfFewRowsStayOffTheChart(t *testing.T) {
	groups := func(rows ...int) map[string]*estimates {
		out := map[string]*estimates{}
		for i, n := range rows {
			out[string(rune('a'+i))] = &estimates{rows: n}
		}
		return out
	}
	for _, c := range []struct {
		rows []int
		kept int
		left string
	}{{[]int{20, 300, 5000}, 3, ""}, {[]int{19, 300, 5000}, 2, " One more has fewer than 20 rows."}, {[]int{1, 2, 3, 300, 5000}, 2, " 3 more have fewer than 20 rows."}, {[]int{5, 8, 300}, 3, ""}} {
		if kept, left := filled(groups(c.rows...)); len(kept) != c.kept || left != c.left {
			t.Errorf("%v: %d kept, %q", c.rows, len(kept), left)
		}
	}
}

func TestTrainingCurvesComeInOrderOfWorth(t *testing.T) {
	got := slices.SortedFunc(slices.Values([]string{"learning_rate", "rows_per_second", "validation_auc", "train_loss", "validation_loss"}), byWorth)
	if want := []string{"train_loss", "validation_loss", "validation_auc", "learning_rate", "rows_per_second"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// The names of the decision chart stand on no other name and on no point, and within the chart, also where points crowd and on a
// phone.
func TestDecisionLabelsCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, width := range []float64{345, 760} {
			d := &decision{chart: chart{Left: marginLeft, Top: marginTop, PlotW: width - marginLeft - marginRight, PlotH: 300}}
			for i := range rapid.IntRange(1, 10).Draw(t, "marks") {
				x := d.Left + rapid.Float64Range(0.3, 0.6).Draw(t, "x")*d.PlotW
				y := d.Top + rapid.Float64Range(0.3, 0.8).Draw(t, "y")*d.PlotH
				d.Marks = append(d.Marks, crossed{Name: []string{"conservative", "hybrid"}[i%2], X: x, Y: y, Left: x - 30, Right: x + 30, High: y - 20, Low: y + 20})
			}
			d.label()
			var names []rectangle
			for _, m := range d.Marks {
				w := letterWidth * float64(len(m.Name))
				at := rectangle{m.LabelX, m.LabelY - labelHeight + 3, w, labelHeight}
				if m.End {
					at.X -= w
				}
				if at.X < d.Left || at.X+w > d.Left+d.PlotW || at.Y < d.Top || at.Y+labelHeight > d.Top+d.PlotH {
					t.Fatalf("%s stands outside: %+v", m.Name, at)
				}
				if at.hits(names) > 0 {
					t.Fatalf("%s stands on another name: %+v", m.Name, d.Marks)
				}
				names = append(names, at)
			}
		}
	})
}
