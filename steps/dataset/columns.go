package dataset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rein/steps/internal/table"
)

// usual lists, for each field of a row, the names that its column usually has, best first. A column of another name
// needs the columns argument.
var usual = map[string][]string{
	"id":       {"id", "row_id", "prompt_id", "uid", "uuid", "idx", "index"},
	"text":     {"text", "prompt", "content", "user_input", "user_prompt", "input", "query", "question", "instruction", "message", "messages", "conversation", "conversations", "request", "sentence", "utterance", "body", "goal", "behavior", "behaviour"},
	"label":    {"label", "labels", "is_malicious", "malicious", "is_attack", "attack", "is_jailbreak", "jailbreak", "is_injection", "injection", "is_unsafe", "unsafe", "is_toxic", "toxic", "toxicity", "is_harmful", "harmful", "is_adversarial", "adversarial", "is_prompt_injection", "prompt_injection", "is_flagged", "flagged", "is_safe", "safe", "is_benign", "benign", "class", "target", "verdict", "y"},
	"category": {"category", "family", "attack_type", "attack_family", "subcategory", "stratum", "type", "kind"},
	"source":   {"source", "dataset", "data_source", "origin", "corpus", "source_dataset"},
	"root":     {"root"},
	"parent":   {"parent"},
	"method":   {"method"},
	"weight":   {"weight", "sample_weight"},
	"time":     {"time", "timestamp", "created_at", "date", "created"},
}

func fieldList() string { return strings.Join(slices.Sorted(maps.Keys(usual)), ", ") }

// plain is a column's name as it is compared: "Is Malicious" and "is-malicious" are is_malicious.
func plain(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	return strings.NewReplacer(" ", "_", "-", "_", ".", "_").Replace(name)
}

// columnsOf finds the column of each field among a record's names. Asked-for columns must be there, but for a label's where
// rows without one have a label all the same.
func columnsOf(names []string, asked map[string]string, labelled bool) (map[string]string, error) {
	byPlain := map[string]string{}
	for _, n := range names {
		if _, ok := byPlain[plain(n)]; !ok {
			byPlain[plain(n)] = n
		}
	}
	out := map[string]string{}
	for field, guesses := range usual {
		if name, ok := asked[field]; ok {
			if !slices.Contains(names, name) && field == "label" && labelled {
				continue
			}
			if !slices.Contains(names, name) {
				return nil, fmt.Errorf("no column %q for %s; the columns are %s", name, field, strings.Join(names, ", "))
			}
			out[field] = name
			continue
		}
		for _, g := range guesses {
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
		return nil, fmt.Errorf("no text column among %s: name it with columns = { text = \"...\" }%s", clip(strings.Join(names, ", "), 200), hint)
	}
	forget(out, asked)
	return out, nil
}

// isLabel tells a column's name that may be a label's value.
func isLabel(name string) bool {
	_, _, known := meaning("", name, nil)
	return known
}

// weak lists columns that hold labels in some data sets and kinds of text in others: their values must tell.
var weak = []string{"type", "category", "kind"}

// weakLabel is a column of a record whose value is a label, though its name doesn't say so.
func weakLabel(rec table.Record, asked map[string]string) string {
	for _, w := range weak {
		for _, name := range rec.Names {
			if value, ok := rec.Text(name); ok && plain(name) == w {
				if _, _, known := meaning(name, value, asked); known {
					return name
				}
			}
		}
	}
	return ""
}

// forget takes back guesses that make no sense beside the others.
func forget(out, asked map[string]string) {
	if _, ok := out["root"]; !ok { // without lineage, these mean something else
		for _, field := range []string{"parent", "method", "weight"} {
			if _, ok := asked[field]; !ok {
				delete(out, field)
			}
		}
	}
	for _, field := range []string{"category", "source", "id"} { // a column serves once
		if _, ok := asked[field]; !ok && (out[field] == out["text"] || out[field] == out["label"]) {
			delete(out, field)
		}
	}
}
