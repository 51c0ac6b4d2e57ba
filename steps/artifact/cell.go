package artifact

import (
	"strconv"
	"strings"
)

// Cell returns text in a form that is safe in a CSV file. Attackers write prompts, and a spreadsheet executes a cell that looks like a
// formula. So such a text gets an apostrophe in front, which makes the spreadsheet show it as text. Numbers stay as they are. CellText
// undoes this.
func Cell(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err != nil && computes(text) {
		return "'" + text
	}
	return text
}

// CellText returns the text from which Cell made cell.
func CellText(cell string) string {
	if text, ok := strings.CutPrefix(cell, "'"); ok && computes(text) {
		return text
	}
	return cell
}

// computes tells whether a spreadsheet may take text for a formula, with or without its leading apostrophes.
func computes(text string) bool {
	text = strings.TrimLeft(text, "'")
	return text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0]))
}
