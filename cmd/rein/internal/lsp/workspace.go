package lsp

import (
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
)

// files are the files of the client's folder: those that it has open with the text that it has for them.
type files struct {
	root     string               // absolute
	opened   map[string]*document // by name: relative to root where it is below
	found    []string             // pipeline files on disk
	scanned  bool
	parsed   *lang.ParseCache
	sequence int
	current  *snapshot // nil after a change
}

// document is a file that the client has open.
type document struct {
	uri     string
	version int
	text    *text
}

func newFiles() *files { return &files{opened: map[string]*document{}, parsed: &lang.ParseCache{}} }

// setRoot sets the folder that names are relative to. Without one it is that of the first file.
func (f *files) setRoot(uri string) {
	if path, ok := pathOf(uri); ok {
		f.root = path
	}
}

func (f *files) open(uri string, version int, content string) {
	path, ok := pathOf(uri)
	if !ok {
		return // it isn't on disk, so it can't extend anything
	}
	if f.root == "" {
		f.root = filepath.Dir(path)
	}
	f.opened[nameIn(f.root, path)] = &document{uri, version, newText([]byte(content))}
	f.rescan()
}

func (f *files) change(uri string, version int, changes []contentChange) error {
	path, _ := pathOf(uri)
	name := nameIn(f.root, path)
	d := f.opened[name]
	if d == nil {
		return fmt.Errorf("%s isn't open", uri)
	}
	f.opened[name] = &document{uri, version, d.text.edited(changes)}
	f.current = nil
	return nil
}

func (f *files) close(uri string) {
	if path, ok := pathOf(uri); ok {
		delete(f.opened, nameIn(f.root, path))
		f.rescan()
	}
}

// rescan forgets which files there are on disk.
func (f *files) rescan() { f.scanned, f.current = false, nil }

// snapshot is the state now.
func (f *files) snapshot(options func(string) lang.Options) *snapshot {
	if f.current != nil {
		return f.current
	}
	if !f.scanned {
		f.found, f.scanned = scan(f.root), true
	}
	f.sequence++
	s := &snapshot{sequence: f.sequence, root: f.root, opened: maps.Clone(f.opened), programs: map[string]*program{}}
	s.names = slices.Clone(f.found)
	s.options = options(f.root)
	s.options.Dir, s.options.Parsed, s.options.Overlay = f.root, f.parsed, map[string][]byte{}
	for name, d := range f.opened {
		s.options.Overlay[name] = d.text.bytes
		if abs := s.path(name); abs != name {
			s.options.Overlay[abs] = d.text.bytes // an absolute path after `extends`
		}
		if !slices.Contains(s.names, name) && lang.IsPipelineFile(name) {
			s.names = append(s.names, name)
		}
	}
	s.index = sync.OnceValue(func() *lang.Index {
		x, err := lang.NewIndex(s.names, s.options)
		if err != nil { // only without a folder to work in
			panic(err)
		}
		return x
	})
	f.current = s
	return s
}

// Limits of the search for pipeline files: a client may open a home folder.
const (
	maxFiles   = 2000
	maxEntries = 50_000
)

// scan lists the pipeline files below a folder that say they are one, by name relative to it.
func scan(root string) []string {
	var out []string
	entries := 0
	if root == "" {
		return nil
	}
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if entries++; entries > maxEntries || len(out) >= maxFiles {
			return fs.SkipAll
		}
		switch {
		case err != nil:
			return fs.SkipDir
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "vendor", "target"}, d.Name())):
			return fs.SkipDir
		case d.Type().IsRegular() && lang.IsPipelineFile(path) && d.Name() != lang.ProjectFile && mayBePipeline(path):
			out = append(out, nameIn(root, path))
		}
		return nil
	})
	return out
}

// mayBePipeline looks for the word "pipeline", so that HCL files of other programs aren't read. A base doesn't need it, because it is found
// through the files that extend it.
func mayBePipeline(path string) bool {
	b, err := lang.ReadFile(path)
	return err == nil && strings.Contains(string(b), "pipeline")
}

// nameIn is how lang names a file: relative to the folder if it is in it.
func nameIn(root, path string) string {
	if rel, err := filepath.Rel(root, path); err == nil {
		return rel
	}
	return path
}

// snapshot is the state of all files between two edits.
type snapshot struct {
	sequence int
	root     string
	opened   map[string]*document // by name
	names    []string             // of the pipeline files that are known
	options  lang.Options
	index    func() *lang.Index

	mu       sync.Mutex
	programs map[string]*program
	texts    sync.Map // of files that aren't open: name -> *text
}

// program is a pipeline that was loaded.
type program struct {
	once  sync.Once
	mu    sync.Mutex // questions evaluate expressions, so only one is asked at a time
	p     *lang.Program
	diags hcl.Diagnostics
}

// program loads a pipeline that a file is part of, once.
func (s *snapshot) program(file string) *program {
	pipeline := s.index().Pipelines(file)[0]
	s.mu.Lock()
	p := s.programs[pipeline]
	if p == nil {
		p = &program{}
		s.programs[pipeline] = p
	}
	s.mu.Unlock()
	p.once.Do(func() { p.load([]string{pipeline}, s.options) })
	return p
}

// load reads files and checks that their data exists, as `rein validate` does. It doesn't check for leakage.
func (p *program) load(files []string, o lang.Options) {
	if p.p, p.diags = lang.Load(files, o); !p.diags.HasErrors() {
		p.diags = append(p.diags, p.p.CheckPaths()...)
	}
}

// ask calls f with a program that a file is part of. Calls don't overlap.
func (s *snapshot) ask(file string, f func(*lang.Program)) {
	p := s.program(file)
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p.p)
}

// text is a file's text as the client has it, otherwise as it is on disk; nil if there is none.
func (s *snapshot) text(name string) *text {
	if d := s.opened[name]; d != nil {
		return d.text
	}
	if t, ok := s.texts.Load(name); ok {
		return t.(*text)
	}
	b, err := lang.ReadFile(s.path(name))
	if err != nil {
		return nil
	}
	t, _ := s.texts.LoadOrStore(name, newText(b))
	return t.(*text)
}

func (s *snapshot) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.root, name)
}

// name is what lang calls the file of a URI.
func (s *snapshot) name(uri string) (string, bool) {
	path, ok := pathOf(uri)
	return nameIn(s.root, path), ok
}

// uri is the client's own for a file that it has open.
func (s *snapshot) uri(name string) string {
	if d := s.opened[name]; d != nil {
		return d.uri
	}
	path := filepath.ToSlash(s.path(name))
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// span converts a range to the client's units. For a file that can't be read, it is empty.
func (s *snapshot) span(r diag.Range) span {
	t := s.text(r.Filename)
	if t == nil {
		return span{}
	}
	return t.span(r.Start.Byte, r.End.Byte)
}

func (s *snapshot) location(r diag.Range) location { return location{s.uri(r.Filename), s.span(r)} }

// pathOf is the file of a URI.
func pathOf(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Path == "" {
		return "", false
	}
	path := u.Path
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/") // /C:/folder
	}
	return filepath.Clean(filepath.FromSlash(path)), true
}
