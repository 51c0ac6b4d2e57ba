package lang

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"rein/pipelines/lang/diag"
)

// HCL writes the pipeline as one file that extends nothing, with the origin of every line as a comment.
// In the folder of the pipeline's own file it means the same, as long as its bases are there too.
func (r *Resolved) HCL() []byte {
	var b bytes.Buffer
	for _, base := range r.Bases {
		fmt.Fprintf(&b, "# with what %s says\n", base)
	}
	fmt.Fprintf(&b, "pipeline %s {\n", diag.Quote(r.Name))
	if r.Title != "" {
		fmt.Fprintf(&b, "title = %s\n", diag.Quote(r.Title))
	}
	b.WriteString("}\n")
	for _, v := range r.Variables {
		v.write(&b)
	}
	writeArgs(&b, "locals", r.Locals)
	for _, s := range r.Steps {
		s.write(&b)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Removed)) {
		fmt.Fprintf(&b, "\n# step %s is disabled: %s\n", name, r.Removed[name])
	}
	for _, o := range r.Outputs {
		fmt.Fprintf(&b, "\n# %s\noutput %s {\n", o, diag.Quote(o.Name))
		o.body(&b)
		b.WriteString("}\n")
	}
	writeArgs(&b, "expect", r.Expect)
	writeArgs(&b, "plan", r.Planned)
	if r.Compare != nil {
		fmt.Fprintf(&b, "\n# %s\ncompare {\n", r.Compare)
		r.Compare.body(&b)
		b.WriteString("}\n")
	}
	return hclwrite.Format(b.Bytes())
}

func (v *Variable) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n# %s\nvariable %s {\n", v.Pos, diag.Quote(v.Name))
	if v.Type != "any" {
		fmt.Fprintf(b, "type = %s\n", v.Type)
	}
	if v.Sensitive {
		fmt.Fprintf(b, "sensitive = true # the value is from %s\n", v.From)
	} else if v.Value != "" {
		fmt.Fprintf(b, "default = %s # %s\n", v.full, strings.TrimPrefix(v.From, "default "))
	}
	if v.Description != "" {
		fmt.Fprintf(b, "description = %s\n", diag.Quote(v.Description))
	}
	b.WriteString("}\n")
}

func writeArgs(b *bytes.Buffer, block string, args []ResolvedArg) {
	if len(args) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s {\n", block)
	for _, a := range args {
		a.write(b)
	}
	b.WriteString("}\n")
}

func (s ResolvedStep) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n# %s\n", s.ResolvedBlock)
	if s.NotNeeded {
		b.WriteString("# not needed: `when` is false\n")
	}
	if len(s.Instances) > 0 {
		fmt.Fprintf(b, "# %d instances: %s\n", len(s.Instances), shortList(s.Instances))
	}
	fmt.Fprintf(b, "step %s %s {\n", diag.Quote(s.Type), diag.Quote(s.Name))
	s.body(b)
	b.WriteString("}\n")
}

func shortList(list []ResolvedInstance) string {
	const most = 8
	var names []string
	for _, i := range list[:min(most, len(list))] {
		names = append(names, i.Name)
	}
	if len(list) > most {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}

func (r ResolvedBlock) body(b *bytes.Buffer) {
	for _, a := range r.Args {
		a.write(b)
	}
	for _, c := range r.Blocks {
		fmt.Fprintf(b, "%s {\n", c.Name)
		c.body(b)
		b.WriteString("}\n")
	}
}

func (a ResolvedArg) write(b *bytes.Buffer) {
	const most = 60
	note := a.From
	if a.Value != "" && a.Expression != "" {
		v := []rune(a.Value)
		if len(v) > most {
			v = append(v[:most-3], []rune("...")...)
		}
		note = string(v) + ", " + a.From
	}
	switch text := a.Expression; {
	case text == "":
		fmt.Fprintf(b, "%s = %s # %s\n", diag.QuoteKey(a.Name), a.Value, note)
	case strings.Contains(text, "\n"):
		fmt.Fprintf(b, "# %s\n%s = %s\n", note, diag.QuoteKey(a.Name), text)
	default:
		fmt.Fprintf(b, "%s = %s # %s\n", diag.QuoteKey(a.Name), text, note)
	}
}

// hasCalls tells whether an expression calls a function: then its value is not plain to see.
func (e *evaluator) hasCalls(x hcl.Expression) bool {
	n, ok := x.(hclsyntax.Expression)
	found := false
	if ok {
		hclsyntax.VisitAll(n, func(n hclsyntax.Node) hcl.Diagnostics {
			_, call := n.(*hclsyntax.FunctionCallExpr)
			found = found || call
			return nil
		})
	}
	return found
}

// fromJSON writes a JSON expression in native syntax. Its strings are templates, as those of the language are.
func fromJSON(text []byte) string {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return string(text)
	}
	return nativeJSON(v)
}

func nativeJSON(v any) string {
	switch v := v.(type) {
	case string:
		quoted, err := json.Marshal(v)
		if inner, ok := strings.CutPrefix(v, "${"); ok && strings.HasSuffix(inner, "}") && strings.Count(v, "${") == 1 {
			return strings.TrimSuffix(inner, "}")
		}
		if err != nil {
			return `""`
		}
		return string(quoted)
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = nativeJSON(x)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, diag.QuoteKey(k)+" = "+nativeJSON(v[k]))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	js, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(js)
}
