package render

import (
	"cmp"
	"fmt"

	"rein/pipelines/compare"
)

// stepGraph is a strategy's steps as boxes in columns by depth, with the time that each took.
type stepGraph struct {
	Name   string
	Boxes  []box
	Arrows []string // paths
	W, H   float64
	Steps  []compare.Timing
}

type box struct {
	X, Y       float64
	Name, Note string
	Class      string // "bad", or "shared" for the baseline's
	Status     string // how it ended
}

const (
	boxW, boxH       = 150.0, 40.0
	boxGapX, boxGapY = 34.0, 12.0
)

// graphs draws each strategy's steps.
func (r result) graphs() []stepGraph {
	var out []stepGraph
	for _, s := range r.Strategies {
		if g := newStepGraph(s.Name, s.Steps); len(g.Boxes) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// newStepGraph places steps; those that weren't needed are left out.
func newStepGraph(name string, steps []compare.Timing) stepGraph {
	g := stepGraph{Name: name}
	depth, at, used := map[string]int{}, map[string][2]float64{}, map[int]int{}
	for _, t := range steps {
		if t.Status == "not needed" {
			continue
		}
		g.Steps = append(g.Steps, t)
		d := 0
		for _, n := range t.Needs {
			if _, ok := at[n]; ok {
				d = max(d, depth[n]+1)
			}
		}
		depth[t.Name] = d
		b := box{X: 4 + float64(d)*(boxW+boxGapX), Y: 4 + float64(used[d])*(boxH+boxGapY), Name: t.Name, Note: t.Type, Class: boxClass(t), Status: "is-" + cmp.Or(t.Status, "waiting")}
		switch {
		case t.MS > 0:
			b.Note += " · " + seconds(float64(t.MS)/1000)
		case t.Status != "":
			b.Note += " · " + t.Status
		}
		used[d]++
		at[t.Name] = [2]float64{b.X, b.Y}
		g.Boxes = append(g.Boxes, b)
		g.W, g.H = max(g.W, b.X+boxW+4), max(g.H, b.Y+boxH+4)
		for _, n := range t.Needs {
			if from, ok := at[n]; ok {
				x1, y1, x2, y2 := from[0]+boxW, from[1]+boxH/2, b.X, b.Y+boxH/2
				mid := x2 - boxGapX/2
				g.Arrows = append(g.Arrows, fmt.Sprintf("M%g %gC%g %g %g %g %g %g", x1, y1, mid, y1, mid, y2, x2, y2))
			}
		}
	}
	return g
}

func boxClass(t compare.Timing) string {
	switch {
	case t.Status == "failed" || t.Status == "verdict":
		return "bad"
	case t.Shared:
		return "shared"
	}
	return ""
}
