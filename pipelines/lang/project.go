package lang

import (
	"fmt"
	"maps"
	"math/big"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
)

// ProjectFile is the name of the file with a project's executors and shared cache. In a folder it is no pipeline.
const ProjectFile = "rein.hcl"

// Project says where a project's steps may run and with whom results are shared, from rein.hcl and the pipeline files.
type Project struct {
	Executors map[string]*Executor // by name; the local machine isn't among them
	Cache     *SharedCache         // nil: none
}

// Executor is an executor block.
type Executor struct {
	Kind, Name string // "slurm", "gpu"
	Pos        string
	Slurm      Slurm
	rng        hcl.Range
}

// Slurm is what an executor "slurm" block says; what it leaves out is zero.
type Slurm struct {
	Partition, Account, QOS, GRES string
	Time, Poll                    time.Duration
	Setup, Args                   []string
	MaxJobs                       int
	Requeues                      *int
	MoreMemory, MoreTime          float64
	OnInterrupt                   string // "cancel", "leave", "ask"
	Files                         string // "shared", "cache"
	Rein                          string // the program on the nodes
}

// SharedCache is a cache block.
type SharedCache struct {
	Remote   string // URL
	ReadOnly bool
	Timeout  time.Duration // 0: the default
	Trust    []string      // public keys
	Pos      string
	rng      hcl.Range
}

// Names lists the executors that may be chosen, the local one too.
func (p *Project) Names() []string {
	return slices.Sorted(maps.Keys(maps.Collect(func(yield func(string, bool) bool) {
		_ = yield(localExecutor, true)
		for n := range p.Executors {
			if !yield(n, true) {
				return
			}
		}
	})))
}

// Check says what is wrong with the name of an executor, if anything is.
func (p *Project) Check(name string) error {
	if name == "" || name == localExecutor || p.Executors[name] != nil {
		return nil
	}
	return fmt.Errorf("there is no executor %q.%s", name, p.suggestion(name))
}

// suggestion ends a message about an unknown executor.
func (p *Project) suggestion(name string) diag.Suggestion {
	if s := diag.DidYouMean(name, p.Names()); s.Text != "" {
		return s
	}
	return diag.Suggestion{Text: fmt.Sprintf("%s An executor \"slurm\" %q block in %s would make it one.", diag.HaveList("executors", p.Names()), name, ProjectFile)}
}

const localExecutor = "local"

// projectOf reads the project file, if there is one, and the executor and cache blocks of pipeline files.
func (l *loader) projectOf(chains []chain) {
	l.project = &Project{Executors: map[string]*Executor{}}
	seen := map[*module]bool{}
	take := func(m *module) {
		if m == nil || seen[m] {
			return
		}
		seen[m] = true
		for _, b := range m.executors {
			l.executor(m, b)
		}
		if m.cache != nil {
			l.sharedCache(m, m.cache)
		}
	}
	take(l.projectModule())
	for _, c := range chains {
		for _, m := range c {
			take(m)
		}
	}
}

// projectModule reads the project file. It is the user's own file, so it is read from the disk even if pipelines come from elsewhere.
func (l *loader) projectModule() *module {
	name := l.opts.Project
	if name == "" {
		return nil
	}
	was := l.source
	l.source = &source{work: l.opts.Dir, overlay: l.opts.Overlay, reads: l.reads}
	defer func() { l.source = was }()
	m := l.module(name, nil)
	if m == nil || m.broken {
		return m
	}
	stray := func(what string, at hcl.Range) {
		l.diags = l.diags.Append(errorAt(at, "Block of a pipeline", "%s has a project's executors and shared cache, no %s: move it to a pipeline file.", ProjectFile, what))
	}
	if m.header != nil {
		stray("pipeline", m.header.rng)
	}
	for _, s := range m.steps {
		stray("step", s.rng)
	}
	for _, v := range m.variables {
		stray("variable", v.rng)
	}
	return m
}

// isProject tells whether a file is the project file.
func (l *loader) isProject(file string) bool {
	if l.opts.Project == "" {
		return false
	}
	abs := func(name string) string {
		if !filepath.IsAbs(name) {
			name = filepath.Join(l.opts.Dir, name)
		}
		return filepath.Clean(name)
	}
	return l.opts.FS == nil && abs(file) == abs(l.opts.Project)
}

func (l *loader) executor(m *module, b *executorDecl) {
	x := &Executor{Kind: b.kind, Name: b.name, Pos: shortPos(b.body.rng), rng: b.body.rng}
	if first := l.project.Executors[x.Name]; first != nil {
		diag.Also(l.errorAt(b.nameRange, "Duplicate executor", "An executor named %q was declared already; one that several pipelines use belongs in %s.", x.Name, ProjectFile), first.rng, "the first")
		return
	}
	l.project.Executors[x.Name] = x
	s, v := &x.Slurm, values{l, m, b.body}
	v.read("partition", &s.Partition)
	v.read("account", &s.Account)
	v.read("qos", &s.QOS)
	v.read("gres", &s.GRES)
	v.read("setup", &s.Setup)
	v.read("args", &s.Args)
	v.read("rein", &s.Rein)
	v.duration("time", &s.Time)
	v.duration("poll", &s.Poll)
	v.count("max_jobs", &s.MaxJobs, 1)
	if requeues := 0; v.count("requeues", &requeues, 0) {
		s.Requeues = &requeues
	}
	v.factor("more_memory", &s.MoreMemory)
	v.factor("more_time", &s.MoreTime)
	v.choice("on_interrupt", &s.OnInterrupt)
	v.choice("files", &s.Files)
}

