package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// fewValues is how many values a column of labels has at most: one with more holds something else.
const fewValues = 10

// values counts what label columns hold, to say what nobody knows and what had to be guessed.
type values struct {
	unknowns map[string]int // rows by value; of so many values that it can be told that there are many
	column   string         // of the unknown ones
	bare     map[string]int // rows whose label is 0 or 1 in a column that doesn't say what for
}

func newValues() values { return values{unknowns: map[string]int{}, bare: map[string]int{}} }

// count notes a value; known tells whether it has a meaning, bare that the data set has no name for it.
func (v *values) count(column, value string, known, bare bool) {
	if !known {
		if v.column = column; v.unknowns[value] > 0 || len(v.unknowns) < 100*fewValues {
			v.unknowns[value]++
		}
		return
	}
	if w := strings.TrimSuffix(strings.TrimSpace(value), ".0"); bare && nameOf(column).sureness == plainly && (w == "0" || w == "1") {
		v.bare[w]++
	}
}

// unknown says which values have no meaning, the most frequent first.
func (v *values) unknown() string {
	names := slices.SortedFunc(maps.Keys(v.unknowns), func(a, b string) int { return cmp.Or(cmp.Compare(v.unknowns[b], v.unknowns[a]), cmp.Compare(a, b)) })
	switch n := len(names); {
	case n == 0:
		return ""
	case n > fewValues:
		return fmt.Sprintf(" %s has many values (%q, %q, %q and %d more): a score is no label, so name another column, columns = { label = \"...\" }, or say label = \"benign\" or \"malicious\" for all rows",
			v.column, clip(names[0], 40), clip(names[1], 40), clip(names[2], 40), n-3)
	}
	var told, argument []string
	for _, name := range names {
		told = append(told, fmt.Sprintf("%q (%s)", clip(name, 40), rowCount(v.unknowns[name])))
		argument = append(argument, fmt.Sprintf("%q = ...", clip(name, 40)))
	}
	verb := "are"
	if len(told) == 1 {
		verb = "is"
	}
	return fmt.Sprintf(" %s %s %s neither benign nor malicious by any usual word; say which they are, \"benign\" or \"malicious\": labels = { %s }",
		v.column, listed(told), verb, strings.Join(argument, ", "))
}

// guessed says what numbers without a name were taken for.
func (v *values) guessed() string {
	if len(v.bare) == 0 {
		return ""
	}
	return fmt.Sprintf("label 0 is taken for benign (%s), 1 for malicious (%s): say labels = { \"0\" = \"malicious\", \"1\" = \"benign\" } if it is the other way round",
		rowCount(v.bare["0"]), rowCount(v.bare["1"]))
}

func rowCount(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

func listed(list []string) string {
	if last := len(list) - 1; last > 0 {
		return strings.Join(list[:last], ", ") + " and " + list[last]
	}
	return list[0]
}
