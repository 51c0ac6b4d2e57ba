package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rein/steps/artifact"
)

// fewValues is the largest number of different values in a label column. A column with more values holds something else.
const fewValues = 10

// values counts the values of label columns. It is used to report the unknown ones and those whose meaning was guessed.
type values struct {
	unknowns map[string]int // number of rows by value, kept only for enough values to tell that there are many
	column   string         // column of the unknown values
	guesses  map[string]map[string]int
}

func newValues() values {
	return values{unknowns: map[string]int{}, guesses: map[string]map[string]int{artifact.Benign: {}, artifact.Malicious: {}}}
}

// unclear lists the values whose meaning depends on the column's name.
var unclear = func() map[string]bool {
	out := maps.Clone(truths)
	out["positive"], out["negative"] = true, true
	return out
}()

// count counts one value of a column.
func (v *values) count(column string, value labelValue) {
	if value.label == "" {
		if v.column = column; v.unknowns[value.text] > 0 || len(v.unknowns) < 100*fewValues {
			v.unknowns[value.text]++
		}
		return
	}
	if value.guessed && nameOf(column).sureness != flag {
		v.guesses[value.label][strings.TrimSpace(value.text)]++
	}
}

// unknown lists the values without a known meaning, the most frequent first.
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
	return fmt.Sprintf(" %s %s %s neither benign nor malicious by any usual word; say which they are, \"benign\" or \"malicious\": labels = { %s }",
		v.column, listed(told), is(len(told)), strings.Join(argument, ", "))
}

// guessed reports how ambiguous values were read.
func (v *values) guessed() string {
	var taken, argument []string
	is := " is taken"
	for _, label := range []string{artifact.Benign, artifact.Malicious} {
		rows := 0
		var names []string
		for _, value := range slices.Sorted(maps.Keys(v.guesses[label])) {
			name := strconv.Quote(value)
			if _, err := strconv.ParseFloat(value, 64); err == nil {
				name = value
			}
			names, rows = append(names, name), rows+v.guesses[label][value]
			argument = append(argument, fmt.Sprintf("%q = %q", value, opposite(label)))
		}
		if rows > 0 {
			taken = append(taken, fmt.Sprintf("%s%s for %s (%s)", listed(names), is, label, rowCount(rows)))
			is = ""
		}
	}
	if len(taken) == 0 {
		return ""
	}
	return fmt.Sprintf("label %s: say labels = { %s } if it is the other way round", strings.Join(taken, ", "), strings.Join(argument, ", "))
}

func rowCount(n int) string { return counted(n, "row") }

// counted is a count with what is counted: "1 row", "2 rows".
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func listed(list []string) string {
	if last := len(list) - 1; last > 0 {
		return strings.Join(list[:last], ", ") + " and " + list[last]
	}
	return list[0]
}
