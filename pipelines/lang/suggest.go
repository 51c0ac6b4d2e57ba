package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest finds the name that was probably meant: few typing mistakes away for its length, or the same but for
// case and separators. Of equals the first wins; "" if nothing is near.
func Nearest(given string, names []string) string {
	flat := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
	}
	best, at := "", 1+max(1, min(2, len(given)/2), len(given)/3)
	for _, n := range names {
		if n == given { // it is known, and something else is wrong
			continue
		}
		d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(n), nil)
		switch {
		case flat(given) == flat(n):
			d = 0
		case sameLetters(given, n):
			d = 1
		}
		if d < at && d < max(len(given), len(n)) {
			best, at = n, d
		}
	}
	if best != "" || len(given) < 3 {
		return best
	}
	for _, n := range names { // an abbreviation: "desc" for "description"
		if strings.HasPrefix(n, given) || (len(n) > 3 && strings.HasPrefix(given, n)) {
			return n
		}
	}
	return ""
}

// sameLetters tells two letters in the wrong order, which are one mistake.
func sameLetters(a, b string) bool {
	sorted := func(s string) string { return string(slices.Sorted(slices.Values([]rune(strings.ToLower(s))))) }
	return len(a) == len(b) && sorted(a) == sorted(b)
}

// suggestion ends a message: it says what was probably meant, or what there is. One that names something to write
// instead of what was given makes a Fix of the diagnostic whose message it is an argument of.
type suggestion struct {
	text        string // with a leading space, or nothing
	given, name string
}

// String implements fmt.Stringer.
func (s suggestion) String() string { return s.text }

// didYouMean is a sentence with a leading space, or nothing.
func didYouMean(given string, names []string) suggestion {
	if n := Nearest(given, names); n != "" {
		return suggestion{fmt.Sprintf(" Did you mean %q?", n), given, n}
	}
	return suggestion{}
}

// haveList names what there is: " There are a, b and c."
func haveList(what string, names []string) string {
	const most = 30
	if len(names) == 0 {
		return " There are no " + what + "."
	}
	s := slices.Sorted(slices.Values(names))
	if len(s) > most {
		return fmt.Sprintf(" There are %d %s.", len(s), what)
	}
	if len(s) == 1 {
		return fmt.Sprintf(" There is only %s.", s[0])
	}
	return " There are " + strings.Join(s[:len(s)-1], ", ") + " and " + s[len(s)-1] + "."
}

// suggest is the nearest name, or else the list of what there is.
func suggest(given, what string, names []string) suggestion {
	if s := didYouMean(given, names); s.text != "" {
		return s
	}
	return suggestion{text: haveList(what, names)}
}
