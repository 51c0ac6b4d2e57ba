package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestArchitectureIsCurrent holds docs/architecture.md to the packages and their imports; REIN_UPDATE_DOCS=1 writes it.
func TestArchitectureIsCurrent(t *testing.T) {
	got := architecture(listPackages(t))
	path := "docs/architecture.md"
	if os.Getenv("REIN_UPDATE_DOCS") != "" {
		if err := os.WriteFile(filepath.Join(root, path), []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if readDoc(t, path) != got {
		t.Errorf("%s has drifted: REIN_UPDATE_DOCS=1 go test ./cmd/rein -run Architecture", path)
	}
}

// part is the box of the drawing that a package is in.
func part(pkg string) string {
	pkg = strings.TrimPrefix(pkg, "rein/")
	for _, p := range []string{"steps/artifact", "steps/stats", "steps/internal", "steps/all", "pipelines/human", "pipelines/lang", "pipelines/compare", "engine/record"} {
		if pkg == p || strings.HasPrefix(pkg, p+"/") {
			return p
		}
	}
	top, below, nested := strings.Cut(pkg, "/")
	if top == "steps" && nested && below != "stepstest" {
		return "steps/TYPE"
	}
	if top == "cmd" {
		return "cmd/rein"
	}
	return top
}

// architecture draws the parts and lists the packages.
func architecture(all []listed) string {
	var b strings.Builder
	b.WriteString(`# The code as a map

Drawn from the imports by a test (` + "`REIN_UPDATE_DOCS=1 go test ./cmd/rein -run Architecture`" + `). An arrow says "imports"; what may import what
is held by ` + "`TestLayers`" + `. Arrows that follow from others are left out.

` + "```mermaid\nflowchart TD\n")
	arrows := map[string]map[string]bool{}
	for _, p := range all {
		from := part(p.ImportPath)
		if arrows[from] == nil {
			arrows[from] = map[string]bool{}
		}
		for _, imp := range p.Imports {
			if to := part(imp); strings.HasPrefix(imp, "rein/") && to != from {
				arrows[from][to] = true
			}
		}
	}
	for _, from := range sorted(arrows) {
		fmt.Fprintf(&b, "  %s[%s]\n", id(from), from)
		for _, to := range sorted(arrows[from]) {
			if !reaches(arrows, from, to) {
				fmt.Fprintf(&b, "  %s --> %s\n", id(from), id(to))
			}
		}
	}
	b.WriteString("```\n\n| package | what it is | imports of ours |\n| --- | --- | --- |\n")
	for _, p := range all {
		if strings.HasSuffix(p.ImportPath, "test") {
			continue // helpers of tests
		}
		var ours []string
		for _, imp := range p.Imports {
			if name, ok := strings.CutPrefix(imp, "rein/"); ok {
				ours = append(ours, name)
			}
		}
		doc := strings.ReplaceAll(p.Doc, "|", `\|`)
		fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.TrimPrefix(p.ImportPath, "rein/"), doc, strings.Join(ours, ", "))
	}
	text, err := os.ReadFile("testdata/architecture.md") // what no import tells: the layers, and a request walked through
	if err != nil {
		panic(err)
	}
	return b.String() + "\n" + string(text)
}

func sorted[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func id(part string) string { return strings.NewReplacer("/", "_").Replace(part) }

// reaches tells whether there is a way from one part to another over a third.
func reaches(arrows map[string]map[string]bool, from, to string) bool {
	seen := map[string]bool{from: true}
	var walk func(string) bool
	walk = func(at string) bool {
		for next := range arrows[at] {
			if next == to && at != from {
				return true
			}
			if !seen[next] && next != to {
				seen[next] = true
				if walk(next) {
					return true
				}
			}
		}
		return false
	}
	return walk(from)
}
