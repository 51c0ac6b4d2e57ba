package lang

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// place names a body in messages.
type place struct {
	article string // `a step "augment"`, "a variable block"
	names   []string
	blocks  []string
}

func placeOf(b *blockSchema, article string) place {
	p := place{article: article}
	for _, a := range b.args {
		p.names = append(p.names, a.name)
	}
	for _, c := range b.blocks {
		p.blocks = append(p.blocks, c.name)
	}
	return p
}

// content splits a body by a schema. For native syntax unknown arguments and blocks get messages of our own, which
// suggest what was meant; JSON has no way to look at a body without a schema, so the parser's stay.
func content(body hcl.Body, schema *hcl.BodySchema, at place) (*hcl.BodyContent, hcl.Diagnostics) {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		return body.Content(schema)
	}
	c, _, diags := body.PartialContent(schema)
	diags = append(diags, unknownArguments(native, schema, at)...)
	diags = append(diags, unknownBlocks(native, schema, at)...)
	return c, diags
}

func unknownArguments(body *hclsyntax.Body, schema *hcl.BodySchema, at place) hcl.Diagnostics {
	var diags hcl.Diagnostics
	known := map[string]bool{}
	for _, a := range schema.Attributes {
		known[a.Name] = true
	}
	isBlock := map[string]bool{}
	for _, b := range schema.Blocks {
		isBlock[b.Type] = true
	}
	for _, a := range sortedAttributes(body) {
		switch {
		case known[a.Name]:
		case isBlock[a.Name]:
			diags = diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Block written as an argument",
				Detail:  fmt.Sprintf("%q in %s is a block: write %s { ... } without the equals sign.", a.Name, at.article, a.Name),
				Subject: &a.NameRange})
		default:
			diags = diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown argument",
				Detail:  fmt.Sprintf("There is no argument %q in %s.%s", a.Name, at.article, suggest(a.Name, "arguments", at.names)),
				Subject: &a.NameRange})
		}
	}
	return diags
}

func unknownBlocks(body *hclsyntax.Body, schema *hcl.BodySchema, at place) hcl.Diagnostics {
	var diags hcl.Diagnostics
	known, isArgument := map[string]bool{}, map[string]bool{}
	for _, b := range schema.Blocks {
		known[b.Type] = true
	}
	for _, a := range schema.Attributes {
		isArgument[a.Name] = true
	}
	for _, b := range body.Blocks {
		r := b.TypeRange
		switch {
		case known[b.Type]:
		case isArgument[b.Type]:
			diags = diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Argument written as a block",
				Detail:  fmt.Sprintf("%q in %s is an argument: write %s = ... with an equals sign.", b.Type, at.article, b.Type),
				Subject: &r})
		default:
			diags = diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown block",
				Detail:  fmt.Sprintf("There is no block %q in %s.%s", b.Type, at.article, suggest(b.Type, "blocks", at.blocks)),
				Subject: &r})
		}
	}
	return diags
}
