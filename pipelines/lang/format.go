package lang

import (
	"bytes"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format gives a pipeline file its canonical layout and keeps comments. It doesn't touch a file with a syntax error, or JSON.
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
	if first := bytes.IndexByte(text, '\n'); first > 0 && text[first-1] == '\r' { // a file with Windows line ends keeps them
		out = bytes.ReplaceAll(out, []byte("\n"), []byte("\r\n"))
	}
	return out, diags
}

// unixLines is a text with Unix line ends, so that heredocs mean the same in a checkout on Windows.
func unixLines(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }

// IsPipelineFile tells by a file's name whether it is a pipeline file. It is for programs that walk folders.
func IsPipelineFile(name string) bool { return isPipelineFile(filepath.Base(name)) }
