package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"rein/pipelines/compare"
	"rein/pipelines/human"
	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
)

// sweepFlags say which variables take which values.
type sweepFlags struct {
	sweep  []string // NAME=V,V,...
	design string
	seeds  int // of each point; 0: its own
}

// sweeps are the sweeps of the pipelines: the one of the command line for all of them or, without it, each one's sweep block.
func (f *sweepFlags) sweeps(p *lang.Program) (map[string]*lang.Sweep, error) {
	if f.design != "" && !slices.Contains(lang.Designs, f.design) {
		return nil, configError(fmt.Errorf("--design %q: want one of %s", f.design, strings.Join(lang.Designs, ", ")))
	}
	if err := notNegative("--seeds", f.seeds); err != nil {
		return nil, err
	}
	out := map[string]*lang.Sweep{}
	for _, pipe := range p.Pipelines {
		s := pipe.Sweep
		if len(f.sweep) > 0 {
			s = &lang.Sweep{Design: lang.FullDesign}
			for _, text := range f.sweep {
				v, err := pipe.ParseSwept(text)
				if err != nil {
					return nil, configError(err)
				}
				if slices.ContainsFunc(s.Variables, func(o lang.Swept) bool { return o.Name == v.Name }) {
					return nil, configError(fmt.Errorf("--sweep %s is given twice", v.Name))
				}
				s.Variables = append(s.Variables, v)
			}
		}
		if s == nil {
			continue
		}
		if f.design != "" {
			s.Design = f.design
		}
		out[pipe.Name] = s
	}
	for _, given := range []struct {
		flag string
		is   bool
	}{{"--design " + f.design, f.design != ""}, {fmt.Sprintf("--seeds %d", f.seeds), f.seeds > 0}} {
		if given.is && len(out) == 0 {
			return nil, configError(fmt.Errorf("%s: there is no sweep; --sweep NAME=VALUE,VALUE gives one", given.flag))
		}
	}
	return out, nil
}

// crossed are a sweep's points, each with every seed. Without --seeds each occurs once, with seed 0.
func (f *sweepFlags) crossed(pipe *lang.Pipeline, s *lang.Sweep) ([]column, error) {
	points, err := s.Points()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pipe.File, err)
	}
	if f.seeds > 0 {
		switch isSeed := func(name string) bool { return name == lang.SeedVariable }; {
		case !slices.ContainsFunc(pipe.Variables, func(v *lang.Variable) bool { return isSeed(v.Name) }):
			return nil, fmt.Errorf("--seeds %d: %s has no variable %q", f.seeds, pipe.File, lang.SeedVariable)
		case slices.ContainsFunc(s.Variables, func(v lang.Swept) bool { return isSeed(v.Name) }):
			return nil, fmt.Errorf("--seeds %d: %s is swept already", f.seeds, lang.SeedVariable)
		case f.seeds*len(points) > lang.MostPoints:
			return nil, fmt.Errorf("--seeds %d: %d points with so many seeds are more than %d columns", f.seeds, len(points), lang.MostPoints)
		}
	}
	var out []column
	for _, p := range points {
		for seed := min(f.seeds, 1); seed <= f.seeds; seed++ {
			out = append(out, column{p, seed})
		}
	}
	return out, nil
}

// column is a point of a sweep with a seed; 0 means the strategy's own seed.
type column struct {
	point lang.Point
	seed  int
}

// withSweeps loads the pipelines again. A pipeline with a sweep is loaded as one derived pipeline for each point: a text, held in memory
// only, that extends its file and sets the point's values.
func (a *app) withSweeps(p *lang.Program, args []string, l *loadFlags, f *sweepFlags) (*lang.Program, []compare.Sweep, error) {
	sweeps, err := f.sweeps(p)
	if err != nil || len(sweeps) == 0 {
		return p, nil, err
	}
	o := a.langOptions(args, l)
	o.Overlay = map[string][]byte{}
	var targets []string
	var designs []compare.Sweep
	for _, pipe := range p.Pipelines {
		s := sweeps[pipe.Name]
		if s == nil {
			targets = append(targets, pipe.File)
			continue
		}
		columns, err := f.crossed(pipe, s)
		if err != nil {
			return nil, nil, configError(err)
		}
		d := compare.Sweep{Of: pipe.Name, Design: s.Design, Points: map[string][]string{}}
		for _, v := range s.Variables {
			d.Variables = append(d.Variables, v.Name)
		}
		for i, c := range columns {
			name := pipe.Name + " " + s.Name(c.point)
			if c.seed > 0 {
				name = fmt.Sprintf("%s %s=%d", name, lang.SeedVariable, c.seed)
				if d.Seeds == nil {
					d.Seeds = map[string]int{}
				}
				d.Seeds[name] = c.seed
			}
			file := fmt.Sprintf("%s-point%d.hcl", strings.TrimSuffix(pipe.File, filepath.Ext(pipe.File)), i+1)
			o.Overlay[file] = pointText(pipe, s, name, c)
			targets = append(targets, file)
			d.Points[name] = plainValues(c.point)
		}
		designs = append(designs, d)
	}
	swept, diags := lang.Load(targets, o)
	if err := a.report(swept, diags); err != nil {
		return swept, nil, err
	}
	if n := len(swept.Graph.Pipelines); !a.quiet {
		fmt.Fprintf(a.err, "sweep: %s\n", human.Many(n, "column"))
	}
	return swept, designs, nil
}

// pointText is a pipeline that extends a swept one with a point's values. The expected and planned figures are of the strategy as written,
// so they don't apply.
func pointText(pipe *lang.Pipeline, s *lang.Sweep, name string, c column) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "pipeline %s {\n  title   = %s\n  extends = %s\n}\nset {\n", diag.Quote(name), diag.Quote(strings.TrimPrefix(name, pipe.Name+" ")), diag.Quote(filepath.Base(pipe.File)))
	for i, v := range s.Variables {
		fmt.Fprintf(&b, "  %s = %s\n", v.Name, c.point[i])
	}
	if c.seed > 0 {
		fmt.Fprintf(&b, "  %s = %d\n", lang.SeedVariable, c.seed)
	}
	b.WriteString("}\n")
	b.WriteString("expect {\n  when = false\n}\nplan {\n  when = false\n}\n")
	return []byte(b.String())
}

// plainValues are a point's values as people write them.
func plainValues(p lang.Point) []string {
	var out []string
	for _, v := range p {
		out = append(out, strings.Trim(v, `"`))
	}
	return out
}
