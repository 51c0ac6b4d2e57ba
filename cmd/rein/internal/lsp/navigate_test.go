package lsp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func (c *client) places(list []location) []string {
	out := []string{}
	for _, l := range list {
		out = append(out, c.file(l.URI)+" "+spanText(l.Range))
	}
	return out
}

func TestDefinitionsAndReferencesAcrossFiles(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base, "p.hcl": strategy, "q.hcl": strings.ReplaceAll(strategy, `"p"`, `"q"`)})
	c.open("p.hcl", strategy)
	var got []location
	c.call("textDocument/definition", c.at("p.hcl", "[step.so"), &got)
	equal(t, "definition", []string{"base.hcl 7:15-19"}, c.places(got))
	c.call("textDocument/definition", c.at("p.hcl", `extends = "ba`), &got)
	equal(t, "the base", []string{"base.hcl 0:0-0"}, c.places(got))
	p := c.at("p.hcl", "[step.so")
	p["context"] = map[string]any{"includeDeclaration": true}
	c.call("textDocument/references", p, &got)
	equal(t, "references", []string{"base.hcl 7:15-19", "p.hcl 9:15-19", "q.hcl 9:15-19"}, c.places(got))
	var lights []documentHighlight
	c.call("textDocument/documentHighlight", c.at("p.hcl", "step.corp"), &lights)
	if len(lights) != 1 || spanText(lights[0].Range) != "8:14-20" {
		t.Errorf("highlights: %+v", lights)
	}
}

// TestRenameEverywhere renames over files that are open, changed and unsaved, and on disk: nothing is wrong afterwards.
func TestRenameEverywhere(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base, "p.hcl": strategy, "q.hcl": strings.ReplaceAll(strategy, `"p"`, `"q"`)})
	c.open("p.hcl", strategy)
	c.edit("p.hcl", "[step.some.rows]", "[step.some.rows, /* 😀 */ step.some.rows]")
	var at prepareRenameResult
	c.call("textDocument/prepareRename", c.at("p.hcl", "😀 */ step.so"), &at)
	equal(t, "what is renamed", "some 9:40-44", at.Placeholder+" "+spanText(at.Range))
	p := c.at("p.hcl", "😀 */ step.so")
	p["newName"] = "日本"
	var edit workspaceEdit
	c.call("textDocument/rename", p, &edit)
	c.apply(edit)
	equal(t, "diagnostics", []string(nil), c.messages("p.hcl"))
	if !strings.Contains(c.texts["p.hcl"], "[step.日本.rows, /* 😀 */ step.日本.rows]") {
		t.Errorf("p.hcl: %s", c.texts["p.hcl"])
	}
	c.notify("workspace/didChangeWatchedFiles", map[string]any{"changes": []any{}})
	p = c.at("p.hcl", "step.日")
	p["context"] = map[string]any{"includeDeclaration": true}
	var got []location
	c.call("textDocument/references", p, &got)
	equal(t, "references", []string{"base.hcl 7:15-17", "p.hcl 9:15-17", "p.hcl 9:38-40", "q.hcl 9:15-17"}, c.places(got))
	p["newName"] = "corpus"
	if err := c.try("textDocument/rename", p, nil); err == nil || !strings.Contains(err.Error(), "step.corpus is named at base.hcl:5 already") {
		t.Errorf("to a name that is taken: %v", err)
	}
}

func TestSymbols(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base, "p.hcl": strategy})
	c.open("p.hcl", strategy)
	var list []documentSymbol
	c.call("textDocument/documentSymbol", c.document("p.hcl"), &list)
	var got []string
	for _, x := range list {
		got = append(got, strings.TrimSpace(x.Detail+" "+x.Name+" "+spanText(x.Range)))
		for _, y := range x.Children {
			got = append(got, "- "+y.Name)
		}
	}
	equal(t, "of the file", []string{"pipeline p 1:0-3:1", "set 4:0-6:1", "- size", "step merge both 7:0-10:1"}, got)
	var all []workspaceSymbol
	c.call("workspace/symbol", map[string]any{"query": "SO"}, &all)
	got = nil
	for _, x := range all {
		got = append(got, fmt.Sprint(c.file(x.Location.URI), " ", x.Name, " ", x.Kind))
	}
	equal(t, "of the project", []string{"base.hcl some 12"}, got)
}

