// Package suite tests strategies: files *.test.hcl beside them say what must be true of a pipeline's graph (depth plan), of what one
// step makes of a few rows (depth rows), or of a whole run in a throw-away cache (depth run).
package suite

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang"
)

// Ending is how the name of a test file ends.
const Ending = lang.TestEnding

// Depth is how much of a pipeline a test executes.
type Depth string

// The depths. Plan executes nothing; Rows executes one step on rows of the test's; Run executes the whole pipeline.
const (
	DepthPlan Depth = "plan"
	DepthRows Depth = "rows"
	DepthRun  Depth = "run"
)

// Run is one run block: a test.
type Run struct {
	Name     string
	File     string // of the test
	Pipeline string // file of the pipeline, as the loader takes it
	Depth    Depth
	Step     string // DepthRows: the step that is executed
	Snapshot string // DepthRows: path of the rows that it must make; "": none
	Errors   []string
	Asserts  []Assert

	variables *hclsyntax.Body
	edit      *hclsyntax.Body // variables of the edit whose consequences the test looks at; nil: none
	inputs    map[string]cty.Value
	source    *hcl.File
	names     hcl.Range // where the pipeline is named
}

// Assert is a condition and what to say if it is false.
type Assert struct {
	Condition, Message hcl.Expression
}

// File is a test file.
type File struct {
	Path string
	Text []byte
	Runs []*Run
}

// Find lists the test files of arguments: files as they are, folders' in the order of their names.
func Find(args []string) ([]string, error) {
	var out []string
	for _, a := range args {
		st, err := os.Stat(a)
		if err != nil {
			return nil, err
		}
		if !st.IsDir() {
			out = append(out, a)
			continue
		}
		found, err := filepath.Glob(filepath.Join(escape(a), "*"+Ending))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(path string) bool { // a file may be named beside its folder
		path = filepath.Clean(path)
		had := seen[path]
		seen[path] = true
		return had
	}), nil
}

// escape makes a pattern that matches exactly one path.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

var runSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "pipeline", Required: true}, {Name: "depth"}, {Name: "step"}, {Name: "snapshot"}, {Name: "expect_errors"}},
	Blocks:     []hcl.BlockHeaderSchema{{Type: "variables"}, {Type: "edit"}, {Type: "inputs"}, {Type: "assert"}},
}

// Read reads a test file. Parsed files go into sources, for showing diagnostics.
func Read(path string, sources map[string]*hcl.File) (*File, hcl.Diagnostics) {
	text, err := lang.ReadFile(path)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot read a test file", Detail: err.Error()}}
	}
	f := &File{Path: path, Text: text}
	parsed, diags := hclparse.NewParser().ParseHCL(text, path)
	sources[path] = parsed
	if diags.HasErrors() {
		return f, diags
	}
	content, more := parsed.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "run", LabelNames: []string{"name"}}}})
	if len(content.Blocks) == 0 { // a pipeline, say, of which every block would be a mistake
		return f, append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "No tests",
			Detail: fmt.Sprintf("%s has no run block, as files of tests have. Their names end with %s.", path, Ending)})
	}
	diags = append(diags, more...)
	seen := map[string]bool{}
	for _, b := range content.Blocks {
		r, more := readRun(path, b)
		diags = append(diags, more...)
		r.source = parsed
		if seen[r.Name] {
			diags = append(diags, problem(b.LabelRanges[0], "Duplicate test", "There is a run %q already in this file.", r.Name))
		}
		seen[r.Name] = true
		f.Runs = append(f.Runs, r)
	}
	return f, diags
}

