package lang

import (
	"bytes"
	"regexp"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The parsers and the evaluator recurse, and Go ends a process whose stack is used up; no recover catches that. So a text that is nested
// deeper than anybody would write is refused before it is parsed.
const (
	maxDepth     = 1000     // of brackets, interpolations and template directives
	maxOperators = 100_000  // in one expression: each may add a level of nesting
	maxFile      = 64 << 20 // bytes
)

// noText refuses what can't be a pipeline file's text; nil if it can.
func noText(name string, text []byte) *hcl.Diagnostic {
	if len(text) > maxFile {
		return errorAt(hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}, "File is too complex",
			"%s has more than %d MiB, which is the most that a pipeline file can have.", name, maxFile>>20)
	}
	if at := bytes.IndexByte(text, 0); at >= 0 {
		before := text[:at]
		pos := hcl.Pos{Line: 1 + bytes.Count(before, []byte("\n")), Column: at - bytes.LastIndexByte(before, '\n'), Byte: at}
		return errorAt(hcl.Range{Filename: name, Start: pos, End: pos}, "Not a text file", "%s holds a NUL byte here: it is no pipeline file, or not UTF-8.", name)
	}
	return nil
}

// tooDeep refuses a text that is dangerous to parse; nil if it is fine. For almost every text, one scan of its bytes is enough. Only one
// that seems deep is split into tokens, since brackets within strings don't nest.
func tooDeep(name string, text []byte) *hcl.Diagnostic {
	if seemsShallow(text) {
		return nil
	}
	if isJSON(name) {
		return tooDeepIn(jsonTokens(name, text))
	}
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	return tooDeepIn(tokens)
}

var directive = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`%\{~?\s*(if|for)\b`) })

// seemsShallow looks at bytes alone.
func seemsShallow(text []byte) bool {
	depth, operators, directives := 0, 0, 0
	for i, c := range text {
		switch c {
		case '(', '[', '{':
			if depth++; depth > maxDepth {
				return false
			}
			operators++
			if c == '{' && i > 0 && text[i-1] == '%' {
				directives++
			}
		case ')', ']', '}':
			depth = max(0, depth-1)
		case '!', '-', '?', '+', '*', '/', '%', '<', '>', '=', '&', '|':
			operators++
		}
	}
	return operators <= maxOperators && (directives <= maxDepth || len(directive().FindAll(text, maxDepth+1)) <= maxDepth)
}

// tooDeepIn follows the nesting of an HCL file's tokens.
func tooDeepIn(tokens hclsyntax.Tokens) *hcl.Diagnostic {
	refuse := func(t hclsyntax.Token, format string, args ...any) *hcl.Diagnostic {
		return errorAt(t.Range, "File is too complex", format, args...)
	}
	var open []hclsyntax.TokenType
	directives, operators := 0, 0
	for i, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			open = append(open, t.Type)
			operators++
			if t.Type == hclsyntax.TokenTemplateControl && i+1 < len(tokens) {
				switch string(tokens[i+1].Bytes) {
				case "if", "for":
					directives++
				case "endif", "endfor":
					directives = max(0, directives-1)
				}
			}
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd:
			open = open[:max(0, len(open)-1)]
		case hclsyntax.TokenNewline:
			if !slices.ContainsFunc(open, func(o hclsyntax.TokenType) bool { return o != hclsyntax.TokenOBrace }) {
				operators = 0 // another argument, or another element of an object
			}
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion, hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash,
			hclsyntax.TokenPercent, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual,
			hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq:
			operators++
		}
		switch {
		case len(open)+directives > maxDepth:
			return refuse(t, "Brackets and directives are nested more than %d deep here.", maxDepth)
		case operators > maxOperators:
			return refuse(t, "There are more than %d operators and brackets in this expression.", maxOperators)
		}
	}
	return nil
}

var jsonBrackets = map[byte]hclsyntax.TokenType{'[': hclsyntax.TokenOBrack, '{': hclsyntax.TokenOBrace, ']': hclsyntax.TokenCBrack, '}': hclsyntax.TokenCBrace,
	',': hclsyntax.TokenNewline}

// jsonTokens are the tokens of a JSON file that can nest: its brackets, and those of the templates in its strings.
func jsonTokens(name string, text []byte) hclsyntax.Tokens {
	var out hclsyntax.Tokens
	at := hcl.InitialPos
	for i := 0; i < len(text); i++ {
		if at.Byte = i; text[i] == '\n' {
			at.Line++
		}
		if typ, ok := jsonBrackets[text[i]]; ok {
			out = append(out, hclsyntax.Token{Type: typ, Range: hcl.Range{Filename: name, Start: at, End: at}})
		}
		if text[i] != '"' {
			continue
		}
		from := i + 1
		for i++; i < len(text) && text[i] != '"'; i++ {
			if text[i] == '\\' {
				i++
			}
		}
		inside := text[from:min(i, len(text))]
		if bytes.Contains(inside, []byte("${")) || bytes.Contains(inside, []byte("%{")) {
			tokens, _ := hclsyntax.LexTemplate(bytes.ReplaceAll(inside, []byte(`\"`), []byte(`"`)), name, at)
			out = append(out, tokens...)
		}
	}
	return out
}
