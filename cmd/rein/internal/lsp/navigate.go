package lsp

import (
	"slices"
	"strings"

	"rein/pipelines/lang/diag"
)

func (s *snapshot) locations(ranges []diag.Range) []location {
	out := []location{}
	for _, r := range ranges {
		if s.text(r.Filename) != nil {
			out = append(out, s.location(r))
		}
	}
	return out
}

func (s *server) definition(snap *snapshot, file string, offset int) (any, error) {
	return snap.locations(snap.index().Definition(file, offset)), nil
}

func (s *server) references(snap *snapshot, file string, p *textDocumentPosition) (any, error) {
	n := snap.index().Named(file, snap.text(file).offset(p.Position))
	switch {
	case n == nil:
		return nil, nil
	case p.Context.IncludeDeclaration:
		return snap.locations(slices.Concat(n.Defs, n.Refs)), nil
	}
	return snap.locations(n.Refs), nil
}

func (s *server) highlight(snap *snapshot, file string, offset int) (any, error) {
	out := []documentHighlight{}
	n := snap.index().Named(file, offset)
	if n == nil {
		return out, nil
	}
	add := func(ranges []diag.Range, kind int) {
		for _, r := range ranges {
			if r.Filename == file {
				out = append(out, documentHighlight{snap.span(r), kind})
			}
		}
	}
	add(n.Defs, 3)
	add(n.Refs, 2)
	return out, nil
}

func (s *server) prepareRename(snap *snapshot, file string, offset int) (any, error) {
	n := snap.index().Named(file, offset)
	if n == nil {
		return nil, nil
	}
	return prepareRenameResult{snap.span(n.At), n.Name}, nil
}

func (s *server) rename(snap *snapshot, file string, p *textDocumentPosition) (any, error) {
	edits, err := snap.index().Rename(file, snap.text(file).offset(p.Position), p.NewName)
	if err != nil {
		return nil, err
	}
	return s.edit(snap, edits), nil
}

// edit is an edit of several files, for the versions it was made for if the client supports that.
func (s *server) edit(snap *snapshot, edits []diag.Edit) *workspaceEdit {
	byFile := map[string][]textEdit{}
	var names []string
	for _, e := range edits {
		name := e.Range.Filename
		if byFile[name] == nil {
			names = append(names, name)
		}
		byFile[name] = append(byFile[name], textEdit{snap.span(e.Range), e.Text})
	}
	out := &workspaceEdit{}
	for _, name := range names {
		if !s.client.Workspace.WorkspaceEdit.DocumentChanges {
			if out.Changes == nil {
				out.Changes = map[string][]textEdit{}
			}
			out.Changes[snap.uri(name)] = byFile[name]
			continue
		}
		var e textDocumentEdit
		e.TextDocument.URI, e.Edits = snap.uri(name), byFile[name]
		if d := snap.opened[name]; d != nil {
			e.TextDocument.Version = &d.version
		}
		out.DocumentChanges = append(out.DocumentChanges, e)
	}
	return out
}

// symbolKinds maps lang's kinds to the protocol's numbers.
var symbolKinds = map[string]int{"pipeline": 2, "step": 12, "variable": 13, "local": 14, "block": 19}

func (s *server) workspaceSymbols(snap *snapshot, query string) (any, error) {
	out := []workspaceSymbol{}
	x := snap.index()
	for _, file := range x.Files() {
		for _, n := range x.Declared(file) {
			if contains(n.Name, query) && snap.text(file) != nil {
				out = append(out, workspaceSymbol{Name: n.Name, Kind: symbolKinds[n.Kind], Location: snap.location(n.At), ContainerName: file})
			}
		}
	}
	return out, nil
}

// contains tells whether a name contains the letters of a query in their order, as editors search.
func contains(name, query string) bool {
	name = strings.ToLower(name)
	for _, r := range strings.ToLower(query) {
		i := strings.IndexRune(name, r)
		if i < 0 {
			return false
		}
		name = name[i+len(string(r)):]
	}
	return true
}
