package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"

	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/compare/diff"
	"rein/pipelines/compare/render"
	"rein/pipelines/human"
	"rein/pipelines/lang"
)

// quietTime is how long files must be unchanged before a save counts as finished, because editors save in several steps.
const quietTime = 150 * time.Millisecond

func (a *app) watchCmd() *cobra.Command {
	var l loadFlags
	var r runFlags
	c := &cobra.Command{
		Use:   "watch [FILE|DIR]...",
		Short: "Run again on every save, and show what the results changed to",
		Long: `watch runs the pipelines, then waits for a change of their files or of the files they read, runs what
changed and shows what the results changed to, with paired tests, in ten lines. Ctrl-C ends it.

EXIT STATUS
  130  interrupted`,
		Example: "  rein watch pipelines/hybrid.hcl",
		RunE: func(c *cobra.Command, args []string) error {
			return a.watch(c.Context(), args, &l, &r)
		},
	}
	l.register(c)
	a.complete(c, &l)
	r.register(c)
	a.registerExecutor(c, &l, &r.executor)
	return c
}

func (a *app) watch(ctx context.Context, args []string, l *loadFlags, r *runFlags) error {
	if err := a.ownFiles(args); err != nil {
		return err
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	var last *record.Run
	for {
		var p *lang.Program
		err := a.ownFiles(args) // the folder may be away
		if err == nil {
			p, err = a.loadToRun(ctx, args, l)
		}
		watched := watchedPaths(args, p) // before the run, so that a save during it counts
		for _, d := range watched.folders {
			if err := w.Add(d); err != nil {
				return fmt.Errorf("cannot watch %s: %w", d, err)
			}
		}
		var rec *record.Run
		if err == nil {
			rec, err = a.run(ctx, p, r)
		}
		if ctx.Err() != nil {
			return err
		}
		complain(a.err, err)                                            // there is an error now; the next save may mend it
		if rec != nil && (err == nil || exitStatus(err) != exitFault) { // a run with a failed step has no results to compare
			if last == nil {
				err = a.printOutcome(rec)
			} else {
				err = a.printMoved(ctx, last, rec)
			}
			if err != nil {
				return err
			}
			last = rec
		}
		fmt.Fprintf(a.err, "watching %s; Ctrl-C ends\n", human.Many(len(watched.folders), "folder"))
		if err := waitForChange(ctx, w, watched); err != nil {
			return err
		}
	}
}

// ownFiles refuses to watch the built-in strategies.
func (a *app) ownFiles(args []string) error {
	if a.shipped(args) {
		return configError(fmt.Errorf("no folder %q here, and the built-in strategies never change; rein init writes files to watch", defaultFolder))
	}
	return nil
}

// watchSet says which changes matter. Whole folders are watched, because editors replace files.
type watchSet struct {
	folders []string
	files   map[string]bool // named files, and folders that may be moved away, replaced or made
	trees   []string        // everything below
}

func watchedPaths(args []string, p *lang.Program) watchSet {
	ws := watchSet{files: map[string]bool{}}
	folders := map[string]bool{}
	file := func(path string) {
		abs, err := filepath.Abs(path)
		for there := err != nil; !there; abs = filepath.Dir(abs) { // up to the first folder that is there
			dir := filepath.Dir(abs)
			there = isDir(dir) || dir == abs
			ws.files[abs], ws.files[dir], folders[dir] = true, true, true
		}
	}
	tree := func(dir string) {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return
		}
		ws.files[abs] = true
		ws.trees = append(ws.trees, abs)
		if !isDir(abs) {
			file(abs)
		}
		for _, d := range below(abs) {
			folders[d] = true
		}
	}
	if len(args) == 0 {
		args = []string{defaultFolder}
	}
	for _, arg := range args {
		if isDir(arg) {
			tree(arg)
		} else {
			file(arg)
		}
	}
	if p != nil {
		for _, f := range slices.Concat(p.Files(), p.Lacks()) {
			file(f)
		}
		for _, path := range inputPaths(p.Graph) {
			switch {
			case path.Kind == engine.PathGlob:
				tree(globRoot(path.Abs))
			case isDir(path.Abs):
				tree(path.Abs)
			default:
				file(path.Abs)
			}
		}
	}
	for d := range folders {
		if isDir(d) {
			ws.folders = append(ws.folders, d)
		}
	}
	slices.Sort(ws.folders)
	return ws
}

// below are a folder and the folders in it, except hidden ones: a watch doesn't include subfolders.
func below(dir string) []string {
	var out []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil: // a folder that can't be read can't be watched
			return fs.SkipDir
		case !d.IsDir():
			return nil
		case path != dir && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		}
		out = append(out, path)
		return nil
	})
	return out
}

// globRoot is the folder above the first wildcard.
func globRoot(pattern string) string {
	root, _ := doublestar.SplitPattern(filepath.ToSlash(pattern))
	return filepath.FromSlash(root)
}

// inputPaths are the user's files that the graph reads.
func inputPaths(g *engine.Graph) []*engine.Path {
	var out []*engine.Path
	for _, p := range g.Pipelines {
		for _, n := range p.Nodes {
			for _, in := range n.Inputs {
				for _, ref := range in.Refs {
					if ref.Path != nil {
						out = append(out, ref.Path)
					}
				}
			}
		}
	}
	return out
}

func (ws watchSet) matters(path string) bool {
	if ws.files[path] {
		return true
	}
	return slices.ContainsFunc(ws.trees, func(t string) bool { return strings.HasPrefix(path, t+string(filepath.Separator)) })
}

// waitForChange returns after a relevant change that was followed by a quiet moment.
func waitForChange(ctx context.Context, w *fsnotify.Watcher, ws watchSet) error {
	var quiet <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return &exitError{exitInterrupted, nil}
		case e := <-w.Events:
			if e.Op != fsnotify.Chmod && ws.matters(e.Name) {
				quiet = time.After(quietTime)
			}
		case err := <-w.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return err
			}
			quiet = time.After(quietTime) // events were lost: look again
		case <-quiet:
			return nil
		}
	}
}

// watchLines is how many lines of results are printed after a save.
const watchLines = 10

// printMoved prints how the results of two runs differ, as diff does, for each pipeline.
func (a *app) printMoved(ctx context.Context, before, after *record.Run) error {
	store, err := a.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	_, width := isTerminal(a.out)
	o := render.Options{Width: width, Color: a.color(a.out)}
	for _, p := range after.Pipelines {
		i := slices.IndexFunc(before.Pipelines, func(b record.Pipeline) bool { return b.Name == p.Name })
		if i < 0 {
			continue // it is new, so there is nothing to compare it with
		}
		r, err := diff.Results(ctx, before.Pipelines[i], p, store)
		if err != nil {
			return err
		}
		if err := render.Results(a.out, r, o, watchLines); err != nil {
			return err
		}
	}
	return nil
}
