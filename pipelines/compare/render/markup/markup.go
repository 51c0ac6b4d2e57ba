// Package markup is what compiled templates write with: text into markup, escaped for the place where it stands. Templates are compiled by
// package ahead, which takes each place's escaping from html/template. They aren't executed by html/template itself, because that calls methods
// by their names: Go's linker then has to keep every method of every type, which made the program 7 MB bigger.
package markup

import (
	"fmt"
	"strings"
)

// HTML, CSS and JS are code: parts of a page that were drawn already, its style sheet and its script. Templates write them with raw, css and js.
type (
	HTML string
	CSS  string
	JS   string
)

// Writer collects a page.
type Writer struct{ strings.Builder }

// WriteString writes what is markup already. A page calls it and Text some thousand times: in the place of each call, the compiler would put
// 200 bytes of code.
//
//go:noinline
func (w *Writer) WriteString(s string) { w.Builder.WriteString(s) }

var escaped = strings.NewReplacer("\x00", "\uFFFD", `"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;", ">", "&gt;")

// Text writes a text that is not markup, between tags or in a quoted attribute.
//
//go:noinline
func (w *Writer) Text(s string) { _, _ = escaped.WriteString(&w.Builder, s) } // a Builder doesn't fail

// unsafeURL stands for an address with another scheme than those of ordinary links.
const unsafeURL = "#ZgotmplZ"

// Link is an address that leads to a page or a mail, and never is a script.
func Link(s string) string {
	scheme, _, ok := strings.Cut(s, ":")
	if !ok || strings.Contains(scheme, "/") {
		return s
	}
	for _, may := range []string{"http", "https", "mailto"} {
		if strings.EqualFold(scheme, may) {
			return s
		}
	}
	return unsafeURL
}

// Path escapes in an address what no address may contain. Escapes that it has already stay.
func Path(s string) string {
	return percent(s, func(i int) bool {
		return strings.IndexByte("!#$&*+,/:;=?@[]", s[i]) >= 0 || s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])
	})
}

// Query escapes a value in the query of an address.
func Query(s string) string { return percent(s, func(int) bool { return false }) }

// percent escapes the bytes that are neither letters, digits, -._~ nor kept.
func percent(s string, kept func(i int) bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 || kept(i) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }
