package dataset

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"rein/steps/artifact"
	"rein/steps/internal/table"
)

// field returns the text of a record's column for a field of the row, or "" if there is no such column.
func (r *reader) field(rec table.Record, name string) string {
	column := r.columns[name]
	if column == "" {
		return ""
	}
	s, _ := rec.Text(column)
	if name != "text" && isMissing(s) {
		return ""
	}
	return s
}

// row turns a record into a row. If it can't, problem says why.
func (r *reader) row(rec table.Record) (row artifact.Row, problem string) {
	said, problem := r.text(rec)
	if problem != "" {
		return row, problem
	}
	label, category, problem := r.label(rec)
	if problem != "" {
		return row, problem
	}
	row = artifact.Row{
		ID: r.field(rec, "id"), Text: said.text, Label: label, Category: strings.TrimSpace(r.field(rec, "category")), Source: r.field(rec, "source"),
		Root: r.field(rec, "root"), Parent: r.field(rec, "parent"), Method: r.field(rec, "method"),
	}
	if row.Category == "" {
		row.Category = category
	}
	if c, ok := r.c.Categories[row.Category]; ok {
		row.Category = c
	}
	if row.Category == "" {
		row.Category = "other"
	}
	if row.Source == "" {
		row.Source = r.fileSource
	}
	if s := r.field(rec, "weight"); s != "" {
		w, err := strconv.ParseFloat(s, 64)
		if err != nil || w < 0 || math.IsInf(w, 0) || math.IsNaN(w) {
			return row, fmt.Sprintf("weight %q is no number of at least 0", s)
		}
		row.Weight = w
	}
	t, err := instant(r.field(rec, "time"))
	if _, asked := r.c.Columns["time"]; err != nil && asked { // a guessed column may hold something other than times
		return row, err.Error()
	}
	row.Time = t
	if row.Role, row.Channel = said.role, said.channel; r.columns["channel"] != "" {
		row.Channel = cmp.Or(strings.TrimSpace(r.field(rec, "channel")), row.Channel)
	}
	if s := r.field(rec, "role"); s != "" {
		role, known := roleOf(s)
		if _, asked := r.c.Columns["role"]; !known && asked { // a guessed column may hold something other than roles
			return row, fmt.Sprintf("role %q is none of %s", clip(s, 40), strings.Join(artifact.Roles, ", "))
		}
		row.Role = cmp.Or(role, row.Role)
	}
	return row, ""
}

// text returns a record's prompt: a string, or the turns of a conversation.
func (r *reader) text(rec table.Record) (said turns, problem string) {
	v, there := rec.Values[r.textColumn]
	is := "is empty"
	switch v := v.(type) {
	case nil:
		if !there {
			return said, fmt.Sprintf("no %q, which the file's first row has", r.textColumn)
		}
		return said, fmt.Sprintf("%q is null", r.textColumn)
	case []any:
		if said = turnsOf(v, r.c.Roles); len(v) > 0 {
			is = "is a list without a turn that is read"
		}
	case map[string]any:
		said = turnsOf(unzipped(v), r.c.Roles)
		is = fmt.Sprintf("is an object (%s), and no text", clip(strings.Join(quoted(slices.Sorted(maps.Keys(v))), ", "), 100))
	default:
		said.text, _ = rec.Text(r.textColumn)
	}
	if more, _ := rec.Text(r.moreColumn); strings.TrimSpace(more) != "" {
		said.text += "\n" + more
	}
	if strings.TrimSpace(said.text) == "" {
		return said, fmt.Sprintf("%q %s", r.textColumn, is)
	}
	return said, ""
}

// label returns a record's label, and the attack category if the label's value names one.
func (r *reader) label(rec table.Record) (label, category, problem string) {
	for _, column := range r.labelColumns {
		v := r.valueOf(rec, column)
		if v.none {
			continue
		}
		if r.values.count(column, v); v.label == "" {
			return "", "", fmt.Sprintf("%s %q", column, clip(v.text, 40))
		}
		if answer, _ := rec.Text("answer"); rec.Values["_task_hash"] != nil && (answer == "reject" || answer == "ignore") {
			return "", "", fmt.Sprintf(`its "answer" is %q: an annotator has not accepted %s %q. A filter block with column = "answer" and in = ["accept"] leaves such rows out`, answer, column, clip(v.text, 40))
		}
		return v.label, v.category, ""
	}
	switch {
	case r.c.Label != "":
		return r.c.Label, "", ""
	case len(r.labelColumns) == 0 && r.partLabel != "":
		return r.partLabel, "", ""
	case len(r.labelColumns) == 0 && r.fileLabel != "":
		return r.fileLabel, "", ""
	case len(r.labelColumns) == 0:
		return "", "", "nothing says its label"
	}
	return "", "", fmt.Sprintf("%q has no value", r.labelColumns[0])
}

// labelValue is the value of a record in a label column, and its meaning.
type labelValue struct {
	text            string
	none            bool   // the record has no value
	label, category string // label is "" if the value is unknown
	guessed         bool   // only the column's name gives the value its meaning, as for 1 or yes
}

// valueOf reads a label column. The value may also be a list of words that all mean the same label.
func (r *reader) valueOf(rec table.Record, column string) labelValue {
	value, ok := rec.Text(column)
	if ok || rec.Values[column] == nil {
		return r.meaningOf(column, value)
	}
	list, isList := rec.Values[column].([]any)
	if isList && len(list) == 0 {
		return labelValue{none: true}
	}
	whole, _ := json.Marshal(rec.Values[column])
	out := labelValue{text: string(whole)}
	for i, e := range list {
		one, ok := table.Record{Values: map[string]any{column: e}}.Text(column)
		v := r.meaningOf(column, one)
		switch {
		case !ok || v.label == "", len(list) > 1 && v.guessed, i > 0 && v.label != out.label:
			return labelValue{text: string(whole)}
		case len(list) == 1:
			return v
		}
		if out.label = v.label; out.category == "" {
			out.category = v.category
		}
	}
	return out
}

func (r *reader) meaningOf(column, value string) labelValue {
	asked := askedFor(value, r.c.Labels)
	if isMissing(value) && asked == "" {
		return labelValue{text: value, none: true}
	}
	named := r.namedIn(column, value)
	v := labelValue{text: value, label: asked, guessed: asked == "" && named == value && unclear[word(value)]}
	if label, category, ok := meaning(column, named); asked == "" && ok {
		v.label, v.category = label, category
	}
	return v
}

// namedIn returns the name that the data set gives to a number in a label column.
func (r *reader) namedIn(column, value string) string {
	names := r.classes[column]
	if n, err := strconv.Atoi(value); err == nil && n >= 0 && n < len(names) {
		return names[n]
	}
	return value
}

// clip shortens a value for a message.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
