package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocComments holds that whatever is exported has a doc comment, and that a doc comment begins with the name it stands on.
// Methods need none: those that implement an interface are described there.
func TestDocComments(t *testing.T) {
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files++
			checkDocs(t, path)
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("%d files were read: %v", files, err)
	}
}

func checkDocs(t *testing.T, path string) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name *ast.Ident, doc *ast.CommentGroup, needed bool) {
		text := doc.Text() // without directives
		switch {
		case text == "" && needed && name.IsExported():
			t.Errorf("%s: %s has no doc comment", fset.Position(name.Pos()), name.Name)
		case text != "" && !beginsWith(text, name.Name):
			t.Errorf("%s: the doc comment of %s begins otherwise: %.60q", fset.Position(name.Pos()), name.Name, text)
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			check(d.Name, d.Doc, d.Recv == nil)
		case *ast.GenDecl:
			grouped := d.Lparen.IsValid() // its comment is of the whole group
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					doc := s.Doc
					if !grouped {
						doc = d.Doc
					}
					check(s.Name, doc, !grouped)
				case *ast.ValueSpec:
					if !grouped {
						check(s.Names[0], d.Doc, true)
					}
				}
			}
		}
	}
}

func beginsWith(text, name string) bool {
	for _, article := range []string{"", "A ", "An ", "The "} {
		if rest, ok := strings.CutPrefix(text, article+name); ok {
			return !strings.ContainsAny(rest[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
		}
	}
	return false
}
