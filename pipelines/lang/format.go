package lang

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format gives a pipeline file its canonical layout; comments stay. A file with a syntax error is not touched, and
// neither is JSON, whose layout is no concern of ours.
func Format(name string, text []byte) ([]byte, hcl.Diagnostics) {
	if isJSON(name) {
		_, diags := parse(name, text)
		return text, diags
	}
	_, diags := parse(name, text)
	if diags.HasErrors() {
		return text, diags
	}
	out := hclwrite.Format(text)
	if !hasHeredoc(name, out) { // where line ends are part of a value they stay
		out = bytes.ReplaceAll(out, []byte("\r\n"), []byte("\n"))
	}
	out = append(bytes.TrimRight(out, " \t\r\n"), '\n')
	if len(out) == 1 {
		out = nil // an empty file stays empty
	}
	if _, diags := hclsyntax.ParseConfig(out, name, hcl.InitialPos); diags.HasErrors() {
		return text, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot format",
			Detail: fmt.Sprintf("%s: the formatter would have broken this file; it is left as it is.", name)}}
	}
	return out, diags
}

func hasHeredoc(name string, text []byte) bool {
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	return slices.ContainsFunc(tokens, func(t hclsyntax.Token) bool { return t.Type == hclsyntax.TokenOHeredoc })
}

// IsPipelineFile tells by its name whether a file belongs to pipelines: for walking folders.
func IsPipelineFile(name string) bool { return isPipelineFile(filepath.Base(name)) }
