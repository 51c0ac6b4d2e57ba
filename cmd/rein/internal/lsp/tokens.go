package lsp

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// tokenTypes are the kinds of semantic tokens, in the order of the legend.
var tokenTypes = []string{"keyword", "type", "variable", "property", "function", "string", "number", "comment", "operator", "namespace", "class"}

// tokenModifiers are, in the order of their bits.
var tokenModifiers = []string{"declaration"}

// token is a coloured piece of text.
type token struct {
	from, to int // bytes
	kind     string
	declared bool
}

func (s *server) semanticTokens(snap *snapshot, file string) (any, error) {
	t := snap.text(file)
	body := snap.body(file)
	if body == nil {
		return semanticTokens{Data: []int{}}, nil
	}
	list := append(named(body), lexed(file, t.bytes)...)
	slices.SortStableFunc(list, func(a, b token) int { return a.from - b.from }) // of two tokens at the same place, the named one is first
	return semanticTokens{encode(t, list)}, nil
}

// named are the tokens whose meaning only the syntax tree shows.
func named(body *hclsyntax.Body) []token {
	var out []token
	add := func(r hcl.Range, kind string, declared bool) {
		out = append(out, token{r.Start.Byte, r.End.Byte, kind, declared})
	}
	_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.Block:
			add(n.TypeRange, "keyword", false)
			for i, r := range n.LabelRanges {
				if i < len(n.LabelRanges)-1 {
					add(r, "type", false)
				} else {
					add(r, labelKind(n.Type), true)
				}
			}
		case *hclsyntax.Attribute:
			add(n.NameRange, "property", false)
		case *hclsyntax.FunctionCallExpr:
			add(n.NameRange, "function", false)
		case *hclsyntax.ScopeTraversalExpr:
			for i, step := range n.Traversal {
				r := step.SourceRange()
				switch step := step.(type) {
				case hcl.TraverseRoot:
					add(r, "namespace", false)
				case hcl.TraverseAttr:
					r.Start.Byte = r.End.Byte - len(step.Name) // without the dot
					if i == 1 {
						add(r, labelKind(n.Traversal.RootName()), false)
					} else {
						add(r, "property", false)
					}
				}
			}
		}
		return nil
	})
	return out
}

// labelKind is what a block's name, or that of a reference, names.
func labelKind(block string) string {
	if block == "step" {
		return "class"
	}
	return "variable"
}

// lexed are the tokens whose meaning the lexer shows.
func lexed(file string, text []byte) []token {
	var out []token
	tokens, _ := hclsyntax.LexConfig(text, file, hcl.InitialPos)
	for _, t := range tokens {
		kind := ""
		switch t.Type {
		case hclsyntax.TokenComment:
			kind = "comment"
		case hclsyntax.TokenNumberLit:
			kind = "number"
		case hclsyntax.TokenOQuote, hclsyntax.TokenQuotedLit, hclsyntax.TokenCQuote, hclsyntax.TokenStringLit, hclsyntax.TokenOHeredoc, hclsyntax.TokenCHeredoc:
			kind = "string"
		case hclsyntax.TokenIdent:
			if slices.Contains([]string{"true", "false", "null", "for", "in", "if"}, string(t.Bytes)) {
				kind = "keyword"
			}
		case hclsyntax.TokenQuestion, hclsyntax.TokenColon, hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenStar, hclsyntax.TokenSlash,
			hclsyntax.TokenPercent, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenBang, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual,
			hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenFatArrow:
			kind = "operator"
		}
		if kind != "" {
			out = append(out, token{t.Range.Start.Byte, t.Range.End.Byte, kind, false})
		}
	}
	return out
}

// encode writes sorted tokens in the protocol's form: each relative to the one before, none across the end of a line, none within another.
func encode(t *text, list []token) []int {
	data := []int{}
	var last position
	done := 0
	for _, x := range list {
		if x.from < done {
			continue
		}
		for from := x.from; from < x.to; {
			line := t.position(from).Line
			end := x.to
			if line+1 < len(t.lines) {
				end = min(end, t.lines[line+1])
			}
			start, stop := t.position(from), t.position(contentEnd(t.bytes, from, end))
			if length := stop.Character - start.Character; length > 0 {
				delta := start.Character
				if start.Line == last.Line {
					delta -= last.Character
				}
				modifiers := 0
				if x.declared {
					modifiers = 1
				}
				data = append(data, start.Line-last.Line, delta, length, slices.Index(tokenTypes, x.kind), modifiers)
				last = start
			}
			from = end
		}
		done = x.to
	}
	return data
}

// contentEnd is the offset before a line end that precedes a byte.
func contentEnd(b []byte, from, end int) int {
	for end > from && (b[end-1] == '\n' || b[end-1] == '\r') {
		end--
	}
	return end
}
