package lang

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/hcl/v2"

	"rein/cache"
	"rein/engine"
	"rein/pipelines/lang/diag"
	"rein/steps"
)

// Options is what Load needs besides the files.
type Options struct {
	// Context ends loading; nil: nothing does.
	Context context.Context

	maxHeap uint64        // bytes that loading may take; 0: maxHeap
	maxTime time.Duration // that loading may take; 0: maxTime
	over    *atomic.Bool  // Load has given up
	ended   func()        // called when nothing goes on any more; nil: nobody wants to know
	// Types lists the step types that pipelines may use. It is called once one is needed. nil: there are none.
	Types func() []*steps.Type
	// FS is where pipeline files are read from, with slash-separated paths; nil: the operating system.
	FS fs.FS
	// Root is the absolute folder that FS stands for: relative paths written in its files are resolved there.
	// Empty: Dir.
	Root string
	// Dir is the absolute working folder: names of files, and paths given by --var, are relative to it. Empty: os.Getwd.
	Dir string
	// Vars are the --var settings, NAME=VALUE, later ones winning.
	Vars []string
	// VarFiles are files of NAME = VALUE (.hcl) or one JSON object (.json), later ones winning.
	VarFiles []string
	// Env is the environment as os.Environ gives it: REIN_VAR_name and the function env. nil: os.Environ.
	Env []string
	// Project is the project file, rein.hcl; "": there is none. It is read from the operating system.
	Project string
	// Overlay is text that replaces a file's: what an editor has not saved yet.
	Overlay map[string][]byte
	// Approved gives the figures of what was approved last, for expectations that must not get worse than those; nil: there are none.
	Approved func() map[string]float64
	// Snapshots keeps the programs of past loads. nil: the files are loaded in any case. A program from a snapshot has no Variables of its
	// pipelines.
	Snapshots *Snapshots
	// Parsed keeps parsed files for the next Load; nil: they aren't kept.
	Parsed *ParseCache
}

// Program is what was loaded.
type Program struct {
	// Graph is ready to plan or run.
	Graph *engine.Graph
	// Pipelines says more of each pipeline of the graph, in the same order.
	Pipelines []*Pipeline
	// Project says where steps may run and with whom results are shared.
	Project *Project
	// Sources are the files by name, for showing diagnostics; they are there even if loading failed.
	// Values of --var are among them under names that are no files.
	Sources map[string]*hcl.File

	files []string
	lacks []string // files that could not be read
	reads []read   // what the load rests on

	id     cache.Digest                       // of the snapshot that it is kept in; zero: none
	keepIn *Snapshots                         // where Keep writes it
	keepAs string                             // the name under which Keep writes it; "": it doesn't
	rest   func() (*Program, hcl.Diagnostics) // of a program from a snapshot: loads the same program with its syntax
}

// Files lists the pipeline and variable files that were read, by name.
func (p *Program) Files() []string { return slices.Clone(p.files) }

// Lacks lists the pipeline and variable files that could not be read, by name.
func (p *Program) Lacks() []string { return slices.Clone(p.lacks) }

// Load reads files and folders and makes the graph of their pipelines. Of a folder, files without a pipeline block
// and those marked abstract are bases: only read where something extends them. All mistakes that can be told apart
// are reported at once. With errors the Program has Sources and whatever could be made.
//
// Loading ends with an error when the context does, or when it takes much more memory or time than pipelines need. What is computed then
// goes on in the background up to the next expression.
func Load(paths []string, o Options) (*Program, hcl.Diagnostics) {
	type loaded struct {
		p     *Program
		diags hcl.Diagnostics
	}
	done := make(chan loaded, 1)
	o.over = &atomic.Bool{}
	go func() {
		if o.ended != nil {
			defer o.ended()
		}
		defer func() {
			if r := recover(); r != nil { // a bug of a library or of our own must not end an editor's server or a watch
				done <- loaded{nothing(), hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Mistake in rein",
					Detail: fmt.Sprintf("Loading %s ended in a panic: %.500v. Please report it with the files.", strings.Join(paths, ", "), r)}}}
			}
		}()
		p, diags := load(paths, o)
		done <- loaded{p, diags}
	}()
	ctx := o.Context
	if ctx == nil {
		ctx = context.Background()
	}
	limit := cmp.Or(o.maxHeap, maxHeap)
	most := heapBytes() + limit
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	longest := cmp.Or(o.maxTime, maxTime)
	late := time.After(longest)
	givenUp := true
	defer func() { o.over.Store(givenUp) }()
	for {
		select {
		case l := <-done:
			givenUp = false
			return l.p, l.diags
		case <-ctx.Done():
			return nothing(), hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Interrupted", Detail: "Loading " + strings.Join(paths, ", ") + " was interrupted."}}
		case <-late:
			return nothing(), hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Values take too long",
				Detail: fmt.Sprintf("The values of %s are not worked out after %v. Look for for-expressions within each other, and for functions over very long texts and lists.",
					strings.Join(paths, ", "), longest)}}
		case <-look.C:
			if heapBytes() > most {
				return nothing(), hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Values are too large",
					Detail: fmt.Sprintf("The values of %s need more than %d MiB of memory. Look for values that are made of several copies of another, again and again, and for for-expressions within each other.",
						strings.Join(paths, ", "), limit>>20)}}
			}
		}
	}
}

