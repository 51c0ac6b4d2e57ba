package suite

import (
	"bytes"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"rein/pipelines/lang"
)

// load loads the test's pipeline with its variables, and with those of the edit over them if edited.
//
// The variables are given to the loader as a file of variables: the test file itself with everything else blanked out, so that
// paths are relative to it, and what is wrong with a value is shown in its own line.
func (r *Run) load(text []byte, o lang.Options, edited bool) (*lang.Program, hcl.Diagnostics) {
	attrs := map[string]*hclsyntax.Attribute{}
	if r.variables != nil {
		maps.Copy(attrs, r.variables.Attributes)
	}
	if edited && r.edit != nil {
		maps.Copy(attrs, r.edit.Attributes)
	}
	if len(attrs) > 0 {
		o.Overlay = map[string][]byte{r.File: only(text, attrs)}
		o.VarFiles = []string{r.File}
	}
	return lang.Load([]string{r.Pipeline}, o)
}

// only is a file's text with everything blanked out but some attributes, each in its place.
func only(text []byte, attrs map[string]*hclsyntax.Attribute) []byte {
	out := bytes.Repeat([]byte(" "), len(text))
	for i, c := range text {
		if c == '\n' {
			out[i] = c
		}
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		at := attrs[name].SrcRange
		copy(out[at.Start.Byte:at.End.Byte], text[at.Start.Byte:at.End.Byte])
	}
	return out
}
