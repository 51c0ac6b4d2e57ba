package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"rein/cache"
	"rein/cmd/rein/internal/ui"
	"rein/engine"
	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
)

// The functions through which the page reads pipeline files. They print nothing, because errors are shown on the page.

// pipelineFiles are the files of the arguments: first the strategies, then the files that they extend.
func (a *app) pipelineFiles(args []string, l *loadFlags) (strategies, bases []string) {
	p, _ := lang.Load(a.targets(args), a.langOptions(args, l))
	for _, pipe := range p.Graph.Pipelines {
		strategies = append(strategies, pipe.File)
	}
	for _, f := range p.Files() {
		if lang.IsPipelineFile(f) && !slices.Contains(strategies, f) {
			bases = append(bases, f)
		}
	}
	return strategies, bases
}

// readPipelineFile reads a file as loading does: from the disk, or one that is built in.
func (a *app) readPipelineFile(args []string, file string) (string, error) {
	if files := a.langOptions(args, &loadFlags{}).FS; files != nil {
		b, err := fs.ReadFile(files, filepath.ToSlash(file))
		return string(b), err
	}
	b, err := os.ReadFile(file)
	return string(b), err
}

// planOf plans a file with another text. A base is planned with everything that extends it. It writes nothing.
func (a *app) planOf(ctx context.Context, args []string, l *loadFlags, file, text string) (*ui.Plan, error) {
	strategies, _ := a.pipelineFiles(args, l)
	if slices.Contains(strategies, file) {
		args = []string{file}
	}
	o := a.langOptions(args, l)
	o.Context, o.Overlay = ctx, map[string][]byte{file: []byte(text)}
	if abs, err := filepath.Abs(file); err == nil {
		o.Overlay[abs] = []byte(text)
	}
	p, diags := lang.Load(a.targets(args), o)
	if !diags.HasErrors() {
		diags = append(diags, p.CheckPaths()...)
	}
	out := &ui.Plan{}
	for _, d := range diag.Describe(p.Sources, diags) {
		x := ui.Problem{Severity: d.Severity, Summary: d.Summary, Detail: d.Detail}
		if d.Range != nil {
			x.File, x.Line = d.Range.Filename, d.Range.Start.Line
		}
		out.Problems = append(out.Problems, x)
	}
	if diags.HasErrors() || len(p.Graph.Pipelines) == 0 {
		return out, nil
	}
	leaked, err := leaks(ctx, p.Graph)
	if err != nil {
		return nil, err
	}
	for _, l := range leaked {
		out.Problems = append(out.Problems, ui.Problem{Severity: "error", Summary: "leakage: " + l})
	}
	return out, a.forecast(ctx, p, out)
}

// forecast adds to a plan what would run.
func (a *app) forecast(ctx context.Context, p *lang.Program, out *ui.Plan) error {
	store, err := a.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	o := a.engineOptions(store)
	o.CheckOutputs = true
	if err := a.useExecutors(&o, p, "", nil); err != nil {
		return err
	}
	f, err := engine.Plan(ctx, p.Graph, o)
	if err != nil {
		return err
	}
	out.Summary = planSummary(f)
	for i, pf := range f.Pipelines {
		x := ui.PlannedPipeline{Name: pf.Name, Counts: planCounts(planned(pf)), Steps: pf.Steps, Needs: map[string][]string{}}
		for _, n := range p.Graph.Pipelines[i].Nodes {
			x.Needs[n.Name] = engine.Needs(n)
		}
		out.Pipelines = append(out.Pipelines, x)
	}
	return nil
}

// reviewFiles are the strategies that have a sample to review.
func (a *app) reviewFiles(ctx context.Context, args []string, l *loadFlags) []string {
	strategies, _ := a.pipelineFiles(args, l)
	var out []string
	for _, f := range strategies {
		o := a.langOptions([]string{f}, l)
		o.Context = ctx
		if p, diags := lang.Load([]string{f}, o); !diags.HasErrors() {
			if _, _, err := reviewStep(p); err == nil {
				out = append(out, f)
			}
		}
	}
	return out
}

// reviewOf is the sample of a file.
func (a *app) reviewOf(ctx context.Context, store *cache.Store, l *loadFlags, file string) (*ui.Review, error) {
	o := a.langOptions([]string{file}, l)
	o.Context = ctx
	p, diags := lang.Load([]string{file}, o)
	if diags.HasErrors() {
		return nil, errors.New(diags.Error())
	}
	node, path, err := reviewStep(p)
	if err != nil {
		return nil, err
	}
	rows, originals, err := a.sampled(ctx, store, p, node)
	return &ui.Review{Path: path, Rows: rows, Originals: originals}, err
}
