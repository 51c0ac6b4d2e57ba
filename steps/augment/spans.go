package augment

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// class is a set of ASCII characters.
type class [4]uint32

func chars(ranges ...string) (c class) {
	for _, r := range ranges {
		from, to := r[0], r[len(r)-1]
		for b := from; b <= to; b++ {
			c[b/32] |= 1 << (b % 32)
		}
	}
	return c
}

func (c *class) has(b byte) bool { return b < utf8.RuneSelf && c[b/32]&(1<<(b%32)) != 0 }

var (
	blank    = chars("\t", "\n", "\f", "\r", " ")
	numeric  = chars("09", "_", "/", "\\")                           // a word with one of these is code, a path or a number
	wordEnd  = chars("09", "AZ", "az", "_", "=", "/", "\\", "%")     // last characters of such a word
	linkEnd  = chars("09", "AZ", "az", "_", "/", "=", "&", "#", "-") // last characters of a link
	local    = chars("09", "AZ", "az", "_", ".", "+", "-")           // characters of a mail address before the @
	domain   = chars("09", "AZ", "az", "_", "-")                     // characters after the @, up to the first dot
	dotted   = chars("09", "AZ", "az", "_", ".")                     // characters after that dot
	suspects = "`@\"{<_/\\0123456789"                                // no span without one of these, or www.
)

// spans returns the beginnings and ends, in bytes, of the protected spans, which a variation must keep: code, links, addresses, numbers,
// quotations, placeholders. Punctuation after a span isn't part of it.
func spans(s string) [][2]int {
	if !strings.ContainsAny(s, suspects) && !strings.Contains(s, "www.") && !opensOther(s) {
		return nil
	}
	var out [][2]int
	run := word{}
	for i := 0; i < len(s); {
		if blank.has(s[i]) {
			i++
			continue
		}
		if i >= run.end {
			run = wordAt(s, i)
		}
		end := special(s, i, &run)
		if end < 0 && run.numeric >= i {
			end = run.last
		}
		if end < 0 {
			i++
			continue
		}
		out = append(out, [2]int{i, end})
		i = end
	}
	return out
}

// word is a run of non-blank characters.
type word struct {
	end     int
	numeric int // index of the last character that makes the word a protected one, or -1
	last    int // end of the protected part
	at      bool
}

func wordAt(s string, from int) word {
	w := word{end: from, numeric: -1}
	for n := 1; w.end < len(s) && !blank.has(s[w.end]); w.end += n {
		c := s[w.end]
		n = 1
		switch {
		case c >= utf8.RuneSelf:
			var r rune
			r, n = utf8.DecodeRuneInString(s[w.end:])
			if unicode.IsNumber(r) {
				w.numeric = w.end
			}
			if w.numeric >= 0 && staysWith(r) {
				w.last = w.end + n
			}
		case numeric.has(c):
			w.numeric, w.last = w.end, w.end+1
		case wordEnd.has(c) && w.numeric >= 0:
			w.last = w.end + 1
		case c == '@':
			w.at = true
		}
	}
	return w
}

// staysWith tells whether a non-ASCII character belongs to the protected word before it. Letters, numbers, marks and joiners do.
func staysWith(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) || r == zeroWidthNonJoiner || r == zeroWidthJoiner
}

// special returns the end of a protected span that begins at i with a special character, or -1 if there is none.
func special(s string, i int, run *word) int {
	switch s[i] {
	case '`':
		return code(s, i)
	case '"':
		if to := closed(s, i, '"', "\"\n"); to > i+2 && utf8.RuneCountInString(s[i+1:to-1]) <= 200 {
			return to
		}
		return -1
	case '{':
		return closed(s, i, '}', "{}\n")
	case '<':
		if to := closed(s, i, '>', "<>\n"); to > i+2 {
			return to
		}
		return -1
	case 'h', 'w':
		if to := link(s, i, run); to >= 0 {
			return to
		}
	}
	if s[i] >= utf8.RuneSelf {
		if to := quotation(s, i); to >= 0 {
			return to
		}
	}
	if run.at {
		return address(s, i)
	}
	return -1
}

// quotes maps an opening typographic quotation mark to the marks that close it, and to those that may not come before the closing one.
var quotes = map[rune][2]string{'“': {"”", "“\n"}, '„': {"“”", "„\n"}, '«': {"»", "«\n"}, '‹': {"›", "‹\n"}, '「': {"」", "「\n"}, '『': {"』", "『\n"}, '《': {"》", "《\n"}}

const longestQuote = 200 // in characters

// opensOther tells whether s has a typographic quotation mark, or a digit that isn't ASCII.
func opensOther(s string) bool {
	for i, r := range s {
		if r >= utf8.RuneSelf && (unicode.IsNumber(r) || quotation(s, i) >= 0) {
			return true
		}
	}
	return false
}

// quotation returns the end of a quotation in typographic marks that begins at i, or -1 if there is none.
func quotation(s string, i int) int {
	open, n := utf8.DecodeRuneInString(s[i:])
	if open == '‘' {
		return singleQuotation(s, i+n)
	}
	q, ok := quotes[open]
	if !ok {
		return -1
	}
	inner := s[i+n:]
	at := strings.IndexAny(inner, q[0]+q[1])
	if at <= 0 || utf8.RuneCountInString(inner[:at]) > longestQuote {
		return -1
	}
	if mark, width := utf8.DecodeRuneInString(inner[at:]); strings.ContainsRune(q[0], mark) {
		return i + n + at + width
	}
	return -1
}

// singleQuotation returns the end of ‘a quotation’ in single marks. The closing mark also serves as an apostrophe: ‘don’t do it’.
func singleQuotation(s string, from int) int {
	count := 0
	for i, r := range s[from:] {
		if count++; r == '\n' || r == '‘' || count > longestQuote+1 {
			return -1
		}
		if r != '’' {
			continue
		}
		end := from + i + len("’")
		if next, _ := utf8.DecodeRuneInString(s[end:]); !unicode.IsLetter(next) && i > 0 {
			return end
		}
	}
	return -1
}

// closed returns the end of a span that begins at i and ends with mark. It returns -1 if another of the stops comes before the mark.
func closed(s string, i int, mark byte, stops string) int {
	at := strings.IndexAny(s[i+1:], stops)
	if at < 0 || s[i+1+at] != mark {
		return -1
	}
	return i + 1 + at + 1
}

func code(s string, i int) int {
	const fence = "```"
	if strings.HasPrefix(s[i:], fence) {
		if at := strings.Index(s[i+len(fence):], fence); at >= 0 {
			return i + len(fence) + at + len(fence)
		}
	}
	return closed(s, i, '`', "`\n")
}

func link(s string, i int, run *word) int {
	for _, prefix := range [...]string{"https://", "http://", "www."} {
		if !strings.HasPrefix(s[i:], prefix) {
			continue
		}
		for j := run.end - 1; j >= i+len(prefix); j-- {
			if linkEnd.has(s[j]) {
				return j + 1
			}
		}
	}
	return -1
}

func address(s string, i int) int {
	span := func(from int, c *class) int {
		for from < len(s) && c.has(s[from]) {
			from++
		}
		return from
	}
	at := span(i, &local)
	if at == i || at >= len(s) || s[at] != '@' {
		return -1
	}
	dot := span(at+1, &domain)
	if dot == at+1 || dot >= len(s) || s[dot] != '.' {
		return -1
	}
	if end := span(dot+1, &dotted); end > dot+1 {
		return end
	}
	return -1
}
