package lang

import (
	"bytes"
	"fmt"
	"path/filepath"

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
	out := hclwrite.Format(unixLines(text))
	out = append(bytes.TrimRight(out, " \t\r\n"), '\n')
	if len(out) == 1 {
		out = nil // an empty file stays empty
	}
	if bytes.Equal(out, text) {
		return text, diags
	}
	if _, diags := hclsyntax.ParseConfig(out, name, hcl.InitialPos); diags.HasErrors() {
		return text, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot format",
			Detail: fmt.Sprintf("%s: the formatter would have broken this file; it is left as it is.", name)}}
	}
	if first := bytes.IndexByte(text, '\n'); first > 0 && text[first-1] == '\r' { // a checkout for Windows stays one
		out = bytes.ReplaceAll(out, []byte("\n"), []byte("\r\n"))
	}
	return out, diags
}

// unixLines is a text with line ends as they count: a strategy says the same in a checkout for Windows, in its heredocs, too.
func unixLines(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }

// IsPipelineFile tells by its name whether a file belongs to pipelines: for walking folders.
func IsPipelineFile(name string) bool { return isPipelineFile(filepath.Base(name)) }