// maxHeap is how much memory the loading of pipelines may take; a file of 100,000 steps takes less than 1 GiB.
const maxHeap uint64 = 4 << 30

// maxTime is how long the loading of pipelines may take; a file of 100,000 steps takes seconds.
const maxTime = 2 * time.Minute

// heapBytes is the memory of live objects, in bytes.
func heapBytes() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func nothing() *Program { return &Program{Graph: &engine.Graph{}, Project: &Project{}} }

func load(paths []string, o Options) (*Program, hcl.Diagnostics) {
	l, err := newLoader(o)
	if err != nil {
		return nothing(), hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "No working folder", Detail: err.Error()}}
	}
	if p := l.snapshot(paths); p != nil {
		return p, nil
	}
	l.settings.read(l)
	chains := l.chains(l.expand(paths))
	l.projectOf(chains)
	for _, chain := range chains {
		n := len(l.diags)
		if l.pipeline(chain); chain.broken() {
			l.diags = l.diags[:n]
		}
	}
	l.settings.unused(l)
	p := &Program{Graph: &engine.Graph{}, Pipelines: l.pipelines, Project: l.project, Sources: l.sources, reads: l.reads.all}
	for _, name := range slices.Sorted(maps.Keys(l.files)) {
		if l.files[name] {
			p.files = append(p.files, name)
		} else {
			p.lacks = append(p.lacks, name)
		}
	}
	slices.Sort(l.secrets)
	l.secrets = slices.Compact(l.secrets)
	for _, pl := range l.pipelines {
		pl.node.Secrets = l.secrets
		p.Graph.Pipelines = append(p.Graph.Pipelines, pl.node)
	}
	diags := l.scrub(diag.Tidy(l.diags))
	l.keepable(p, paths, diags)
	return p, diags
}

// loader is the state of one Load.
type loader struct {
	opts      Options
	source    *source
	types     func() map[string]*steps.Type
	sources   map[string]*hcl.File
	files     map[string]bool
	modules   map[string]*module
	settings  *settings
	reads     *reads
	functions map[string]functionSet // by folder
	standard  functionSet
	env       map[string]string
	pipelines []*Pipeline
	project   *Project
	diags     hcl.Diagnostics
	secrets   []string // sensitive texts that were found; they are never shown
}

func newLoader(o Options) (*loader, error) {
	if o.Dir == "" {
		wd, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		o.Dir = wd
	}
	if o.Root == "" {
		o.Root = o.Dir
	}
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.Types == nil {
		o.Types = func() []*steps.Type { return nil }
	}
	l := &loader{opts: o, types: sync.OnceValue(func() map[string]*steps.Type { return byName(o.Types()) }), sources: map[string]*hcl.File{}, files: map[string]bool{}, modules: map[string]*module{},
		settings: &settings{}, reads: &reads{}, functions: map[string]functionSet{}, env: environment(o.Env)}
	l.source = &source{fsys: o.FS, root: o.Root, work: o.Dir, overlay: o.Overlay, reads: l.reads}
	return l, nil
}

func byName(types []*steps.Type) map[string]*steps.Type {
	m := make(map[string]*steps.Type, len(types))
	for _, t := range types {
		m[t.Name] = t
	}
	return m
}

func (l *loader) errorAt(r hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	d := errorAt(r, summary, format, args...)
	l.diags = l.diags.Append(d)
	return d
}

func (l *loader) add(diags hcl.Diagnostics) { l.diags = append(l.diags, diags...) }

// expand turns arguments into files: a folder stands for the pipelines in it.
func (l *loader) expand(paths []string) []string {
	var out []string
	for _, p := range paths {
		dir, err := l.source.isDir(p)
		if err != nil {
			l.diags = l.diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cannot read a pipeline",
				Detail: fmt.Sprintf("%s: %s.%s", p, readProblem(err), l.similarFile(p))})
			continue
		}
		if !dir && l.isProject(p) {
			continue
		}
		if end := filepath.Ext(p); !dir && end != "" && end != ".hcl" && !isJSON(p) { // without an ending it may be a pipe
			l.diags = l.diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Not a pipeline file",
				Detail: fmt.Sprintf("%s: the name of a pipeline file ends in .hcl. For a file of prompts, rein init --train FILE writes one.", p)})
			continue
		}
		if !dir {
			out = append(out, filepath.Clean(p))
			continue
		}
		files, err := l.source.list(p)
		if err != nil {
			l.diags = l.diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cannot read a folder",
				Detail: fmt.Sprintf("%s: %s.", p, readProblem(err))})
		}
		found := false
		for _, f := range files {
			if l.isProject(f) {
				continue
			}
			m := l.module(f, nil)
			if m != nil && m.header != nil && !m.header.abstract {
				out = append(out, f)
				found = true
			}
		}
		if !found && err == nil && !l.diags.HasErrors() {
			l.diags = l.diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "No pipelines",
				Detail: fmt.Sprintf("The folder %s has no .hcl file with a pipeline block. `rein init` writes a first one.", p)})
		}
	}
	return unique(out)
}

func unique(names []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(names, func(n string) bool {
		dup := seen[n]
		seen[n] = true
		return dup
	})
}
