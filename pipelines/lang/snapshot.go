package lang

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"rein/cache"
	"rein/cache/flat"
	"rein/engine"
)

// A snapshot is what a load made, beside the answers that the load had from the world (reads.go). A later load of the same files with the
// same options asks the same questions again; where all answers are the same it takes the program from the snapshot and parses and
// evaluates nothing. It goes by content alone: neither times nor sizes of files say anything.
//
// The answers are in one file, whose name stands for the options. The program is in another one, named by its digest, so that an equal
// program is kept once, and a command that only wants to know which program it is needn't read it.
//
// What only syntax can answer isn't in it: where a diagnostic points to, and what an assert block says to a step's metrics. Who asks for
// that makes the program load itself after all.

// Snapshots is where loads are kept.
type Snapshots struct {
	Dir     string // a folder that holds nothing but snapshots; it may be absent
	Program string // identifies this build of the program
}

// mostSnapshots is how many files a folder of snapshots may have.
const mostSnapshots = 128

func (s *Snapshots) shelf() cache.Shelf {
	return cache.Shelf{Dir: s.Dir, Mark: "rein load 2\n", Files: mostSnapshots}
}

// name is that of the answers of a load of these files with the loader's options.
func (s *Snapshots) name(paths []string, l *loader) string {
	o := l.opts
	var b strings.Builder
	all := func(what string, texts ...string) { fmt.Fprintf(&b, "%s %q\n", what, texts) }
	all("program", s.Program)
	all("files", paths...)
	all("folders", o.Dir, o.Root)
	all("project", o.Project)
	all("variables", o.Vars...)
	all("variable files", o.VarFiles...)
	all("elsewhere", fmt.Sprint(o.FS != nil))
	for _, kv := range slices.Sorted(slices.Values(o.Env)) {
		if strings.HasPrefix(kv, envPrefix) {
			all("variable", kv)
		}
	}
	return cache.Sum([]byte(b.String())).String()
}

// answers is the file beside a program.
type answers struct {
	reads
	program cache.Digest
}

func (c *coder) answers(a *answers) {
	c.Fixed(a.program[:])
	c.reads(&a.all)
}

// held are the answers of a load, if they are still the same.
func (l *loader) held(paths []string) (*answers, bool) {
	s := l.opts.Snapshots
	if s == nil || len(l.opts.Overlay) > 0 {
		return nil, false
	}
	text, ok := s.shelf().Read(s.name(paths, l))
	if !ok {
		return nil, false
	}
	c := &coder{Coder: flat.Coder{Reading: true, In: text}}
	var a answers
	c.answers(&a)
	return &a, !c.Bad && a.hold(l)
}

// identity stands for a program and the build of rein that has made it.
func (s *Snapshots) identity(program cache.Digest) cache.Digest {
	return cache.Sum(fmt.Appendf(nil, "program %s\nbuild %q\n", program, s.Program))
}

// Identify returns the ID of the program that Load would take from a snapshot, without reading it. It is not ok where there is none.
func Identify(paths []string, o Options) (id cache.Digest, ok bool) {
	l, err := newLoader(o)
	if err != nil {
		return id, false
	}
	a, ok := l.held(paths)
	if !ok {
		return id, false
	}
	return o.Snapshots.identity(a.program), true
}

// snapshot is the program of a snapshot that is still valid; nil if there is none.
func (l *loader) snapshot(paths []string) *Program {
	a, ok := l.held(paths)
	if !ok {
		return nil
	}
	s := l.opts.Snapshots
	text, ok := s.shelf().Read(a.program.String())
	if !ok {
		return nil
	}
	p := &Program{reads: a.all, id: s.identity(a.program), rest: sync.OnceValues(func() (*Program, hcl.Diagnostics) {
		o := l.opts
		o.Snapshots = nil
		return Load(paths, o)
	})}
	c := &coder{Coder: flat.Coder{Reading: true, In: text}}
	if c.program(p, l.types()); c.Bad {
		return nil
	}
	return p
}

