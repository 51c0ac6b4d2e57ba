package engine

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// hidden stands where a sensitive value was.
const hidden = "(sensitive)"

// mask takes sensitive values out of texts: what steps print, note and fail with is shown and recorded. The zero value masks
// nothing.
type mask struct {
	escaped  []*regexp.Regexp // those with signs that programs escape, longest first
	replacer *strings.Replacer
}

const (
	shortestSecret  = 3       // bytes from which a text is masked
	shortestEncoded = 6       // from which its base64 and hexadecimal digits are, also as a part of others
	longestEscaped  = 1 << 10 // up to which its escaped forms are
)

// newMask makes a mask of sensitive texts. Of a text of several lines each line is masked, because programs print line by line;
// and each is masked in the forms in which programs quote, escape and encode it.
func newMask(secrets []string) mask {
	plain := map[string]bool{}
	for _, s := range secrets {
		for _, line := range append(strings.Split(s, "\n"), s) {
			if line = strings.TrimSpace(line); len(line) >= shortestSecret {
				plain[line] = true
			}
		}
	}
	if len(plain) == 0 {
		return mask{}
	}
	var m mask
	forms := map[string]bool{}
	for _, s := range longestFirst(plain) {
		forms[s] = true
		for _, e := range encoded(s) {
			forms[e] = true
		}
		if len(s) <= longestEscaped && strings.ContainsFunc(s, isEscaped) {
			m.escaped = append(m.escaped, regexp.MustCompile(escapedForms(s)))
		}
	}
	pairs := []string{hidden, hidden} // a secret may be a part of that word
	for _, form := range longestFirst(forms) {
		pairs = append(pairs, form, hidden)
	}
	m.replacer = strings.NewReplacer(pairs...)
	return m
}

// longestFirst puts texts in an order in which one that is a part of another comes after it.
func longestFirst(set map[string]bool) []string {
	list := slices.Sorted(maps.Keys(set))
	slices.SortStableFunc(list, func(a, b string) int { return len(b) - len(a) })
	return list
}

// encoded are the forms of a text in base64 and hexadecimal digits: whole, as a part of something longer ("user:" before it, or a
// line end after it), and in the lines of the tools that break it.
func encoded(s string) []string {
	if len(s) < shortestEncoded {
		return []string{base64.StdEncoding.EncodeToString([]byte(s))}
	}
	var out []string
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		out = append(out, enc.EncodeToString([]byte(s)))
		for before := range 3 { // bytes in the group that s begins in
			all := enc.EncodeToString([]byte(strings.Repeat("\x00", before) + s))
			from, to := (8*before+5)/6, 8*(before+len(s))/6 // digits of s alone
			out = append(out, all[from:to])
		}
	}
	digits := hex.EncodeToString([]byte(s))
	out = append(out, digits, strings.ToUpper(digits))
	for text, widths := range map[string][]int{out[0]: {64, 76}, digits: {60}} {
		for _, width := range widths {
			for line := range slices.Chunk([]byte(text), width) {
				if len(text) > width && len(line) >= 8 {
					out = append(out, string(line))
				}
			}
		}
	}
	return out
}

// isEscaped tells whether some program writes a sign otherwise than as it is.
func isEscaped(r rune) bool {
	return r != '_' && r != '-' && r != '.' && (r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z')
}

// entities are the names of signs in HTML.
var entities = map[rune]string{'"': "quot", '&': "amp", '\'': "apos", '<': "lt", '>': "gt"}

// controls are the letters of control characters after a backslash.
var controls = map[rune]string{'\n': "n", '\r': "r", '\t': "t", '\a': "a", '\b': "b", '\f': "f", '\v': "v", 0x1b: "[eE]"}

// escapedForms is a pattern of a text in which each sign may be escaped: by backslashes, as in Go, JSON, Python, C and shells, also
// within one another; by percent signs, as in a URL; by ampersands, as in HTML; and by being doubled or taken out of the quotation marks.
func escapedForms(s string) string {
	var b strings.Builder
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			fmt.Fprintf(&b, `(?:\x{FFFD}|\\+x%02[1]x|\\+%03[1]o|%%%02[1]X)`, s[i])
			continue
		}
		self := regexp.QuoteMeta(string(r))
		if !isEscaped(r) {
			b.WriteString(self)
			continue
		}
		var bytes, octal, percent string
		for _, c := range []byte(string(r)) {
			bytes += fmt.Sprintf(`\\+x%02x`, c)
			octal += fmt.Sprintf(`\\+%03o`, c)
			percent += fmt.Sprintf(`%%(?:25)*%02x`, c)
		}
		ways := []string{`\\*` + self, fmt.Sprintf(`(?i:%s|%s|\\+x\{?%[3]x\}?|\\+u\{?0*%[3]x\}?|&(?:amp;)?#0*%[4]d;|&(?:amp;)?#x0*%[3]x;)`, bytes, percent, r, r), octal}
		switch {
		case r == '\'': // out of the quotation marks and back, or doubled
			ways = append([]string{`'\\+''`, `'"'"'`, `''`}, ways...)
		case r == '"':
			ways = append([]string{`""`}, ways...)
		case r == ' ':
			ways = append(ways, `\+|%(?:25)*2[bB]`)
		case r > 0xFFFF:
			ways = append(ways, fmt.Sprintf(`(?i:\\+u%04x\\+u%04x)`, 0xD800+(r-0x10000)>>10, 0xDC00+(r-0x10000)&0x3FF))
		}
		if c := controls[r]; c != "" {
			ways = append(ways, `\\+`+c)
		}
		if name := entities[r]; name != "" {
			ways = append(ways, `&(?:amp;)?`+name+`;`)
		}
		b.WriteString("(?:" + strings.Join(ways, "|") + ")")
	}
	return b.String()
}

func (m mask) text(s string) string {
	if m.replacer == nil {
		return s
	}
	for _, e := range m.escaped {
		s = e.ReplaceAllLiteralString(s, hidden)
	}
	return m.replacer.Replace(s)
}

func (m mask) event(e Event) Event {
	e.Text, e.Unit, e.Metric = m.text(e.Text), m.text(e.Unit), m.text(e.Metric)
	return e
}

// error is err without the secrets in its text.
func (m mask) error(err error) error {
	var v *Verdict
	switch {
	case err == nil || m.text(err.Error()) == err.Error():
		return err
	case errors.As(err, &v):
		return &Verdict{m.text(v.Text)}
	}
	return &maskedError{m.text(err.Error()), err}
}

type maskedError struct {
	text string
	err  error
}

func (e *maskedError) Error() string { return e.text }

// Unwrap gives the error, for its kind.
func (e *maskedError) Unwrap() error { return e.err }

// secrets are the sensitive texts that a unit's steps may come to know.
func (u *unit) secrets() []string {
	var all []string
	for _, n := range u.nodes {
		all = append(all, n.pipeline.Secrets...)
	}
	return all
}