func TestFormatting(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base})
	c.open("p.hcl", strategy)
	c.edit("p.hcl", "  add  = [step.some.rows]", "add = [step.some.rows] # 😀")
	var edits []textEdit
	c.call("textDocument/formatting", c.document("p.hcl"), &edits)
	equal(t, "formatted", strings.Replace(strategy, "rows]", "rows] # 😀", 1), applied(c.texts["p.hcl"], edits))
	if len(edits) != 1 || edits[0].Range.Start.Line != 9 || edits[0].Range.End.Line != 10 {
		t.Errorf("more than the line was replaced: %+v", edits)
	}
	c.edit("p.hcl", "add = [", "add = [[")
	c.call("textDocument/formatting", c.document("p.hcl"), &edits)
	if len(edits) > 0 {
		t.Errorf("a broken file: %+v", edits)
	}
}

func TestFolding(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base})
	c.open("p.hcl", "# one\n# two\npipeline \"p\" {\n  title = \"x\"\n}\nlocals {\n  a = [\n    1,\n  ]\n}\n")
	var got []foldingRange
	c.call("textDocument/foldingRange", c.document("p.hcl"), &got)
	equal(t, "ranges", []foldingRange{{0, 1, "comment"}, {2, 4, ""}, {5, 9, ""}, {6, 8, ""}}, got)
}

func TestSemanticTokens(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base})
	text := "# 日😀\nstep \"merge\" \"é\" {\n  base = \"😀\" == upper(var.a) ? step.corpus.train : 1\n}\n"
	c.open("p.hcl", text)
	var got semanticTokens
	c.call("textDocument/semanticTokens/full", c.document("p.hcl"), &got)
	lines := strings.Split(text, "\n")
	var words []string
	var at position
	for d := range slices.Chunk(got.Data, 5) {
		if d[0] > 0 {
			at = position{at.Line + d[0], 0}
		}
		at.Character += d[1]
		x := newText([]byte(lines[at.Line]))
		from, to := x.offset(position{0, at.Character}), x.offset(position{0, at.Character + d[2]})
		words = append(words, tokenTypes[d[3]]+" "+lines[at.Line][from:to])
	}
	equal(t, "tokens", []string{"comment # 日😀", "keyword step", "type \"merge\"", "class \"é\"", "property base", "string \"", "string 😀", "string \"",
		"operator ==", "function upper", "namespace var", "variable a", "operator ?", "namespace step", "class corpus", "property train", "operator :", "number 1"}, words)
}

func TestQuickFixes(t *testing.T) {
	for _, x := range []struct{ old, new, want string }{
		{"step.some.rows", "step.som.rows", "step.some.rows"},
		{"step.some.rows", "step.some.row", "step.some.rows"},
		{"step \"merge\"", "step \"murge\"", "step \"merge\""},
		{"base = ", "bse = ", "base = "},
		{"size = 7", "sise = 7", "size = 7"},
		{"size = 7", "size = lenth([])", "size = length([])"},
		{"base = step.corpus", "base = stp.corpus", "base = step.corpus"},
		{"base.hcl", "bas.hcl", "base.hcl"},
		{"set {", "sett {", "set {"},
	} {
		c := start(t, map[string]string{"base.hcl": base})
		c.open("p.hcl", "/* 😀 */ "+strategy)
		c.edit("p.hcl", x.old, x.new)
		found := c.checked("p.hcl")
		if len(found) == 0 {
			t.Errorf("%s: nothing is wrong", x.new)
			continue
		}
		var actions []codeAction
		c.call("textDocument/codeAction", map[string]any{"textDocument": map[string]any{"uri": c.uri("p.hcl")}, "range": found[0].Range, "context": map[string]any{"diagnostics": found}}, &actions)
		if len(actions) == 0 {
			t.Errorf("%s: no fix of %q", x.new, found[0].Message)
			continue
		}
		c.apply(*actions[0].Edit)
		if !strings.Contains(c.texts["p.hcl"], x.want) {
			t.Errorf("%s: %q gives %s", x.new, actions[0].Title, c.texts["p.hcl"])
		}
	}
}
