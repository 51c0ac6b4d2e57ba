package lsp

import (
	"fmt"
	"strings"

	"rein/pipelines/lang"
)

// completionKinds maps lang's kinds to the protocol's numbers.
var completionKinds = map[string]int{"block": 14, "argument": 10, "type": 7, "variable": 6, "local": 6, "step": 9, "port": 5,
	"function": 3, "metric": 20, "file": 17, "folder": 19, "value": 12}

// maxItems is how many completions are sent; the client asks again when more has been written.
const maxItems = 500

func (s *server) complete(snap *snapshot, file string, offset int) (any, error) {
	t := snap.text(file)
	var c lang.Completion
	snap.ask(file, func(p *lang.Program) { c = p.Complete(file, t.bytes, offset) })
	out := completionList{Items: []completionItem{}}
	if out.IsIncomplete = len(c.Items) > maxItems; out.IsIncomplete {
		c.Items = c.Items[:maxItems]
	}
	rest := restOfLine(t, offset)
	at := t.span(c.Start, offset)
	for i, x := range c.Items {
		item := completionItem{Label: x.Text, Kind: completionKinds[x.Kind], Detail: x.Detail, SortText: fmt.Sprintf("%04d", i), FilterText: x.Text,
			TextEdit: textEdit{Range: at, NewText: x.Text}}
		if x.Doc != "" {
			item.Documentation = markdown(x.Doc)
		}
		switch {
		case x.Kind == "argument" && rest == "":
			item.TextEdit.NewText += " = "
		case x.Kind == "block" && rest == "" && s.client.TextDocument.Completion.CompletionItem.SnippetSupport:
			item.InsertTextFormat, item.TextEdit.NewText = 2, blockSnippet(x)
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// blockSnippet is a block with places to fill in: its labels, then its body.
func blockSnippet(x lang.Candidate) string {
	var b strings.Builder
	b.WriteString(x.Text)
	for i, l := range x.Labels {
		fmt.Fprintf(&b, " \"${%d:%s}\"", i+1, l)
	}
	b.WriteString(" {\n  $0\n}")
	return b.String()
}

func restOfLine(t *text, offset int) string {
	rest := t.bytes[offset:]
	for i, c := range rest {
		if c == '\n' || c == '\r' {
			rest = rest[:i]
			break
		}
	}
	return strings.TrimSpace(string(rest))
}
