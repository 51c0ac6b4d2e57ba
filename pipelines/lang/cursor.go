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
	blocks   []openBlock         // that are open, outermost first
	label    int                 // index of the label that is being written in a header; -1: none
	header   openBlock           // of the label
	argument string              // whose value is being written; "" for a name
	path     []nested            // what is open within that value, outermost first
	key      bool                // the name of an entry of an object is being written
	operator hclsyntax.TokenType // the last one before the cursor in what is being written; TokenNil: none
	word     string              // before the cursor
	quoted   bool                // within a string
	text     string              // of that string, as far as the cursor
	comment  bool                // within a comment
	ended    bool                // behind a name or a value: neither can follow it
}

// openBlock is the type and labels of a block that is being written.
type openBlock struct {
	typ    string
	labels []string
}

// nested is a bracket in a value that is open at the cursor, and what is being written in it.
type nested struct {
	open  hclsyntax.TokenType // TokenNil: an index, or a "for"
	name  string              // of the entry of an object, or of the function that is called
	index int                 // of the element or the argument
}

var lastWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[\pL_][\pL\pN_.\-\[\]"*]*$`) })

// level is a bracket that is open while the text is read: a block's body, or something within a value.
type level struct {
	nested
	body bool
	item hclsyntax.Tokens // since the last separator
}

// assigned tells whether what follows in the item is a value, not a name.
func (l *level) assigned() bool {
	return slices.ContainsFunc(l.item, func(t hclsyntax.Token) bool {
		return t.Type == hclsyntax.TokenEqual || t.Type == hclsyntax.TokenColon && l.open == hclsyntax.TokenOBrace
	})
}

// separate ends an item.
func (l *level) separate() { l.item, l.index = nil, l.index+1 }

// enter is what a bracket opens behind the level's item.
func (l *level) enter(t hclsyntax.Token) level {
	in := level{nested: nested{open: t.Type}}
	if len(l.item) == 0 {
		return in
	}
	switch last := l.item[len(l.item)-1]; {
	case t.Type == hclsyntax.TokenOParen && last.Type == hclsyntax.TokenIdent:
		in.name = string(last.Bytes)
	case t.Type == hclsyntax.TokenOBrack && endsValue(last):
		in.open = hclsyntax.TokenNil
	}
	return in
}

// add takes the next token of the item. A "for" turns what stands between brackets into something else than entries and elements.
func (l *level) add(t hclsyntax.Token) {
	if len(l.item) == 0 && !l.body && t.Type == hclsyntax.TokenIdent && string(t.Bytes) == "for" {
		l.open = hclsyntax.TokenNil
	}
	l.item = append(l.item, t)
}

// endsValue tells whether a token may be the last one of a value, so that no other value follows it.
func endsValue(t hclsyntax.Token) bool {
	switch t.Type {
	case hclsyntax.TokenIdent:
		return !slices.Contains([]string{"for", "in", "if"}, string(t.Bytes))
	case hclsyntax.TokenNumberLit, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCBrace:
		return true
	}
	return false
}

// writingAt reads the tokens before the cursor. A parser would fail on a text that ends there.
func writingAt(file string, text []byte) writing {
	w := writing{label: -1, word: wordBefore(text)}
	tokens, _ := hclsyntax.LexConfig(text, file, hcl.InitialPos)
	stack := []level{{body: true}}
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenEOF {
			break
		}
		w.reach(t)
		top := &stack[len(stack)-1]
		lines := top.body || top.open == hclsyntax.TokenOBrace // each of which is an item
		switch t.Type {
		case hclsyntax.TokenComment:
			if lines && strings.HasSuffix(string(t.Bytes), "\n") {
				top.separate()
			}
		case hclsyntax.TokenNewline:
			if lines {
				top.separate()
			}
		case hclsyntax.TokenComma:
			top.separate()
		case hclsyntax.TokenOBrace:
			if top.body && len(top.item) > 0 && !top.assigned() {
				w.blocks = append(w.blocks, headerOf(top.item))
				stack = append(stack, level{body: true})
				continue
			}
			stack = append(stack, top.enter(t))
		case hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			stack = append(stack, top.enter(t))
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd:
			if len(stack) == 1 {
				continue
			}
			stack = stack[:len(stack)-1]
			if top.body {
				w.blocks = w.blocks[:len(w.blocks)-1]
				stack[len(stack)-1].separate()
				continue
			}
			stack[len(stack)-1].add(t)
		default:
			top.add(t)
		}
	}
	w.within(stack)
	return w
}

// within reads what is being written from the brackets that are open.
func (w *writing) within(stack []level) {
	body := len(stack) - 1
	for !stack[body].body {
		body--
	}
	inner := stack[body+1:]
	for i := range inner {
		l := &inner[i]
		if l.open == hclsyntax.TokenOBrace && l.assigned() {
			l.name = headerOf(l.item).typ
		}
		w.path = append(w.path, l.nested)
	}
	item := stack[body].item
	switch {
	case len(item) > 0 && stack[body].assigned():
		w.argument = string(item[0].Bytes)
		w.value(&stack[len(stack)-1])
	case len(item) > 1:
		w.header = headerOf(item)
		w.label = len(w.header.labels) - 1
		if quotes := countQuotes(item); quotes%2 == 1 { // the label isn't closed
			w.word = w.header.labels[w.label]
		}
	case len(item) == 1 && w.word == "":
		w.ended = true
	}
}

// value reads the part of a value that is being written, which is in the innermost bracket.
func (w *writing) value(l *level) {
	w.key = l.open == hclsyntax.TokenOBrace && !l.assigned()
	for _, t := range l.item {
		switch t.Type {
		case hclsyntax.TokenQuestion, hclsyntax.TokenColon:
			w.operator = hclsyntax.TokenNil
		case hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent,
			hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
			hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenBang:
			w.operator = t.Type
		}
	}
	if len(l.item) == 0 || w.quoted {
		return
	}
	switch last := l.item[len(l.item)-1]; {
	case last.Type == hclsyntax.TokenOHeredoc || last.Type == hclsyntax.TokenStringLit: // any text
		w.ended = true
	case w.word == "":
		w.ended = endsValue(last) || last.Type == hclsyntax.TokenDot
	}
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

// headerOf reads a name, which may be in quotes, and the labels behind it.
func headerOf(tokens hclsyntax.Tokens) openBlock {
	if tokens[0].Type == hclsyntax.TokenOQuote && len(tokens) > 1 {
		tokens = tokens[1:]
	}
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
