package lsp

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"rein/pipelines/lang"
)

// This file answers requests for which the text is enough: a file's symbols, folding, formatting.

// body is a file's blocks; nil for JSON.
func (s *snapshot) body(file string) *hclsyntax.Body {
	f := lang.Parse(file, s.text(file).bytes, s.options.Parsed)
	body, _ := f.Body.(*hclsyntax.Body)
	return body
}

func (s *server) documentSymbols(snap *snapshot, file string) (any, error) {
	out := []documentSymbol{}
	body := snap.body(file)
	if body == nil {
		return out, nil
	}
	t := snap.text(file)
	for _, b := range body.Blocks {
		whole := t.span(b.Range().Start.Byte, b.Body.SrcRange.End.Byte)
		x := documentSymbol{Name: b.Type, Kind: symbolKinds["block"], Range: whole, SelectionRange: t.span(b.TypeRange.Start.Byte, b.TypeRange.End.Byte)}
		if n := len(b.Labels); n > 0 && b.Labels[n-1] != "" {
			r := b.LabelRanges[n-1]
			x.Name, x.Detail, x.SelectionRange = b.Labels[n-1], strings.Join(append([]string{b.Type}, b.Labels[:n-1]...), " "), t.span(r.Start.Byte, r.End.Byte)
			if kind := symbolKinds[b.Type]; kind != 0 {
				x.Kind = kind
			}
		} else if slices.Contains([]string{"locals", "set", "expect", "plan"}, b.Type) {
			x.Children = argumentSymbols(t, b.Body, b.Type)
		}
		out = append(out, x)
	}
	return out, nil
}

func argumentSymbols(t *text, body *hclsyntax.Body, block string) []documentSymbol {
	kind := symbolKinds["variable"]
	if block == "locals" {
		kind = symbolKinds["local"]
	}
	var out []documentSymbol
	for _, a := range body.Attributes {
		out = append(out, documentSymbol{Name: a.Name, Kind: kind, Range: t.span(a.SrcRange.Start.Byte, a.SrcRange.End.Byte),
			SelectionRange: t.span(a.NameRange.Start.Byte, a.NameRange.End.Byte)})
	}
	slices.SortFunc(out, func(a, b documentSymbol) int { return a.Range.Start.Line - b.Range.Start.Line })
	return out
}

func (s *server) format(snap *snapshot, file string) (any, error) {
	t := snap.text(file)
	out, diags := lang.Format(file, t.bytes)
	if diags.HasErrors() {
		return nil, nil // it has a mistake, which the diagnostics show
	}
	return lineEdits(t, out), nil
}

// lineEdits replaces the lines from the first to the last that differs, so the cursor stays where it is.
func lineEdits(t *text, to []byte) []textEdit {
	from := t.bytes
	if bytes.Equal(from, to) {
		return []textEdit{}
	}
	old, new := bytes.SplitAfter(from, []byte("\n")), bytes.SplitAfter(to, []byte("\n"))
	head := 0
	for len(old) > 0 && len(new) > 0 && bytes.Equal(old[0], new[0]) {
		head += len(old[0])
		old, new = old[1:], new[1:]
	}
	tail := 0
	for len(old) > 0 && len(new) > 0 && bytes.Equal(old[len(old)-1], new[len(new)-1]) {
		tail += len(old[len(old)-1])
		old, new = old[:len(old)-1], new[:len(new)-1]
	}
	return []textEdit{{t.span(head, len(from)-tail), string(to[head : len(to)-tail])}}
}

// fold lists what can be folded: blocks, values over several lines, runs of comments.
func (s *server) fold(snap *snapshot, file string) (any, error) {
	out := []foldingRange{}
	body := snap.body(file)
	if body == nil {
		return out, nil
	}
	t := snap.text(file)
	add := func(from, to int, kind string) {
		if a, b := t.position(from).Line, t.position(to).Line; b > a {
			out = append(out, foldingRange{a, b, kind})
		}
	}
	_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.Block:
			add(n.OpenBraceRange.Start.Byte, n.CloseBraceRange.Start.Byte, "")
		case *hclsyntax.ObjectConsExpr, *hclsyntax.TupleConsExpr:
			add(n.Range().Start.Byte, n.Range().End.Byte, "")
		}
		return nil
	})
	tokens, _ := hclsyntax.LexConfig(t.bytes, file, hcl.InitialPos)
	for i := 0; i < len(tokens); i++ {
		from := i
		for i < len(tokens) && tokens[i].Type == hclsyntax.TokenComment {
			i++
		}
		if i > from {
			last := tokens[i-1].Range
			add(tokens[from].Range.Start.Byte, last.Start.Byte+len(bytes.TrimRight(tokens[i-1].Bytes, "\r\n")), "comment")
		}
	}
	slices.SortStableFunc(out, func(a, b foldingRange) int { return a.StartLine - b.StartLine })
	return out, nil
}
