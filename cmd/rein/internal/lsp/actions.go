package lsp

import (
	"fmt"
	"slices"
	"strings"

	"rein/pipelines/lang/diag"
)

// codeActions offers the changes that diagnostics suggest.
func (s *server) codeActions(snap *snapshot, file string, p *codeActionParams) (any, error) {
	out := []codeAction{}
	if p.Context.Only != nil && !slices.ContainsFunc(p.Context.Only, func(k string) bool { return k == "" || k == "quickfix" || strings.HasPrefix(k, "quickfix.") }) {
		return out, nil
	}
	loaded := snap.program(file)
	for _, d := range diag.Describe(loaded.p.Sources, loaded.diags) {
		name, x := snap.diagnostic(d)
		if d.Fix == nil || name != file || before(x.Range.End, p.Range.Start) || before(p.Range.End, x.Range.Start) {
			continue
		}
		old := snap.text(file).bytes[d.Fix.Range.Start.Byte:d.Fix.Range.End.Byte]
		out = append(out, codeAction{Title: fmt.Sprintf("Change %s to %s", old, d.Fix.Text), Kind: "quickfix", Diagnostics: []diagnostic{x},
			IsPreferred: true, Edit: s.edit(snap, []diag.Edit{*d.Fix})})
	}
	return out, nil
}

func before(a, b position) bool {
	return a.Line < b.Line || a.Line == b.Line && a.Character < b.Character
}
