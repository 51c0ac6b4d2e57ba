package diag

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest finds the name that was probably meant: it differs by few typing mistakes for its length, or only in case and separators. The
// first of equally near names wins; "" if none is near.
func Nearest(given string, names []string) string {
	flat := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
	}
	best, at := "", 1+max(1, min(2, len(given)/2), len(given)/3)
	for _, n := range names {
		if n == given { // the name exists, so something else is wrong
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

// Suggestion is the end of a message. It names what was probably meant, or what exists. If it names a replacement for a mistaken name, the
// diagnostic gets a Fix.
type Suggestion struct {
	Text        string // with a leading space, or nothing
	Given, Name string
}

// String implements fmt.Stringer.
func (s Suggestion) String() string { return s.Text }

// DidYouMean is a sentence with a leading space, or nothing.
func DidYouMean(given string, names []string) Suggestion {
	if n := Nearest(given, names); n != "" {
		return Suggestion{fmt.Sprintf(" Did you mean %q?", n), given, n}
	}
	return Suggestion{}
}

// HaveList names what there is: " There are a, b and c."
func HaveList(what string, names []string) string {
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

// Suggest suggests the nearest name or, if none is near, lists what exists.
func Suggest(given, what string, names []string) Suggestion {
	if s := DidYouMean(given, names); s.Text != "" {
		return s
	}
	return Suggestion{Text: HaveList(what, names)}
}

// OrList joins names: "a, b or c".
func OrList(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// UpperFirst gives a text a capital.
func UpperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Article puts "a" or "an" before a noun that needs it.
func Article(noun string) string {
	if noun == "rows" || noun == "scores" {
		return noun
	}
	if noun != "" && strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
