package lsp

import (
	"errors"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/sourcegraph/jsonrpc2"

	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
	"rein/steps/all"
)

const base = `variable "size" {
  default     = 100
  description = "Rows to take. 😀"
}
step "synthesize" "corpus" {
  scale = 0.1
}
step "sample" "some" {
  rows = step.corpus.train
  size = var.size
}
`

const strategy = `# Strategie für 日本語 😀
pipeline "p" {
  extends = "base.hcl"
}
set {
  size = 7
}
step "merge" "both" {
  base = step.corpus.train
  add  = [step.some.rows]
}
`

func equal(t testing.TB, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: -want +got\n%s", what, d)
	}
}

func TestDiagnosticsAsYouType(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base, "p.hcl": strategy})
	c.open("p.hcl", strategy)
	equal(t, "a good file", []string(nil), c.messages("p.hcl"))
	c.edit("p.hcl", "step.some.rows", "/* 😀日 */ step.som.rows")
	equal(t, "a mistake behind an emoji", []string{`9:20-28 Unknown step: There is no step "som". Did you mean "some"?`}, c.messages("p.hcl"))
	c.edit("p.hcl", "step.som.rows", "step.some.rows")
	equal(t, "mended", []string(nil), c.messages("p.hcl"))

	c.open("base.hcl", base) // unsaved there, and p.hcl is checked with it
	c.edit("base.hcl", "step \"sample\" \"some\"", "step \"sample\" \"other\"")
	equal(t, "a base that lost a step", []string{`9:20-29 Unknown step: There is no step "some". There are both, corpus and other.`}, c.messages("p.hcl"))
	c.notify("textDocument/didClose", c.document("base.hcl"))
	c.edit("p.hcl", "size = 7", "size = 8")
	equal(t, "the base on disk is as it was", []string(nil), c.messages("p.hcl"))
}

// TestTheBasesUsersAreChecked: who edits a base sees what that does to the strategies that extend it.
func TestTheBasesUsersAreChecked(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base, "sub/p.hcl": strings.Replace(strategy, "base.hcl", "../base.hcl", 1)})
	c.open("base.hcl", base)
	equal(t, "a good base", []string(nil), c.messages("base.hcl"))
	c.edit("base.hcl", "variable \"size\"", "variable \"sizes\"")
	if got := c.messages("sub/p.hcl"); len(got) != 1 || !strings.Contains(got[0], `5:2-6 Unknown variable: set gives a value for "size"`) {
		t.Errorf("the strategy: %q", got)
	}
	c.edit("base.hcl", "variable \"sizes\"", "variable \"size\"")
	equal(t, "mended", []string(nil), c.messages("sub/p.hcl"))
}

// TestDataAndLeakageAreDiagnosed: what is found without reading a row is found while typing.
func TestDataAndLeakageAreDiagnosed(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base, "rows.csv": "text,label\n"})
	c.open("p.hcl", strategy)
	c.edit("p.hcl", "step \"merge\"", "step \"dataset\" \"mine\" {\n  data = \"row.csv\"\n}\nstep \"merge\"")
	if got := c.messages("p.hcl"); len(got) != 1 || !strings.HasPrefix(got[0], "8:9-18 There is no such file: ") {
		t.Errorf("data that isn't there: %q", got)
	}
	c.edit("p.hcl", "row.csv", "rows.csv")
	equal(t, "data that is there", []string(nil), c.messages("p.hcl"))
	c.edit("p.hcl", "step \"merge\"", `step "train-gpu" "model" {
  rows       = step.corpus.train
  validation = step.corpus.validation
}
step "evaluate" "test" {
  model = step.model.model
  test  = step.corpus.train
}
step "merge"`)
	if got := c.messages("p.hcl"); len(got) != 1 || !strings.HasPrefix(got[0], "14:0-24 Leakage: ") {
		t.Errorf("leakage: %q", got)
	}
}

// TestDiagnosticsAreThoseOfValidate compares with what loading the file says, for every wrong file there is.
func TestDiagnosticsAreThoseOfValidate(t *testing.T) {
	wrong, err := filepath.Glob("../../../../pipelines/lang/testdata/wrong/*.txtar")
	if err != nil || len(wrong) == 0 {
		t.Fatal("no wrong files", err)
	}
	for _, path := range wrong {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			first := ""
			for _, f := range a.Files {
				if lang.IsPipelineFile(f.Name) {
					files[f.Name] = string(f.Data)
					if first == "" || f.Name == "main.hcl" {
						first = f.Name
					}
				}
			}
			if first == "" {
				t.Skip("it has no pipeline file")
			}
			c := start(t, files)
			c.open(first, files[first])
			got := c.checked(first)
			o := lang.Options{Types: all.Types, Env: []string{}, Dir: c.root}
			x, err := lang.NewIndex(slices.Sorted(maps.Keys(files)), o)
			if err != nil {
				t.Fatal(err)
			}
			p, diags := lang.Load(x.Pipelines(first), o)
			if !diags.HasErrors() {
				diags = append(diags, p.CheckPaths()...)
			}
			var want []string
			for _, d := range diag.Describe(p.Sources, diags) {
				if d.Range == nil || d.Range.Filename == first {
					want = append(want, d.Summary)
				}
			}
			var summaries []string
			for _, d := range got {
				summary, _, _ := strings.Cut(d.Message, ": ")
				summaries = append(summaries, summary)
			}
			slices.Sort(want)
			slices.Sort(summaries)
			equal(t, "diagnostics", want, summaries)
		})
	}
}

