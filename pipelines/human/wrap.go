package human

import (
	"regexp"
	"strings"
	"sync"

	"github.com/mattn/go-runewidth"
)

// Wrap breaks s between words, so that no line is wider than width; lines after the first are indented. A word that
// is wider than a line is cut where the line ends.
func Wrap(s string, width int, indent string) []string { return wrap(s, width, indent, true) }

// WrapWhole breaks s as Wrap does, but leaves whole what a reader may copy: a path or another long word, quoted text, a command with what
// its flags say. A line that holds such a thing alone may be wider than width.
func WrapWhole(s string, width int, indent string) []string {
	for _, r := range uncut() {
		s = r.ReplaceAllStringFunc(s, func(part string) string { return strings.ReplaceAll(part, " ", kept) })
	}
	lines := wrap(s, width, indent, false)
	for i, l := range lines {
		lines[i] = strings.ReplaceAll(l, kept, " ")
	}
	return lines
}

// kept stands for a space where no line ends.
const kept = "\u00a0"

// uncut finds parts of a text in which no line ends. Each finds them in what those before it have left.
var uncut = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`\brein [a-z]+ [^ ]+`),
		regexp.MustCompile(`"(?:[^"\\]|\\.)*"`),
		regexp.MustCompile(`\B'[^']*'`), // an apostrophe stands inside or behind a word
		regexp.MustCompile(`[a-z_]+ = [^ ]`),
		regexp.MustCompile(`\{[^{}]*\}`),
		regexp.MustCompile(`[^ ,;:.] --?[A-Za-z]`),                     // a flag stays with what it follows, unless that ends a phrase
		regexp.MustCompile(`\B--?[A-Za-z][^ \x{a0}]*[^ ,;:.)\x{a0}] `), // and a value with its flag
	}
})

func wrap(s string, width int, indent string, cut bool) []string {
	if len(indent)+2 > width { // without room for a wide character no cut would make progress
		indent = ""
	}
	var lines []string
	line := ""
	for i, word := range strings.Split(s, " ") {
		switch {
		case i == 0:
			line = word
		case runewidth.StringWidth(line)+1+runewidth.StringWidth(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), indent+word
		}
		for cut && runewidth.StringWidth(line) > width {
			head := runewidth.Truncate(line, width, "")
			if head == "" {
				break
			}
			lines, line = append(lines, head), indent+line[len(head):]
		}
	}
	return append(lines, line)
}
