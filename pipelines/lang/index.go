package lang

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"rein/pipelines/lang/diag"
)

// Index knows which of many files extend which, and every place at which a step, a variable or a local value is named. It reads everything
// that is written, even if another file overrides it, and evaluates nothing, so it works for files with mistakes. Its methods are safe for
// concurrent use.
type Index struct {
	mu       sync.Mutex
	loader   *loader
	headers  map[string]*header
	chains   map[string][]string // file -> the files it is made of, the base first
	users    map[string][]string // file -> the files that are made of it, itself among them
	mentions map[string][]mention
}

// Named is a step, a variable or a local value, with every place where it is named.
type Named struct {
	Kind string // "step", "variable", "local"
	Name string
	At   diag.Range   // the place that was asked about
	Defs []diag.Range // names in declarations and overrides, the base first
	Refs []diag.Range // names in references and in `set`
}

// NewIndex reads files, and the bases that they extend.
func NewIndex(files []string, o Options) (*Index, error) {
	l, err := newLoader(o)
	if err != nil {
		return nil, err
	}
	x := &Index{loader: l, headers: map[string]*header{}, chains: map[string][]string{}, users: map[string][]string{}, mentions: map[string][]mention{}}
	for i := 0; i < len(files); i++ {
		chain := x.follow(files[i])
		if chain == nil || x.chains[files[i]] != nil {
			continue
		}
		x.chains[files[i]] = chain
		for _, f := range chain {
			x.users[f] = append(x.users[f], files[i])
		}
		files = append(files, chain...) // a base is a file, too
	}
	return x, nil
}

// follow lists the files that a file consists of after inheritance, as far as they can be read.
func (x *Index) follow(file string) []string {
	var chain []string
	for file != "" && !slices.Contains(chain, file) {
		f, _ := x.loader.parsed(file)
		if f == nil {
			break
		}
		chain = append(chain, file)
		h := headerIn(f)
		if x.headers[file] = h; h == nil || h.extends == "" {
			break
		}
		file = x.loader.source.relative(file, h.extends)
	}
	slices.Reverse(chain)
	return chain
}

// headerIn reads the pipeline block of a file; nil if there is none.
func headerIn(f *hcl.File) *header {
	if f.Body == nil {
		return nil
	}
	c, _, _ := f.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "pipeline", LabelNames: []string{"name"}}}})
	if c == nil || len(c.Blocks) == 0 {
		return nil
	}
	d := &decoder{m: &module{}}
	d.pipeline(c.Blocks[0])
	return d.m.header
}