// keepable sets where Keep may write the program: nowhere if there are diagnostics or sensitive values.
func (l *loader) keepable(p *Program, paths []string, diags hcl.Diagnostics) {
	s := l.opts.Snapshots
	if s == nil || len(l.opts.Overlay) > 0 || len(diags) > 0 || len(l.secrets) > 0 || l.reads.unfit {
		return
	}
	for _, pl := range l.pipelines {
		if slices.ContainsFunc(pl.Variables, func(v *Variable) bool { return v.Sensitive }) {
			return
		}
	}
	p.keepIn, p.keepAs = s, s.name(paths, l)
}

// FromSnapshot tells whether the program was taken from a snapshot. Its graph was checked when the snapshot was kept.
func (p *Program) FromSnapshot() bool { return p.rest != nil }

// ID stands for a program that is kept in a snapshot: all that a run of it goes by, but the files that its steps read. It is zero if the
// program isn't kept.
func (p *Program) ID() cache.Digest { return p.id }

// Keep writes a snapshot of a program that was loaded with Options.Snapshots. It does nothing where the program can't be kept, or is from one.
func (p *Program) Keep() error {
	if p.keepAs == "" {
		return nil
	}
	c, with := &coder{}, &coder{}
	if c.program(p, nil); c.Bad {
		return nil
	}
	a := answers{reads{all: p.reads}, cache.Sum(c.Out)}
	with.answers(&a)
	shelf := p.keepIn.shelf()
	if err := errors.Join(shelf.Write(a.program.String(), c.Out), shelf.Write(p.keepAs, with.Out)); err != nil {
		return err
	}
	p.keepAs, p.id = "", p.keepIn.identity(a.program)
	return nil
}

// whole is the program with its syntax. A program from a snapshot loads its files now.
func (p *Program) whole() (*Program, hcl.Diagnostics) {
	if p.rest == nil {
		return p, nil
	}
	return p.rest()
}

// errMoved says that a program from a snapshot can't load the rest of itself.
var errMoved = errors.New("the pipeline's files changed while it ran, so its assert can't be tested: run it again")

// lateCheck is an assert block of a program from a snapshot: the program loads itself when the check is needed.
func (p *Program) lateCheck(pipeline, node, check int, name, pos string) engine.Check {
	return engine.Check{Pos: pos, Test: func(metrics map[string]float64) error {
		w, diags := p.whole()
		if diags.HasErrors() || !sameReads(w.reads, p.reads) || pipeline >= len(w.Graph.Pipelines) || node >= len(w.Graph.Pipelines[pipeline].Nodes) {
			return errMoved
		}
		n := w.Graph.Pipelines[pipeline].Nodes[node]
		if n.Name != name || check >= len(n.Checks) || n.Checks[check].Pos != pos {
			return errMoved
		}
		return n.Checks[check].Test(metrics)
	}}
}

// sameReads tells whether two loads had the same answers.
func sameReads(a, b []read) bool {
	answers := map[question]cache.Digest{}
	for _, r := range a {
		answers[r.question] = r.answer
	}
	return len(a) == len(b) && !slices.ContainsFunc(b, func(r read) bool { return answers[r.question] != r.answer })
}

// checkKeptPaths is CheckPaths of a program from a snapshot.
func (p *Program) checkKeptPaths() hcl.Diagnostics {
	looked := map[engine.Path]bool{}
	for _, pl := range p.Graph.Pipelines {
		for _, n := range pl.Nodes {
			for _, in := range n.Inputs {
				for _, r := range in.Refs {
					if r.Path == nil || looked[*r.Path] {
						continue
					}
					if looked[*r.Path] = true; wrongPath(r.Path) == nil {
						continue
					}
					w, diags := p.whole()
					p.Sources = w.Sources
					return append(diags, w.CheckPaths()...)
				}
			}
		}
	}
	return nil
}

// jsonText codes a value that is rarely present, as JSON.
func jsonText(c *coder, v any) {
	var text []byte
	if !c.Reading {
		b, err := json.Marshal(v)
		if text = b; err != nil {
			c.Bad = true
		}
	}
	if c.Bytes(&text); c.Reading && !c.Bad && json.Unmarshal(text, v) != nil {
		c.Bad = true
	}
}