func readRun(path string, b *hcl.Block) (*Run, hcl.Diagnostics) {
	r := &Run{Name: b.Labels[0], File: path, Depth: DepthPlan, inputs: map[string]cty.Value{}}
	content, diags := b.Body.Content(runSchema)
	text := func(name string) string {
		a := content.Attributes[name]
		if a == nil {
			return ""
		}
		v, more := a.Expr.Value(nil)
		diags = append(diags, more...)
		if more.HasErrors() || v.Type() != cty.String || v.IsNull() {
			diags = append(diags, problem(a.Expr.Range(), "Wrong type of value", "%s is text.", name))
			return ""
		}
		return v.AsString()
	}
	if p := text("pipeline"); p != "" {
		r.Pipeline = beside(path, p)
	}
	if d := text("depth"); d != "" {
		r.Depth = Depth(d)
	}
	r.Step = text("step")
	if s := text("snapshot"); s != "" {
		r.Snapshot = beside(path, s)
	}
	if a := content.Attributes["expect_errors"]; a != nil {
		v, more := a.Expr.Value(nil)
		diags = append(diags, more...)
		for _, x := range elements(v) {
			if x.Type() == cty.String && !x.IsNull() {
				r.Errors = append(r.Errors, x.AsString())
			}
		}
		if len(r.Errors) == 0 {
			diags = append(diags, problem(a.Expr.Range(), "Wrong type of value", "expect_errors is a list of texts, each a part of an error that loading must report."))
		}
	}
	for _, inner := range content.Blocks {
		body, _ := inner.Body.(*hclsyntax.Body)
		switch inner.Type {
		case "variables":
			r.variables = body
		case "edit":
			r.edit = body
		case "inputs":
			attrs, more := inner.Body.JustAttributes()
			diags = append(diags, more...)
			for name, a := range attrs {
				v, more := a.Expr.Value(nil)
				diags = append(diags, more...)
				r.inputs[name] = v
			}
		case "assert":
			c, more := inner.Body.Content(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "condition", Required: true}, {Name: "error_message"}}})
			diags = append(diags, more...)
			if c.Attributes["condition"] == nil {
				continue
			}
			x := Assert{Condition: c.Attributes["condition"].Expr}
			if m := c.Attributes["error_message"]; m != nil {
				x.Message = m.Expr
			}
			r.Asserts = append(r.Asserts, x)
		}
	}
	r.names = b.DefRange
	if a := content.Attributes["pipeline"]; a != nil {
		r.names = a.Expr.Range()
	}
	return r, append(diags, r.check(b, content, diags.HasErrors())...)
}

// check reports contradictions in a run block. Broken means that other mistakes in it were reported.
func (r *Run) check(b *hcl.Block, content *hcl.BodyContent, broken bool) hcl.Diagnostics {
	var diags hcl.Diagnostics
	at := func(name string) hcl.Range {
		if a := content.Attributes[name]; a != nil {
			return a.Range
		}
		return b.DefRange
	}
	wrong := func(name, format string, args ...any) {
		diags = append(diags, problem(at(name), "Wrong test", format, args...))
	}
	switch r.Depth {
	case DepthPlan, DepthRun:
		if r.Step != "" || r.Snapshot != "" || len(r.inputs) > 0 {
			wrong("step", "step, snapshot and inputs belong to depth = \"rows\".")
		}
	case DepthRows:
		if r.Step == "" {
			wrong("depth", "depth = \"rows\" wants a step: the name of the one to execute.")
		}
	default:
		wrong("depth", "There is no depth %q: want \"plan\", \"rows\" or \"run\".", r.Depth)
	}
	if r.edit != nil && r.Depth != DepthPlan {
		wrong("depth", "An edit block belongs to depth = \"plan\": it says what an edit would run again.")
	}
	if !broken && len(r.Asserts) == 0 && r.Snapshot == "" && len(r.Errors) == 0 {
		wrong("pipeline", "This test can't fail: give it an assert block, a snapshot or expect_errors.")
	}
	return diags
}

// beside resolves a path that is written in the file from.
func beside(from, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(from), filepath.FromSlash(path))
}

func elements(v cty.Value) []cty.Value {
	if v.IsNull() || !v.IsKnown() || !v.CanIterateElements() {
		return nil
	}
	return v.AsValueSlice()
}

func problem(at hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(format, args...), Subject: &at}
}
