package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"rein/cache"
)

// checkOutputs refuses two outputs that would write one path, or one inside the other.
func checkOutputs(g *Graph, w ways) error {
	type owner struct {
		pipeline *Pipeline
		out      Output
	}
	byPath := map[string]owner{}
	var all []owner
	for _, p := range g.Pipelines {
		for _, o := range p.Outputs {
			path := w.real(o.Path)
			if other, ok := byPath[path]; ok {
				return fmt.Errorf("%s: output %q of pipeline %q writes %s, which output %q of pipeline %q (%s) writes too: give them different paths",
					o.Pos, o.Name, p.Name, path, other.out.Name, other.pipeline.Name, other.out.Pos)
			}
			byPath[path] = owner{p, o}
			all = append(all, owner{p, o})
		}
	}
	for _, a := range all {
		for dir := range above(w.real(a.out.Path)) {
			if other, ok := byPath[dir]; ok {
				return fmt.Errorf("%s: output %q of pipeline %q writes %s, inside %s, which output %q of pipeline %q (%s) replaces as a whole: give them separate folders",
					a.out.Pos, a.out.Name, a.pipeline.Name, a.out.Path, dir, other.out.Name, other.pipeline.Name, other.out.Pos)
			}
		}
	}
	return nil
}

// checkPlaces refuses outputs that would replace a repository or a pipeline's file.
func (w *work) checkPlaces() error {
	var files []pipelineFile
	for _, p := range w.graph.Pipelines {
		if abs, err := filepath.Abs(p.File); err == nil && p.File != "" {
			files = append(files, pipelineFile{p.File, abs})
		}
	}
	for _, p := range w.graph.Pipelines {
		for _, o := range p.Outputs {
			if err := checkPlace(o.Path, files); err != nil {
				return outputError(o, err)
			}
		}
	}
	return nil
}

// pipelineFile is the path of a pipeline's file as the user wrote it, and absolute.
type pipelineFile struct{ path, abs string }

func checkPlace(path string, files []pipelineFile) error {
	folders := strings.Split(filepath.ToSlash(path), "/")
	if slices.Contains(folders, "~") {
		return fmt.Errorf("%s: ~ doesn't stand for your home folder here, and a folder of that name is deleted by mistake: write the whole path", path)
	}
	if slices.Contains(folders, ".git") {
		return fmt.Errorf("%s is in a Git repository's own folder: choose another path", path)
	}
	if _, err := os.Lstat(filepath.Join(path, ".git")); err == nil {
		return fmt.Errorf("%s is a Git repository: choose a path in it", path)
	}
	for _, f := range files {
		if within(f.abs, path) {
			return fmt.Errorf("%s is, or holds, the pipeline's file %s: choose another path", path, f.path)
		}
	}
	return nil
}

func outputError(o Output, err error) error {
	return fmt.Errorf("%s: output %q: %w", o.Pos, o.Name, err)
}

// checkVacant refuses, before anything runs, outputs whose paths hold something that rein did not put there. Content that equals the result
// may stay, if the store has that result.
func (p *planner) checkVacant(ctx context.Context) error {
	var outputs []Output
	for _, pipe := range p.work.graph.Pipelines {
		for _, o := range pipe.Outputs {
			if p.work.nodes[o.Ref.Node].unit != nil {
				outputs = append(outputs, o)
			}
		}
	}
	planned := false
	for i, err := range each(runtime.GOMAXPROCS(0), outputs, func(o Output) error { return p.store.MayPublish(ctx, o.Path, nil) }) {
		var occupied *cache.Occupied
		if errors.As(err, &occupied) {
			if !planned {
				if err := p.plan(ctx); err != nil {
					return asConfig(ctx, err)
				}
				planned = true
			}
			ref := outputs[i].Ref
			if b, ok := p.units[p.work.nodes[ref.Node].unit.id].outputs[ref.Port]; ok {
				err = p.store.MayPublish(ctx, outputs[i].Path, &b)
			}
		}
		if err != nil {
			return asConfig(ctx, outputError(outputs[i], err))
		}
	}
	return nil
}

// each does something with all outputs, some at a time. The errors are in the outputs' order.
func each(atATime int, outputs []Output, do func(Output) error) []error {
	errs := make([]error, len(outputs))
	var g errgroup.Group
	g.SetLimit(atATime)
	for i, o := range outputs {
		g.Go(func() error {
			errs[i] = do(o)
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	return errs
}

// publishers is how many outputs are published at a time: they wait for the disk together.
const publishers = 64

// publish copies the pipelines' outputs to their paths. On an error, some have been copied; the error is of the first that has not.
func (r *runner) publish() error {
	r.space.tell()
	var outputs []Output
	for _, p := range r.work.graph.Pipelines {
		outputs = append(outputs, p.Outputs...)
	}
	for _, err := range each(publishers, outputs, r.publishOne) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) publishOne(o Output) error {
	n := r.work.nodes[o.Ref.Node]
	if n.unit == nil {
		return nil
	}
	b, ok := r.schedule.results[n.unit.id].outputs[o.Ref.Port]
	if !ok {
		return outputError(o, fmt.Errorf("step %q has no output %q", n.Name, o.Ref.Port))
	}
	r.options.point("publish")
	_, err := r.store.Publish(r.ctx, b, o.Path)
	var miss *cache.Miss
	switch {
	case errors.As(err, &miss): // every step has ended by now
		return outputError(o, fmt.Errorf("%s; run again, and step %q makes it again", miss.Reason, n.Name))
	case err != nil:
		return outputError(o, err)
	}
	return nil
}