// Pipelines lists the pipelines that a file is part of: those that `rein validate` of the folder would check. It is the
// file alone where nothing extends it.
func (x *Index) Pipelines(file string) []string {
	var out []string
	for _, f := range x.users[file] {
		if h := x.headers[f]; h != nil && !h.abstract {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return []string{file}
	}
	slices.SortFunc(out, func(a, b string) int { // the file itself first
		return cmp.Or(compareBool(b == file, a == file), cmp.Compare(a, b))
	})
	return out
}

// compareBool has false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// SameName lists the other pipelines of the same folder that have the same name, which is an error when they are loaded together.
func (x *Index) SameName(file string) []string {
	name := func(f string) string {
		if h := x.headers[f]; h != nil && !h.abstract {
			return h.name
		}
		return ""
	}
	var out []string
	for _, f := range x.Files() {
		if f != file && name(f) != "" && name(f) == name(file) && filepath.Dir(f) == filepath.Dir(file) {
			out = append(out, f)
		}
	}
	return out
}

// Named tells what is named at a byte of a file; nil if nothing is.
func (x *Index) Named(file string, offset int) *Named {
	at := x.at(file, offset)
	if at == nil {
		return nil
	}
	n := &Named{Kind: kinds[at.root], Name: at.name, At: diag.RangeOf(at.rng)}
	for _, f := range x.connected(file, at.root, at.name) {
		for _, m := range x.of(f) {
			switch {
			case m.root != at.root || m.name != at.name:
			case m.def:
				n.Defs = append(n.Defs, diag.RangeOf(m.rng))
			default:
				n.Refs = append(n.Refs, diag.RangeOf(m.rng))
			}
		}
	}
	return n
}

var kinds = map[string]string{"var": "variable", "local": "local", "step": "step"}

func (x *Index) at(file string, offset int) *mention {
	for _, m := range x.of(file) {
		if rangeHas(m.rng, file, offset) {
			return &m
		}
	}
	return nil
}

// Definition is the declaration of what stands at a byte of a file: the base's declaration first, then what overrides it. For the path
// after `extends` it is the start of that file.
func (x *Index) Definition(file string, offset int) []diag.Range {
	if h := x.headers[file]; h != nil && h.extends != "" && rangeHas(h.extendsPos, file, offset) {
		base := x.loader.source.relative(file, h.extends)
		return []diag.Range{diag.RangeOf(hcl.Range{Filename: base, Start: hcl.InitialPos, End: hcl.InitialPos})}
	}
	if n := x.Named(file, offset); n != nil {
		return n.Defs
	}
	return nil
}

// Declared lists everything that a file declares.
func (x *Index) Declared(file string) []Named {
	var out []Named
	for _, m := range x.of(file) {
		if m.def {
			out = append(out, Named{Kind: kinds[m.root], Name: m.name, At: diag.RangeOf(m.rng)})
		}
	}
	return out
}

// Files lists all files that were read.
func (x *Index) Files() []string { return slices.Sorted(maps.Keys(x.users)) }

// connected lists the files in which a name means the same as in file. Two files are connected if a pipeline consists of both. Two
// strategies with a step of the same name each have their own, unless their base has that step too.
func (x *Index) connected(file, root, name string) []string {
	var out []string
	seen := map[string]bool{file: true}
	for todo := []string{file}; len(todo) > 0; todo = todo[1:] {
		f := todo[0]
		if !x.has(f, root, name) {
			continue
		}
		out = append(out, f)
		for _, user := range x.users[f] {
			for _, other := range x.chains[user] {
				if !seen[other] {
					seen[other] = true
					todo = append(todo, other)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(x.chains[a]), len(x.chains[b])), cmp.Compare(a, b))
	})
	return out
}

func (x *Index) has(file, root, name string) bool {
	return slices.ContainsFunc(x.of(file), func(m mention) bool { return m.root == root && m.name == name })
}

// Rename gives the edits that change a name in every file, so that the project loads to the same graph. The error says
// why that can't be done.
func (x *Index) Rename(file string, offset int, to string) ([]diag.Edit, error) {
	at := x.at(file, offset)
	if at == nil {
		return nil, fmt.Errorf("only steps, variables and local values can be renamed")
	}
	what := at.root + "." + at.name
	if !hclsyntax.ValidIdentifier(to) {
		return nil, fmt.Errorf("%q can't be a name: a name starts with a letter and has only letters, digits, - and _", to)
	}
	var edits []diag.Edit
	defined := false
	for _, f := range x.connected(file, at.root, at.name) {
		if _, diags := x.loader.parsed(f); diags.HasErrors() {
			return nil, fmt.Errorf("%s has a syntax error (%s), so not every use of %s can be found; mend it first", f, diags[0].Summary, what)
		}
		for _, user := range x.users[f] {
			for _, other := range x.chains[user] {
				for _, m := range x.of(other) {
					if m.root == at.root && m.name == to && to != at.name {
						return nil, fmt.Errorf("%s.%s is named at %s already", at.root, to, shortPos(m.rng))
					}
				}
			}
		}
		for _, m := range x.of(f) {
			if m.root != at.root || m.name != at.name {
				continue
			}
			if m.escaped {
				return nil, fmt.Errorf("%s is written with escapes at %s; rename it there by hand", what, shortPos(m.rng))
			}
			defined = defined || m.def
			edits = append(edits, diag.Edit{Range: diag.RangeOf(m.rng), Text: to})
		}
	}
	if !defined {
		return nil, fmt.Errorf("%s is not declared", what)
	}
	return edits, nil
}
