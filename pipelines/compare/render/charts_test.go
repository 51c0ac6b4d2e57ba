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

func TestLongNamesStayOffTheMarks(t *testing.T) {
	w := newWhiskers("w", "W", "", "rate", wholePercent, []estimates{{name: strings.Repeat("a long source/", 8), marks: []estimate{{"a", "c1", compare.Figure{Value: 0}}}}})
	g := w.Groups[0]
	if end := 4 + letterWidth*float64(len([]rune(g.Name))); end > g.Marks[0].X || !strings.HasPrefix(g.Name, "…") {
		t.Errorf("%q ends at %.0f, its mark is at %.0f", g.Name, end, g.Marks[0].X)
	}
}

// What is written under a group's name isn't taken for the next one's, and points aren't percents.
func TestGroupsStandApart(t *testing.T) {
	high := 0.3
	one := func(name string) estimates {
		return estimates{name: name, note: "no clear difference", marks: []estimate{{name, "c1", compare.Figure{Value: 0.1, Low: &high, High: &high}}}}
	}
	w := newWhiskers("w", "W", "", "difference", inPoints, []estimates{one("a"), one("b")})
	if apart := w.Groups[1].Y - w.Groups[0].Y; apart < 2*whiskerLine+whiskerGap {
		t.Errorf("groups are %.0f apart", apart)
	}
	for _, tick := range w.XTicks {
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
