package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
)

// bodyName names a body in messages.
type bodyName struct {
	article string // `a step "augment"`, "a variable block"
	names   []string
	blocks  []string
	inner   map[string]string // arguments of the blocks within, and whose they are
}

func bodyNameOf(b *grammar.Block, article string) bodyName {
	p := bodyName{article: article, inner: map[string]string{}}
	for _, a := range b.Args {
		p.names = append(p.names, a.Name)
	}
	for _, c := range b.Blocks {
		p.blocks = append(p.blocks, c.Name)
		for _, a := range c.Args {
			p.inner[a.Name] = c.Name
		}
	}
	return p
}

// schema is a block of the grammar with what is needed to read bodies by it. Of many blocks of a kind it is made once.
type schema struct {
	grammar.Block
	hcl   *hcl.BodySchema
	name  bodyName
	inner map[string]*schema // of the blocks within
}

func schemaOf(b grammar.Block, article string) *schema {
	s := &schema{Block: b, hcl: b.HCL(), name: bodyNameOf(&b, article), inner: map[string]*schema{}}
	for _, c := range b.Blocks {
		s.inner[c.Name] = schemaOf(c, "the block "+c.Name)
	}
	return s
}

// knows tells whether everything in a body is as the schema says.
func knows(schema *hcl.BodySchema, body *hclsyntax.Body) bool {
	for name := range body.Attributes {
		if !slices.ContainsFunc(schema.Attributes, func(k hcl.AttributeSchema) bool { return k.Name == name }) {
			return false
		}
	}
	for _, b := range body.Blocks {
		if !slices.ContainsFunc(schema.Blocks, func(k hcl.BlockHeaderSchema) bool { return k.Type == b.Type && len(k.LabelNames) == len(b.Labels) }) {
			return false
		}
	}
	return true
}

// content splits a body by a schema. In native syntax, unknown arguments and blocks get messages of our own that suggest what was meant. In
// JSON the parser's messages stay, because a JSON body can only be read by a schema. meant are the names that misspelt ones probably stand
// for: they aren't reported as missing too.
func content(body hcl.Body, schema *hcl.BodySchema, at bodyName) (c *hcl.BodyContent, meant []string, diags hcl.Diagnostics) {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		c, diags := body.Content(schema)
		for _, d := range diags {
			if d.Summary == "Extraneous JSON object property" {
				d.Summary = "Unknown argument"
			}
		}
		return c, nil, diags
	}
	c, _, diags = body.PartialContent(schema)
	if len(diags) == 0 && knows(schema, native) {
		return c, nil, nil
	}
	labelErrors(diags, schema)
	args, meantArgs := unknownArguments(native, schema, at)
	blocks, meantBlocks := unknownBlocks(native, schema, at)
	return c, append(meantArgs, meantBlocks...), slices.Concat(diags, args, blocks)
}

// labelErrors adds to errors about labels how the block is written.
func labelErrors(diags hcl.Diagnostics, schema *hcl.BodySchema) {
	for _, d := range diags {
		for _, b := range schema.Blocks {
			if d.Summary != "Extraneous label for "+b.Type && !strings.HasSuffix(d.Summary, " for "+b.Type) {
				continue
			}
			form := b.Type
			for _, l := range b.LabelNames {
				form += " \"" + strings.ToUpper(l) + "\""
			}
			d.Summary, d.Detail = "Wrong block header", fmt.Sprintf("Write %s { ... }.", form)
		}
	}
}

func unknownArguments(body *hclsyntax.Body, schema *hcl.BodySchema, at bodyName) (diags hcl.Diagnostics, meant []string) {
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
			meant = append(meant, a.Name)
			diags = diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Block written as an argument",
				Detail:  fmt.Sprintf("%q in %s is a block: write %s { ... } without the equals sign.", a.Name, at.article, a.Name),
				Subject: &a.NameRange})
		case at.inner[a.Name] != "":
			diags = diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Argument of a block",
				Detail:  fmt.Sprintf("%q stands in the block %[2]s of %[3]s: write %[2]s { %[4]s = ... }.", a.Name, at.inner[a.Name], at.article, a.Name),
				Subject: &a.NameRange})
		case len(at.names) == 0:
			diags = diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown argument",
				Detail:  fmt.Sprintf("There are no arguments in %s.%s", at.article, homeOf(a.Name)),
				Subject: &a.NameRange})
		default:
			meant = append(meant, diag.Nearest(a.Name, at.names))
			diags = diags.Append(diag.Say(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown argument", Subject: &a.NameRange},
				"There is no argument %q in %s.%s", a.Name, at.article, diag.Suggest(a.Name, "arguments", at.names)))
		}
	}
	return diags, meant
}

// homeOf names the block in which an argument belongs that stands outside of all blocks.
func homeOf(name string) string {
	for _, b := range grammar.Blocks {
		for _, a := range b.Args {
			if a.Name == name {
				return fmt.Sprintf(" %q belongs in a %s block.", name, b.Name)
			}
		}
	}
	return " A named value belongs in a locals block."
}

func unknownBlocks(body *hclsyntax.Body, schema *hcl.BodySchema, at bodyName) (diags hcl.Diagnostics, meant []string) {
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
			meant = append(meant, b.Type)
			diags = diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Argument written as a block",
				Detail:  fmt.Sprintf("%q in %s is an argument: write %s = ... with an equals sign.", b.Type, at.article, b.Type),
				Subject: &r})
		default:
			meant = append(meant, diag.Nearest(b.Type, at.blocks))
			diags = diags.Append(diag.Say(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown block", Subject: &r},
				"There is no block %q in %s.%s", b.Type, at.article, diag.Suggest(b.Type, "blocks", at.blocks)))
		}
	}
	return diags, meant
}
