package lang

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"rein/cache"
	"rein/engine"
)

// A snapshot is what a load made, in a file, beside the answers that the load had from the world (reads.go). A later load of the same
// files with the same options asks the same questions again; where all answers are the same it takes the program from the file and
// parses and evaluates nothing. It goes by content alone: neither times nor sizes of files say anything.
//
// What only syntax can answer isn't in it: where a diagnostic points to, and what an assert block says to a step's metrics. Who asks for
// that makes the program load itself after all.

// Snapshots is where loads are kept.
type Snapshots struct {
	Dir     string // a folder that holds nothing but snapshots; it may be absent
	Program string // identifies this build of the program
}

// mostSnapshots is how many files a folder of snapshots may have.
const mostSnapshots = 64

// snapshotMark begins each file: it changes with the format.
const snapshotMark = "rein load 1\n"

// path is the file for a load of these files with the loader's options.
func (s *Snapshots) path(paths []string, l *loader) string {
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
	return filepath.Join(s.Dir, cache.Sum([]byte(b.String())).String())
}

// snapshot is the program of a snapshot that is still valid; nil if there is none.
func (l *loader) snapshot(paths []string) *Program {
	s := l.opts.Snapshots
	if s == nil || len(l.opts.Overlay) > 0 {
		return nil
	}
	text, err := readAll(s.path(paths, l))
	if err != nil {
		return nil
	}
	size := len(snapshotMark) + len(cache.Digest{})
	if len(text) < size || text[:len(snapshotMark)] != snapshotMark || cache.SumString(text[size:]) != cache.Digest([]byte(text[len(snapshotMark):size])) {
		return nil
	}
	c := &coder{reading: true, in: text[size:]}
	var asked reads
	if c.reads(&asked.all); c.bad || !asked.hold(l) {
		return nil
	}
	p := &Program{reads: asked.all, rest: sync.OnceValues(func() (*Program, hcl.Diagnostics) {
		o := l.opts
		o.Snapshots = nil
		return Load(paths, o)
	})}
	if c.program(p, l.types); c.bad {
		return nil
	}
	return p
}

// readAll is a file as one text, which is in memory once.
func readAll(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var b strings.Builder
	if info, err := f.Stat(); err == nil {
		b.Grow(int(info.Size()))
	}
	_, err = io.Copy(&b, f)
	return b.String(), err
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
	p.keepAs = s.path(paths, l)
}

// FromSnapshot tells whether the program was taken from a snapshot. Its graph was checked when the snapshot was kept.
func (p *Program) FromSnapshot() bool { return p.rest != nil }

// Keep writes a snapshot of a program that was loaded with Options.Snapshots. It does nothing where the program can't be kept, or is from one.
func (p *Program) Keep() (err error) {
	if p.keepAs == "" {
		return nil
	}
	c := &coder{}
	c.reads(&p.reads)
	if c.program(p, nil); c.bad {
		return nil
	}
	dir := filepath.Dir(p.keepAs)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".tmp-") // readable by the owner only: values of the environment may be in it
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	sum := cache.Sum(c.out)
	_, err = f.Write(slices.Concat([]byte(snapshotMark), sum[:], c.out)) // not synced, because a torn snapshot won't match its digest
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), p.keepAs); err != nil {
		return err
	}
	p.keepAs = ""
	return forget(dir)
}

// forget removes the oldest files of a folder of snapshots that has too many.
func forget(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= mostSnapshots {
		return err
	}
	age := func(e os.DirEntry) int64 {
		if info, err := e.Info(); err == nil {
			return info.ModTime().UnixNano()
		}
		return 0
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return cmp.Compare(age(a), age(b)) })
	for _, e := range entries[:len(entries)-mostSnapshots] {
		err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
	}
	return err
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
	if !c.reading {
		b, err := json.Marshal(v)
		if text = b; err != nil {
			c.bad = true
		}
	}
	if c.bytes(&text); c.reading && !c.bad && json.Unmarshal(text, v) != nil {
		c.bad = true
	}
}
