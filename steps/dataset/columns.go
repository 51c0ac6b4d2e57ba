package dataset

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"rein/steps/internal/table"
)

// usual lists, for each field of a row, the usual names of its column, best first. A column with another name must be given in the argument
// columns. The label's column is also found by its values: see candidate.
var usual = map[string][]string{
	"id":       {"id", "row_id", "prompt_id", "uid", "uuid", "idx", "index"},
	"text":     {"text", "prompt", "content", "user_input", "user_prompt", "input", "query", "question", "instruction", "message", "messages", "conversation", "conversations", "turns", "request", "sentence", "utterance", "body", "goal", "behavior", "behaviour", "user_query", "user_message", "attack_prompt", "jailbreak_prompt", "adversarial_prompt", "forbidden_prompt", "prompt_text", "input_text", "comment_text"},
	"label":    nil,
	"category": {"category", "family", "attack_type", "attack_family", "subcategory", "stratum", "type", "kind"},
	"source":   {"source", "dataset", "data_source", "origin", "corpus", "source_dataset"},
	"root":     {"root"},
	"parent":   {"parent"},
	"method":   {"method"},
	"weight":   {"weight", "sample_weight"},
	"time":     {"time", "timestamp", "created_at", "date", "created"},
	"role":     {"role", "message_role", "turn_role", "speaker_role"},
	"channel":  {"channel", "surface"},
}

// fields lists the fields of a row in an order that is always the same, so that a message always names the same one of several missing columns.
var fields = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(usual)) })

// plain returns a column's name in a form that can be compared: "Is Malicious", "is-malicious" and "isMalicious" all give is_malicious.
func plain(name string) string { return strings.Join(tokens(name), "_") }

// NoColumn says that data lack a column that the argument columns names.
type NoColumn struct {
	Field, Column string
	names         []string // columns that there are
}

// Error implements error.
func (e *NoColumn) Error() string {
	return fmt.Sprintf("no column %q for %s; the columns are %s", e.Column, e.Field, namesOf(e.names))
}

// columnsOf finds the column of each field among a record's names. A column that the user named must exist. The exception is the label's
// column if rows without it get a label in another way.
func columnsOf(names []string, asked map[string]string, labelled bool) (map[string]string, error) {
	byPlain := map[string]string{}
	for _, n := range names {
		if _, ok := byPlain[plain(n)]; !ok {
			byPlain[plain(n)] = n
		}
	}
	out := map[string]string{}
	for _, field := range fields() {
		if name, ok := asked[field]; ok {
			if !slices.Contains(names, name) && field == "label" && labelled {
				continue
			}
			if !slices.Contains(names, name) {
				return nil, &NoColumn{Field: field, Column: name, names: names}
			}
			out[field] = name
			continue
		}
		for _, g := range usual[field] {
			if name, ok := byPlain[g]; ok {
				out[field] = name
				break
			}
		}
	}
	if _, ok := out["text"]; !ok {
		hint := ""
		if slices.ContainsFunc(names, isLabel) {
			hint = "; if that is a row already, put a line with the columns' names above it: text,label"
		}
		return nil, fmt.Errorf("no text column among %s: name it with columns = { text = \"...\" }%s", namesOf(names), hint)
	}
	forget(out, asked)
	return out, nil
}

// namesOf lists columns in one line. What is no header may be long, and have line ends.
func namesOf(columns []string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = clip(strings.Join(strings.Fields(c), " "), 60)
	}
	return clip(strings.Join(out, ", "), 200)
}

// isLabel tells whether a column's name may itself be a label's value.
func isLabel(name string) bool {
	_, _, known := meaning("", name)
	return known
}

// otherTexts returns further columns of a record that usually hold the prompt, besides the chosen ones.
func otherTexts(rec table.Record, chosen ...string) []string {
	var out []string
	for _, n := range rec.Names {
		s, ok := rec.Text(n)
		if ok && strings.TrimSpace(s) != "" && slices.Contains(usual["text"], plain(n)) && !slices.Contains(chosen, n) {
			out = append(out, n)
		}
	}
	return out
}

// withoutAnswers returns a record's columns without those that hold a prompt together with its answer, such as Alpaca's text.
func withoutAnswers(rec table.Record) []string {
	return slices.DeleteFunc(slices.Clone(rec.Names), func(n string) bool {
		s, _ := rec.Text(n)
		return slices.Contains(usual["text"], plain(n)) && slices.ContainsFunc(rec.Names, func(other string) bool {
			answer, _ := rec.Text(other)
			return other != n && answers[plain(other)] && len(answer) >= 20 && len(s) > len(answer) && strings.Contains(s, answer)
		})
	})
}

// forget removes guessed columns that make no sense beside the others.
func forget(out, asked map[string]string) {
	if _, ok := out["root"]; !ok { // without a root column, these columns mean something else
		for _, field := range []string{"parent", "method", "weight"} {
			if _, ok := asked[field]; !ok {
				delete(out, field)
			}
		}
	}
	for _, field := range []string{"category", "source", "id"} { // a column is used for one field only
		if _, ok := asked[field]; !ok && (out[field] == out["text"] || out[field] == out["label"]) {
			delete(out, field)
		}
	}
}