func (l *loader) sharedCache(m *module, b *block) {
	c := &SharedCache{Pos: shortPos(b.rng), rng: b.rng}
	if first := l.project.Cache; first != nil {
		diag.Also(l.errorAt(b.rng, "Duplicate block", "A project has one shared cache; it belongs in %s.", ProjectFile), first.rng, "the first")
		return
	}
	l.project.Cache = c
	v := values{l, m, b}
	mode := ""
	v.choice("mode", &mode)
	c.ReadOnly = mode == "read-only"
	v.duration("timeout", &c.Timeout)
	v.read("trust", &c.Trust)
	if !v.read("remote", &c.Remote) {
		return
	}
	if err := checkRemote(c.Remote); err != nil {
		a := b.attrs["remote"]
		l.errorAt(a.expr.Range(), "Wrong URL", "%q is no place for a shared cache: %v.", c.Remote, err)
		return
	}
	c.Remote = absoluteFile(c.Remote, m.folder)
}

// schemes are the kinds of places for a shared cache.
var schemes = []string{"file", "s3", "gs", "azblob"}

func checkRemote(remote string) error {
	u, err := url.Parse(remote)
	switch {
	case err != nil:
		return fmt.Errorf("it can't be read as a URL; write s3://bucket/prefix, gs://bucket/prefix, azblob://container/prefix or file:///folder")
	case !slices.Contains(schemes, u.Scheme):
		return fmt.Errorf("it begins with none of s3://, gs://, azblob:// and file://")
	case u.Scheme != "file" && u.Host == "":
		return fmt.Errorf("it names no bucket; write %s://BUCKET/PREFIX", u.Scheme)
	case u.Scheme == "file" && u.Host+u.Path == "":
		return fmt.Errorf("it names no folder; write file:///FOLDER, or file://FOLDER for one beside this file")
	case u.User != nil:
		return fmt.Errorf("it holds credentials; they come from the usual chains (environment, profile, role), not from a file in git")
	}
	return nil
}

// absoluteFile makes file://folder, which is relative to the file that says it, absolute.
func absoluteFile(remote, folder string) string {
	u, err := url.Parse(remote)
	if err != nil || u.Scheme != "file" || u.Host == "" {
		return remote
	}
	u.Path, u.Host = filepath.ToSlash(filepath.Join(folder, u.Host, u.Path)), ""
	return u.String()
}

// values reads arguments that are needed before any pipeline is evaluated: plain values and functions.
type values struct {
	l  *loader
	in *module
	b  *block
}

// read decodes an argument. It returns false if the argument is missing or was reported as wrong.
func (v values) read(name string, to any) bool {
	a := v.b.attrs[name]
	if a == nil {
		return false
	}
	if vars := a.expr.Variables(); len(vars) > 0 {
		v.l.errorAt(vars[0].SourceRange(), "Not a constant", "%s holds for all pipelines, so it can't use %s: write the value itself, or env(\"NAME\").", name, vars[0].RootName())
		return false
	}
	diags := gohcl.DecodeExpression(a.expr, &hcl.EvalContext{Functions: v.l.functionsIn(v.in.folder)}, to)
	v.l.add(diags)
	return !diags.HasErrors()
}

func (v values) wrong(name, format string, args ...any) {
	v.l.errorAt(v.b.attrs[name].expr.Range(), "Wrong value", format, args...)
}

func (v values) duration(name string, to *time.Duration) {
	var text string
	if !v.read(name, &text) {
		return
	}
	d, err := parseTime(text)
	if err != nil {
		v.wrong(name, "%s is a time like \"90s\", \"20m\" or \"4h\", or as Slurm writes it, \"1-12:00:00\"; not %q.", name, text)
	}
	*to = d
}

func (v values) count(name string, to *int, least int) bool {
	var n cty.Value
	if !v.read(name, &n) {
		return false
	}
	if f := n; f.Type() == cty.Number && !f.IsNull() {
		if i, acc := f.AsBigFloat().Int64(); acc == big.Exact && i >= int64(least) && i <= 1_000_000 {
			*to = int(i)
			return true
		}
	}
	v.wrong(name, "%s is a whole number from %d to 1000000, not %s.", name, least, diag.Show(n))
	return false
}

func (v values) factor(name string, to *float64) {
	if v.read(name, to) && !(*to >= 1 && *to <= 100) {
		v.wrong(name, "%s is a factor from 1 to 100, like 1.5; not %v.", name, *to)
	}
}

func (v values) choice(name string, to *string) {
	args := grammar.Of(v.b.name).Args
	of := args[slices.IndexFunc(args, func(a grammar.Arg) bool { return a.Name == name })].Enum
	*to = of[0]
	if v.read(name, to) && !slices.Contains(of, *to) {
		v.wrong(name, "%s can't be %q.%s", name, *to, diag.Suggest(*to, "choices", of))
	}
}
