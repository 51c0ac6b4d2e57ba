package lang

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// This file reads the text before a cursor.

// writing describes where the cursor stands, as far as the text before it shows.
type writing struct {
	blocks   []openBlock // that are open, outermost first
	label    int         // index of the label that is being written in a header; -1: none
	header   openBlock   // of the label
	argument string      // whose value is being written; "" for a name
	word     string      // before the cursor
	quoted   bool        // within a string
	text     string      // of that string, as far as the cursor
	call     string      // the function whose arguments are being written
	comment  bool        // within a comment
	named    bool        // behind the name of a block or an argument
}

// openBlock is the type and labels of a block that is being written.
type openBlock struct {
	typ    string
	labels []string
}

var lastWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[\pL_][\pL\pN_.\-\[\]"*]*$`) })

// writingAt reads the tokens before the cursor. A parser would fail on a text that ends there.
func writingAt(file string, text []byte) writing {
	w := writing{label: -1, word: wordBefore(text)}
	tokens, _ := hclsyntax.LexConfig(text, file, hcl.InitialPos)
	type level struct {
		body bool
		call string
	}
	var stack []level
	last := hclsyntax.Token{}
	var item hclsyntax.Tokens // of the argument or header that is being written
	inBody := func() bool { return len(stack) == 0 || stack[len(stack)-1].body }
	hasEquals := func() bool {
		return slices.ContainsFunc(item, func(t hclsyntax.Token) bool { return t.Type == hclsyntax.TokenEqual })
	}
	pop := func() {
		if len(stack) == 0 {
			return
		}
		if stack[len(stack)-1].body {
			w.blocks, item = w.blocks[:len(w.blocks)-1], nil
		}
		stack = stack[:len(stack)-1]
	}
	for _, t := range tokens {
		if t.Type != hclsyntax.TokenEOF {
			w.reach(t)
		}
		before := last
		last = t
		switch t.Type {
		case hclsyntax.TokenEOF:
		case hclsyntax.TokenComment:
			if inBody() && strings.HasSuffix(string(t.Bytes), "\n") {
				item = nil
			}
		case hclsyntax.TokenNewline:
			if inBody() {
				item = nil
			}
		case hclsyntax.TokenOBrace:
			if inBody() && len(item) > 0 && !hasEquals() {
				w.blocks = append(w.blocks, headerOf(item))
				stack, item = append(stack, level{body: true}), nil
				continue
			}
			stack = append(stack, level{})
		case hclsyntax.TokenOParen:
			name := ""
			if before.Type == hclsyntax.TokenIdent {
				name = string(before.Bytes)
			}
			stack = append(stack, level{call: name})
		case hclsyntax.TokenOBrack, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			stack = append(stack, level{})
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd:
			pop()
		default:
			if inBody() {
				item = append(item, t)
			}
		}
	}
	if len(stack) > 0 {
		w.call = stack[len(stack)-1].call
	}
	switch {
	case len(item) > 0 && hasEquals():
		w.argument = string(item[0].Bytes)
	case len(item) > 1:
		w.header = headerOf(item)
		w.label = len(w.header.labels) - 1
		if quotes := countQuotes(item); quotes%2 == 1 { // the label isn't closed
			w.word = w.header.labels[w.label]
		}
	case len(item) == 1 && w.word == "":
		w.named = true
	}
	return w
}

// reach records where the cursor would be if the token were the last one.
func (w *writing) reach(t hclsyntax.Token) {
	w.quoted = t.Type == hclsyntax.TokenOQuote || t.Type == hclsyntax.TokenQuotedLit
	w.text = ""
	if t.Type == hclsyntax.TokenQuotedLit {
		w.text = string(t.Bytes)
	}
	text := string(t.Bytes)
	w.comment = t.Type == hclsyntax.TokenComment && !strings.HasSuffix(text, "\n") && (!strings.HasPrefix(text, "/*") || !strings.HasSuffix(text, "*/"))
}

// wordBefore is what is being written, without an index that it stands in: "var.k" in `step.parts[var.k`.
func wordBefore(text []byte) string {
	word := string(lastWord().Find(text))
	depth := 0
	for i := len(word) - 1; i >= 0; i-- {
		switch word[i] {
		case ']':
			depth++
		case '[':
			if depth--; depth < 0 && !strings.Contains(word[i:], "\"") {
				return wordBefore([]byte(word[i+1:]))
			}
		}
	}
	return word
}

func countQuotes(tokens hclsyntax.Tokens) int {
	n := 0
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenOQuote || t.Type == hclsyntax.TokenCQuote {
			n++
		}
	}
	return n
}

func headerOf(tokens hclsyntax.Tokens) openBlock {
	h := openBlock{typ: string(tokens[0].Bytes)}
	for _, t := range tokens[1:] {
		switch t.Type {
		case hclsyntax.TokenOQuote:
			h.labels = append(h.labels, "")
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
			if len(h.labels) > 0 {
				h.labels[len(h.labels)-1] = string(t.Bytes)
			}
		}
	}
	if len(h.labels) == 0 {
		h.labels = []string{""}
	}
	return h
}
