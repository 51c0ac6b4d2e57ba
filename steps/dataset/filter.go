package dataset

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"rein/steps/artifact"
	"rein/steps/internal/table"
)

// Filter is a condition. Only rows that meet it are kept.
type Filter struct {
	Column   string   `hcl:"column" default:"text" doc:"What the filter looks at: a field of the row (text, label, category, source, role, channel, id), or a column of the data."`
	In       []string `hcl:"in,optional" doc:"Keeps rows whose value is one of these."`
	NotIn    []string `hcl:"not_in,optional" doc:"Keeps rows whose value is none of these."`
	Matches  string   `hcl:"matches,optional" doc:"Keeps rows in which this regular expression (RE2) is found."`
	Excludes string   `hcl:"excludes,optional" doc:"Keeps rows in which this regular expression is not found."`
	MinChars int      `hcl:"min_chars" default:"0" doc:"Keeps rows with at least this many characters."`
	MaxChars int      `hcl:"max_chars" default:"0" doc:"Keeps rows with at most this many characters; 0: no limit."`
}

// compile checks that the filter has a condition and that its regular expressions are valid.
func (f *Filter) compile() error {
	if len(f.In)+len(f.NotIn) == 0 && f.Matches == "" && f.Excludes == "" && f.MinChars == 0 && f.MaxChars == 0 {
		return errors.New("asks for nothing: want in, not_in, matches, excludes, min_chars or max_chars")
	}
	for _, e := range []string{f.Matches, f.Excludes} {
		if _, err := regexp.Compile(e); err != nil {
			return err
		}
	}
	return nil
}

// test is a compiled filter.
type test struct {
	Filter
	name              string
	matches, excludes *regexp.Regexp
}

func newTests(filters []Filter) []test {
	var out []test
	for _, f := range filters {
		t := test{Filter: f, name: f.String()}
		if f.Matches != "" {
			t.matches = regexp.MustCompile(f.Matches)
		}
		if f.Excludes != "" {
			t.excludes = regexp.MustCompile(f.Excludes)
		}
		out = append(out, t)
	}
	return out
}

// keeps tells whether a row meets the filter.
func (t *test) keeps(row artifact.Row, rec table.Record) bool {
	v := valueOf(t.Column, row, rec)
	n := 0
	if t.MinChars > 0 || t.MaxChars > 0 {
		n = utf8.RuneCountInString(v)
	}
	switch {
	case len(t.In) > 0 && !slices.Contains(t.In, v),
		slices.Contains(t.NotIn, v),
		t.matches != nil && !t.matches.MatchString(v),
		t.excludes != nil && t.excludes.MatchString(v),
		n < t.MinChars,
		t.MaxChars > 0 && n > t.MaxChars:
		return false
	}
	return true
}

// rowFields are the columns in filters that mean a field of the row, not a column of the data.
var rowFields = set("text label category source id role channel")

func valueOf(column string, row artifact.Row, rec table.Record) string {
	switch column {
	case "text":
		return row.Text
	case "label":
		return row.Label
	case "category":
		return row.Category
	case "source":
		return row.Source
	case "id":
		return row.ID
	case "role":
		if row.Role != "" {
			return row.Role
		}
	case "channel":
		if row.Channel != "" {
			return row.Channel
		}
	}
	s, _ := rec.Text(column)
	return s
}

// String returns the filter as the user wrote it, for messages.
func (f Filter) String() string {
	var parts []string
	add := func(when bool, format string, args ...any) {
		if when {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(len(f.In) > 0, "%s in %q", f.Column, f.In)
	add(len(f.NotIn) > 0, "%s not in %q", f.Column, f.NotIn)
	add(f.Matches != "", "%s matches %q", f.Column, f.Matches)
	add(f.Excludes != "", "%s excludes %q", f.Column, f.Excludes)
	add(f.MinChars > 0, "%s of at least %d characters", f.Column, f.MinChars)
	add(f.MaxChars > 0, "%s of at most %d characters", f.Column, f.MaxChars)
	return strings.Join(parts, ", ")
}
