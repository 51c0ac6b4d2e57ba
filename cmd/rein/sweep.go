package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"rein/pipelines/compare"
	"rein/pipelines/human"
	"rein/pipelines/lang"
)

// sweepFlags say which variables take which values.
type sweepFlags struct {
	sweep  []string // NAME=V,V,...
	design string
}

// sweeps are the sweeps of the pipelines that have one: of the command line for all of them, else of their own sweep blocks.
func (f *sweepFlags) sweeps(p *lang.Program) (map[string]*lang.Sweep, error) {
	if f.design != "" && !slices.Contains(lang.Designs, f.design) {
		return nil, configError(fmt.Errorf("--design %q: want %s", f.design, strings.Join(lang.Designs, " or ")))
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
	if f.design != "" && len(out) == 0 {
		return nil, configError(fmt.Errorf("--design %s: there is no sweep; --sweep NAME=VALUE,VALUE gives one", f.design))
	}
	return out, nil
}

// withSweeps loads the pipelines again, each that is swept as one derived pipeline for each point: a text that extends its file and
// sets the point's values. It stands beside the file, but only in memory.
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
		points, err := s.Points()
		if err != nil {
			return nil, nil, configError(fmt.Errorf("%s: %w", pipe.File, err))
		}
		d := compare.Sweep{Of: pipe.Name, Design: s.Design, Points: map[string][]string{}}
		for _, v := range s.Variables {
			d.Variables = append(d.Variables, v.Name)
		}
		for i, point := range points {
			name := pipe.Name + " " + s.Name(point)
			file := fmt.Sprintf("%s-point%d.hcl", strings.TrimSuffix(pipe.File, filepath.Ext(pipe.File)), i+1)
			o.Overlay[file] = pointText(pipe, s, name, point)
			targets = append(targets, file)
			d.Points[name] = plainValues(point)
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

// pointText is a pipeline that extends a swept one with a point's values. The plan's figures are of the strategy as it is written.
func pointText(pipe *lang.Pipeline, s *lang.Sweep, name string, point lang.Point) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "pipeline %q {\n  title   = %q\n  extends = %q\n}\nset {\n", name, s.Name(point), filepath.Base(pipe.File))
	for i, v := range s.Variables {
		fmt.Fprintf(&b, "  %s = %s\n", v.Name, point[i])
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
