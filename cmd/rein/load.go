package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"rein/cache"
	"rein/engine"
	"rein/pipelines"
	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
	"rein/steps/all"
	"rein/steps/lineage"
)

// defaultFolder is where pipelines are looked for without an argument.
const defaultFolder = "pipelines"

// load reads the pipelines of the arguments. If it returns an error, diagnostics have been printed.
func (a *app) load(args []string, l *loadFlags) (*lang.Program, error) {
	return a.loadWith(args, a.langOptions(args, l))
}

func (a *app) loadWith(args []string, o lang.Options) (*lang.Program, error) {
	p, diags := lang.Load(a.targets(args), o)
	if err := a.report(p, diags); err != nil {
		return p, err
	}
	if len(p.Graph.Pipelines) == 0 {
		return p, noPipelines(a.targets(args))
	}
	return p, nil
}

// loadProject reads the project file, and the pipelines of the arguments if there are any.
func (a *app) loadProject(args []string, l *loadFlags) (*lang.Program, error) {
	p, diags := lang.Load(args, a.langOptions(args, l))
	return p, a.report(p, diags)
}

func noPipelines(in []string) error {
	return configError(fmt.Errorf("no pipelines in %s: a pipeline file has a pipeline block; rein init writes one", strings.Join(in, ", ")))
}

// loadToRun is load for commands that run or plan. The user's data must exist, and a graph is refused that reports on rows with which the
// reported model is made. A graph that was loaded before and not refused is taken from its snapshot, if nothing has changed.
func (a *app) loadToRun(ctx context.Context, args []string, l *loadFlags) (*lang.Program, error) {
	o := a.langOptions(args, l)
	if !l.anew {
		o.Snapshots = a.snapshots()
	}
	p, err := a.loadWith(args, o)
	if err != nil {
		return p, err
	}
	a.tellShipped(args)
	if err := a.report(p, p.CheckPaths()); err != nil || p.FromSnapshot() {
		return p, err
	}
	return p, leakage(ctx, p)
}

// tellShipped says that the built-in strategies are meant.
func (a *app) tellShipped(args []string) {
	if a.shipped(args) && !a.quiet && !a.json {
		fmt.Fprintf(a.err, "no folder %q here: these are the built-in strategies\n", defaultFolder)
	}
}

// identify is the ID of the program that loadToRun would take from a snapshot.
func (a *app) identify(args []string, l *loadFlags) (cache.Digest, bool) {
	o := a.langOptions(args, l)
	if o.Snapshots = a.snapshots(); l.anew || o.Snapshots == nil {
		return cache.Digest{}, false
	}
	return lang.Identify(a.targets(args), o)
}

// leakage refuses a graph that reports on rows that the reported model is made with.
func leakage(ctx context.Context, p *lang.Program) error {
	found, err := leaks(ctx, p.Graph)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return &exitError{exitVerdict, fmt.Errorf("leakage: %s", strings.Join(found, "\n"))}
	}
	return nil
}

// leaks describes each leak in a graph, with its place.
func leaks(ctx context.Context, g *engine.Graph) (out []string, err error) {
	problems, err := lineage.Problems(ctx, g)
	for _, p := range problems {
		out = append(out, p.Error())
	}
	return out, err
}

// snapshots is where loads of this program are kept; nil: they aren't.
func (a *app) snapshots() *lang.Snapshots {
	dir, err := a.stateDir()
	program := thisProgram()
	if err != nil || program == "" {
		return nil
	}
	return &lang.Snapshots{Dir: filepath.Join(dir, snapshotsDir), Program: program}
}

// snapshotsDir is the folder for snapshots of loads within the state folder. Its files may be removed at any time.
const snapshotsDir = "loads"

func (a *app) langOptions(args []string, l *loadFlags) lang.Options {
	o := lang.Options{Context: a.ctx, Types: all.Types, Vars: l.vars, VarFiles: l.varFiles, Project: projectFile(), Approved: approvedFigures}
	if a.shipped(args) {
		o.FS = embedded{pipelines.FS}
	}
	return o
}

// targets are the files and folders to read: the arguments, or the default folder.
func (a *app) targets(args []string) []string {
	if len(args) == 0 {
		return []string{defaultFolder}
	}
	return args
}

// shipped tells whether the built-in strategies are meant: the default folder doesn't exist, and the arguments are that folder or files in
// it.
func (a *app) shipped(args []string) bool {
	for _, t := range a.targets(args) {
		if t := filepath.ToSlash(filepath.Clean(t)); t != defaultFolder && !strings.HasPrefix(t, defaultFolder+"/") {
			return false
		}
	}
	_, err := os.Lstat(defaultFolder)
	return errors.Is(err, fs.ErrNotExist)
}

// embedded presents the built-in files as a folder of the default name.
type embedded struct{ files fs.FS }

// Open implements fs.FS.
func (e embedded) Open(name string) (fs.File, error) {
	if name == defaultFolder {
		return e.files.Open(".")
	}
	rest, ok := strings.CutPrefix(name, defaultFolder+"/")
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return e.files.Open(rest)
}

// report prints diagnostics. If one is an error, it returns an error that counts as printed.
func (a *app) report(p *lang.Program, diags hcl.Diagnostics) error {
	if len(diags) == 0 {
		return nil
	}
	if a.ctx != nil && a.ctx.Err() != nil {
		return a.ctx.Err()
	}
	if a.json && diags.HasErrors() { // warnings would precede the requested JSON
		if err := writeJSONLine(a.out, struct {
			Diagnostics []diag.Diagnostic `json:"diagnostics"`
		}{diag.Describe(p.Sources, diags)}); err != nil {
			return err
		}
	} else {
		_, width := isTerminal(a.err)
		if err := diag.Write(a.err, p.Sources, diags, diag.Style{Color: a.color(a.err), Width: width}); err != nil {
			return err
		}
	}
	if diags.HasErrors() {
		return &exitError{exitConfig, nil}
	}
	return nil
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// isPipelinePath distinguishes a file or folder from a run's id.
func isPipelinePath(arg string) bool {
	if strings.ContainsRune(arg, filepath.Separator) || strings.HasSuffix(arg, ".hcl") || strings.HasSuffix(arg, ".json") {
		return true
	}
	_, err := os.Lstat(arg)
	return err == nil
}

// must panics on an error that only a bug can cause.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// projectFile is the nearest rein.hcl beside a go.mod or .git above the working folder, or in the working folder; ""
// if there is none. The name is relative to the working folder, for messages.
func projectFile() string {
	wd, err := os.Getwd()
	if err != nil {
		return ""
	}
	return projectFileIn(wd)
}

// projectFileIn is projectFile with another working folder.
func projectFileIn(wd string) string {
	for d := wd; ; d = filepath.Dir(d) {
		if file := filepath.Join(d, lang.ProjectFile); exists(file) && (d == wd || exists(filepath.Join(d, "go.mod")) || exists(filepath.Join(d, ".git"))) {
			if rel, err := filepath.Rel(wd, file); err == nil {
				return rel
			}
			return file
		}
		if d == filepath.Dir(d) {
			return ""
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
