package compare

import (
	"strings"
	"testing"
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
	w := newWhiskers("w", "W", "", "rate", []estimates{{name: strings.Repeat("a long source/", 8), marks: []estimate{{"a", "c1", Figure{Value: 0}}}}})
	g := w.Groups[0]
	if end := 4 + letterWidth*float64(len([]rune(g.Name))); end > g.Marks[0].X || !strings.HasPrefix(g.Name, "…") {
		t.Errorf("%q ends at %.0f, its mark is at %.0f", g.Name, end, g.Marks[0].X)
	}
}
