package lang

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The parsers recurse, and Go ends a process whose stack is used up: no recover catches that. What nests deeper than
// anybody writes is refused before it is parsed.
const (
	maxDepth  = 1000      // of brackets, braces and interpolations
	maxPrefix = 100_000   // `!`, `-` and `?` in a file: each may be a level of an expression
	maxFile   = 256 << 20 // bytes
)

// tooDeep refuses a text that is dangerous to parse; nil if it is fine.
func tooDeep(name string, text []byte) *hcl.Diagnostic {
	refuse := func(format string, args ...any) *hcl.Diagnostic {
		d := errorAt(hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}, "File is too complex", format, args...)
		return d
	}
	if len(text) > maxFile {
		return refuse("%s has %d MiB; a pipeline file has at most %d.", name, len(text)>>20, maxFile>>20)
	}
	opening := 0
	for _, c := range []byte("([{!-?") {
		opening += bytes.Count(text, []byte{c})
	}
	if opening <= maxDepth { // the usual case, at no cost
		return nil
	}
	if isJSON(name) {
		if depth := jsonDepth(text); depth > maxDepth {
			return refuse("Arrays and objects are nested %d deep; %d is the limit.", depth, maxDepth)
		}
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	depth, prefixes := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			if depth++; depth > maxDepth {
				r := t.Range
				return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "File is too complex", Subject: &r,
					Detail: fmt.Sprintf("Brackets are nested more than %d deep here.", maxDepth)}
			}
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd:
			depth = max(0, depth-1)
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
			prefixes++
		}
	}
	if prefixes > maxPrefix {
		return refuse("%d operators in one file; %d is the limit.", prefixes, maxPrefix)
	}
	return nil
}

func jsonDepth(text []byte) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}
