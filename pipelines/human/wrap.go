package human

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// Wrap breaks s between words, so that no line is wider than width; lines after the first are indented. A word that
// is wider than a line is cut where the line ends.
func Wrap(s string, width int, indent string) []string {
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
		for runewidth.StringWidth(line) > width {
			head := runewidth.Truncate(line, width, "")
			if head == "" {
				break
			}
			lines, line = append(lines, head), indent+line[len(head):]
		}
	}
	return append(lines, line)
}