func TestTwoPipelinesOfOneName(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base, "p.hcl": strategy})
	c.open("copy.hcl", strategy) // not on disk yet
	if got := c.messages("copy.hcl"); len(got) != 1 || !strings.Contains(got[0], "Duplicate pipeline") {
		if got := c.messages("p.hcl"); len(got) != 1 || !strings.Contains(got[0], "Duplicate pipeline") {
			t.Errorf("%q", got)
		}
	}
	c.edit("copy.hcl", `pipeline "p"`, `pipeline "q"`)
	equal(t, "renamed", []string(nil), c.messages("copy.hcl"))
}

func (c *client) complete(name, before string) []completionItem {
	c.t.Helper()
	var list completionList
	c.call("textDocument/completion", c.at(name, before), &list)
	return list.Items
}

func TestCompletionWhileTyping(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base})
	c.open("p.hcl", strategy)
	c.edit("p.hcl", "[step.some.rows]", "[step.some.rows, \"😀\", step.so]")
	items := c.complete("p.hcl", "\"😀\", step.so")
	if len(items) == 0 || items[0].Label != "step.some.rows" || items[0].Detail != "rows" {
		t.Fatalf("%+v", items)
	}
	equal(t, "with it", strings.Replace(c.texts["p.hcl"], "step.so]", "step.some.rows]", 1), applied(c.texts["p.hcl"], []textEdit{items[0].TextEdit}))

	c.edit("p.hcl", "step \"merge\"", "st\nstep \"merge\"")
	items = c.complete("p.hcl", "}\nst")
	if len(items) != 1 || items[0].InsertTextFormat != 2 || items[0].TextEdit.NewText != "step \"${1:type}\" \"${2:name}\" {\n  $0\n}" {
		t.Errorf("a block: %+v", items)
	}
	c.edit("p.hcl", "st\nstep \"merge\" \"both\" {\n", "step \"sample\" \"more\" {\n  \n}\nstep \"merge\" \"both\" {\n")
	items = c.complete("p.hcl", "\"more\" {\n  ")
	if len(items) == 0 || items[0].TextEdit.NewText != "rows = " && items[0].TextEdit.NewText != "size = " || items[0].Documentation == nil {
		t.Errorf("an argument: %+v", items)
	}
	c.edit("p.hcl", "{\n  \n}", "{\n  rows = step.\n}") // the file is broken now
	items = c.complete("p.hcl", "rows = step.")
	if !slices.ContainsFunc(items, func(x completionItem) bool { return x.Label == "step.corpus.train" }) {
		t.Errorf("in a broken file: %+v", items)
	}
}

func TestHoverTellsValueAndOrigin(t *testing.T) {
	c := start(t, map[string]string{"base.hcl": base})
	c.open("p.hcl", strategy)
	c.edit("p.hcl", "add  = [step.some.rows]", "add  = [step.some.rows]\n  # 😀\n  when = \"😀\" == \"\" || var.size > 3")
	var h *hover
	c.call("textDocument/hover", c.at("p.hcl", "|| var.si"), &h)
	if h == nil {
		t.Fatal("no hover")
	}
	equal(t, "text", "**var.size** number = `7`\n\nRows to take. 😀\n\nfrom set p.hcl:6, declared at base.hcl:1", h.Contents.Value)
	equal(t, "place", "11:23-31", spanText(h.Range))
	h = nil
	c.call("textDocument/hover", c.at("p.hcl", "# Str"), &h)
	if h != nil {
		t.Errorf("a comment has %+v", h)
	}
	c.call("textDocument/hover", c.at("p.hcl", "# Str"), nil)
	p := c.document("nowhere.hcl")
	p["position"] = position{1, 1}
	c.call("textDocument/hover", p, &h)
	if h != nil {
		t.Errorf("a file that isn't there has %+v", h)
	}
}

func TestProtocolErrors(t *testing.T) {
	c := start(t, map[string]string{})
	code := func(method string, params any) int64 {
		var e *jsonrpc2.Error
		if err := c.try(method, params, nil); !errors.As(err, &e) {
			t.Fatalf("%s: %v", method, err)
		}
		return e.Code
	}
	equal(t, "unknown method", int64(jsonrpc2.CodeMethodNotFound), code("textDocument/nothing", map[string]any{}))
	equal(t, "wrong parameters", int64(jsonrpc2.CodeInvalidParams), code("textDocument/hover", []int{1}))
	equal(t, "second hello", int64(jsonrpc2.CodeInvalidRequest), code("initialize", map[string]any{}))
	c.call("shutdown", nil, nil)
	equal(t, "after shutdown", int64(jsonrpc2.CodeInvalidRequest), code("textDocument/hover", c.document("x.hcl")))
}

// TestClientThatDies: a server whose client is gone ends, and says that it wasn't told to.
func TestClientThatDies(t *testing.T) {
	ours, theirs := net.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(t.Context(), theirs, Config{Options: func(string) lang.Options { return lang.Options{} }})
	}()
	ours.Close()
	if err := <-ended; !errors.Is(err, ErrNoShutdown) {
		t.Errorf("it ended with %v", err)
	}
}
