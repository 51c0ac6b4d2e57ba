// Package manual documents the language and the step types, from the schemas that the loader itself goes by: in Markdown (reference.go and
// rules.go), as data (schema.go), and as text for a terminal (text.go).
package manual

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty/function"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
	"rein/steps"
)

// Reference documents the language in Markdown, from the schemas that the loader itself uses. A test compares it with the committed file,
// so that file can't become outdated. functions are those of the language.
func Reference(types []*steps.Type, functions map[string]function.Function) string {
	var b strings.Builder
	b.WriteString("# The pipeline language\n\nMade from the schemas by `rein steps --reference`; edit those, not this file.\n" + rules + "\n## Blocks\n")
	for _, s := range grammar.Blocks {
		writeBlock(&b, s, 3)
	}
	b.WriteString("\n## References\n\n" + referenceTable + "\n## Functions\n\n| function | gives |\n| --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", Signature(name, functions[name]), cell(FunctionText(name, functions[name])))
	}
	b.WriteString("\n## Step types\n")
	for _, t := range types {
		b.WriteString("\n### " + t.Name + "\n\n")
		b.WriteString(Step(t))
	}
	return b.String()
}

const referenceTable = `| written | is |
| --- | --- |
| ` + "`var.NAME`" + ` | a variable |
| ` + "`local.NAME`" + ` | a local value of this file or of a base |
| ` + "`step.NAME.PORT`" + ` | an output of a step: an edge of the graph |
| ` + "`step.NAME[\"key\"].PORT`" + ` | the output of one instance of a step with for_each |
| ` + "`step.NAME.PORT`" + `, of a step with for_each | in a step with for_each: the output of the instance of the same key |
| ` + "`step.NAME[*].PORT`" + ` | the outputs of all its instances, in the order of their keys |
| ` + "`each.key`, `each.value`" + ` | in a step with for_each: the instance's own; null where for_each is null |
| ` + "`metric.NAME`" + ` | in an assert: what the step measured |
`

func writeBlock(b *strings.Builder, s grammar.Block, level int) {
	header := s.Name
	for _, l := range s.Labels {
		header += " \"" + strings.ToUpper(l) + "\""
	}
	fmt.Fprintf(b, "\n%s %s\n\n%s\n", strings.Repeat("#", level), header, s.Doc)
	if s.Sample != "" {
		fmt.Fprintf(b, "\n```hcl\n%s```\n", s.Sample)
	}
	if len(s.Args) > 0 {
		b.WriteString("\n| argument | type | |\n| --- | --- | --- |\n")
		for _, a := range s.Args {
			need := ""
			if a.Required {
				need = "Required. "
			}
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", a.Name, cell(a.Type), cell(need+a.Doc))
		}
	}
	for _, c := range s.Blocks {
		writeBlock(b, c, level+1)
	}
}

// Step is the documentation of one step type in Markdown.
func Step(t *steps.Type) string {
	s := SchemaOf(t)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n```hcl\n%s\n```\n", s.Doc, s.example())
	writePorts(&b, "input", s.Inputs)
	if s.Dynamic {
		b.WriteString("\nThe pipeline names the ports: `inputs = { NAME = file(\"...\") }`, `outputs = [\"NAME\"]`.\n")
	}
	if len(s.Arguments) > 0 {
		b.WriteString("\n| argument | type | default | |\n| --- | --- | --- | --- |\n")
		writeFields(&b, s.Arguments, "")
	}
	writePorts(&b, "output", s.Outputs)
	return b.String()
}

func writePorts(b *strings.Builder, what string, ports []PortSchema) {
	if len(ports) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| %s | kind | |\n| --- | --- | --- |\n", what)
	for _, p := range ports {
		kind := grammar.PortType(steps.Port{Kind: p.Kind, List: p.List})
		doc := Sentence(p.Doc)
		if p.Optional {
			doc = "Optional. " + doc
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", p.Name, kind, cell(strings.TrimSpace(doc)))
	}
}

func writeFields(b *strings.Builder, fields []FieldSchema, prefix string) {
	for _, f := range fields {
		def := ""
		switch {
		case f.Required:
			def = "required"
		case f.literal != "":
			def = "`" + f.literal + "`"
		}
		doc := Sentence(f.Doc)
		if len(f.Enum) > 0 {
			doc += " One of " + strings.Join(quoted(f.Enum), ", ") + "."
		}
		if f.Unkeyed {
			doc += " Not part of the key."
		}
		if f.Repeated {
			doc += " May come several times."
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s | %s |\n", prefix, f.Name, cell(f.Type), cell(def), cell(doc))
		writeFields(b, f.Fields, prefix+f.Name+".")
	}
}

func quoted(names []string) []string {
	out := slices.Clone(names)
	for i := range out {
		out[i] = "`" + diag.Quote(out[i]) + "`"
	}
	return out
}

// Sentence gives a description a capital letter and a full stop if it lacks them.
func Sentence(s string) string {
	s = diag.UpperFirst(strings.TrimSpace(s))
	if s != "" && !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// cell makes text safe within a table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s)
}

// Signature is how a function is called.
func Signature(name string, f function.Function) string {
	var params []string
	for _, p := range f.Params() {
		params = append(params, p.Name)
	}
	if v := f.VarParam(); v != nil {
		params = append(params, v.Name+"...")
	}
	return name + "(" + strings.Join(params, ", ") + ")"
}

// FunctionText is what a function gives: its own description, or ours for those that have none.
func FunctionText(name string, f function.Function) string {
	if d := f.Description(); d != "" {
		return d
	}
	return map[string]string{
		"can": "Whether an expression has a value.",
		"try": "The first of the expressions that has a value.",
	}[name]
}
