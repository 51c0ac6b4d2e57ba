package artifact

import (
	"strconv"
	"strings"
)

// Cell is a text for a CSV file that spreadsheets open: attackers write prompts, and a spreadsheet computes what begins like a
// formula. An apostrophe before it makes it text; numbers stay. CellText gives the text back.
func Cell(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err != nil && computes(text) {
		return "'" + text
	}
	return text
}

// CellText is the text that Cell was given.
func CellText(cell string) string {
	if text, ok := strings.CutPrefix(cell, "'"); ok && computes(text) {
		return text
	}
	return cell
}

// computes tells whether a spreadsheet may take a text, or what is behind its apostrophes, for a formula.
func computes(text string) bool {
	text = strings.TrimLeft(text, "'")
	return text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0]))
}
