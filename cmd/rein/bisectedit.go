package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/human"
	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
)

// bisectEdit finds which variable makes the difference, among those that two files set to different values.
func (a *app) bisectEdit(ctx context.Context, before, after string, f *bisectFlags) error {
	load := func(file string) (*lang.Program, error) {
		p, err := a.load([]string{file}, &f.load)
		if err == nil && len(p.Pipelines) != 1 {
			err = configError(fmt.Errorf("%s: name one pipeline file", file))
		}
		return p, err
	}
	pa, err := load(before)
	if err != nil {
		return err
	}
	pb, err := load(after)
	if err != nil {
		return err
	}
	changed := changedVariables(pa.Pipelines[0], pb.Pipelines[0])
	if len(changed) == 0 {
		return &exitError{exitVerdict, fmt.Errorf("%s and %s give no variable another value; rein diff %s %s shows how they differ", before, after, before, after)}
	}
	store, err := a.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	begin, err := a.try(ctx, pa, before, f)
	if err != nil {
		return err
	}
	end, err := a.try(ctx, pb, after, f)
	if err != nil {
		return err
	}
	for _, e := range []tried{begin, end} {
		if e.missing != "" {
			return configError(fmt.Errorf("%s: %s", e.label, e.missing))
		}
	}
	if what, _, err := f.judge(ctx, store, begin, end, end); err != nil {
		return err
	} else if what != bad {
		return &exitError{exitVerdict, fmt.Errorf("%s is not shown to be worse in %s (%s) than in %s (%s)", f.metric, after,
			render.Format(f.metric, compare.Figure{Value: end.value}), before, render.Format(f.metric, compare.Figure{Value: begin.value}))}
	}
	return a.oneByOne(ctx, store, before, pa, changed, begin, end, f)
}

// setting is a variable with the value that the second file gives it.
type setting struct{ name, value string }

// changedVariables are the variables of a that have another value in b.
func changedVariables(a, b *lang.Pipeline) []setting {
	var out []setting
	for _, v := range a.Variables {
		i := slices.IndexFunc(b.Variables, func(o *lang.Variable) bool { return o.Name == v.Name })
		if i >= 0 && !v.Sensitive && string(a.Meta.Variables[v.Name].Value) != string(b.Meta.Variables[v.Name].Value) {
			out = append(out, setting{v.Name, string(b.Meta.Variables[v.Name].Value)})
		}
	}
	return out
}

// oneByOne sets each changed variable to its new value while the others keep their old ones.
func (a *app) oneByOne(ctx context.Context, blobs compare.Blobs, before string, pa *lang.Program, changed []setting, begin, end tried, f *bisectFlags) error {
	var guilty []string
	fmt.Fprintf(a.err, "%s: one run for each\n", human.Many(len(changed), "changed variable"))
	for _, c := range changed {
		o := a.langOptions([]string{before}, &f.load)
		pipe := pa.Pipelines[0]
		file := strings.TrimSuffix(pipe.File, filepath.Ext(pipe.File)) + "-" + c.name + ".hcl"
		o.Overlay = map[string][]byte{file: fmt.Appendf(nil, "pipeline %q {\n  extends = %q\n}\nset {\n  %s = jsondecode(%s)\n}\n", pipe.Name, filepath.Base(pipe.File),
			c.name, diag.Quote(c.value))}
		p, diags := lang.Load([]string{file}, o)
		if err := a.report(p, diags); err != nil {
			return err
		}
		t, err := a.try(ctx, p, c.name, f)
		if err != nil {
			return err
		}
		what, why, err := f.judge(ctx, blobs, begin, end, t)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s = %s alone: %s, %s\n", c.name, c.value, why, [...]string{"unclear", "as good as before", "worse"}[what])
		if what == bad {
			guilty = append(guilty, c.name)
		}
	}
	switch len(guilty) {
	case 0:
		fmt.Fprintln(a.out, "no variable alone makes it worse: several together do, or what else differs between the files")
		return &exitError{exitVerdict, nil}
	case 1:
		fmt.Fprintf(a.out, "%s makes the difference\n", guilty[0])
	default:
		fmt.Fprintf(a.out, "each of these alone makes it worse: %s\n", strings.Join(guilty, ", "))
	}
	return nil
}
