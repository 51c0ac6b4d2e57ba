// Package artifact defines what steps pass to each other: rows as Parquet files, models and packages as folders, reports as JSON. A value
// holds only a path, which the engine chose. Its content is read when a method asks for it.
package artifact

import (
	"cmp"
	"unicode/utf8"
)

// The values of Row.Label.
const (
	Benign    = "benign"
	Malicious = "malicious"
)

// Row is one prompt. Rows are stored as Parquet, in the order in which they were written. A threat score is 1 - P(benign).
type Row struct {
	ID       string  `parquet:"id" json:"id"`
	Text     string  `parquet:"text,zstd" json:"text"`
	Label    string  `parquet:"label,dict" json:"label"`                 // Benign or Malicious
	Category string  `parquet:"category,dict" json:"category,omitempty"` // of a malicious row its attack family; of a benign row its stratum or kind
	Source   string  `parquet:"source,dict" json:"source,omitempty"`     // data set or family of generators
	Root     string  `parquet:"root" json:"root,omitempty"`              // id of the collected row that this one descends from; all its descendants have the same Root
	Parent   string  `parquet:"parent" json:"parent,omitempty"`          // id of the row that this one was made from
	Method   string  `parquet:"method,dict" json:"method,omitempty"`     // how the row was made: "synonym", "mutation", ...; "" if it was collected
	Score    float64 `parquet:"score" json:"score,omitempty"`            // threat score, if a model has scored the row; else 0
	Weight   float64 `parquet:"weight" json:"weight,omitempty"`          // weight in training; 0 means 1
	Time     string  `parquet:"time,dict" json:"time,omitempty"`         // when the prompt was seen, if known: RFC 3339 in UTC, which sorts as text

	Role    string `parquet:"role,dict" json:"role,omitempty"`       // who wrote the text: one of Roles, or "" if unknown
	Channel string `parquet:"channel,dict" json:"channel,omitempty"` // how the text arrived, in the user's words: "chat", "email", the name of a tool
}

// Child returns a row with a text that method made from r. The child inherits the label, category, source, root, role and channel.
func (r Row) Child(id, text, method string) Row {
	return Row{ID: id, Text: text, Label: r.Label, Category: r.Category, Source: r.Source, Root: cmp.Or(r.Root, r.ID), Parent: r.ID, Method: method,
		Role: r.Role, Channel: r.Channel}
}

// Group returns the value by which a breakdown counts the row. by is source, role, channel, label, method or length; any other value means
// category. The lengths are short (under 40 characters), medium (under 200) and long.
func (r Row) Group(by string) string {
	switch by {
	case "source":
		return r.Source
	case "role":
		return r.Role
	case "channel":
		return r.Channel
	case "label":
		return r.Label
	case "method":
		return r.Method
	case "length":
		switch n := utf8.RuneCountInString(r.Text); {
		case n < 40:
			return "short"
		case n < 200:
			return "medium"
		}
		return "long"
	}
	return r.Category
}

// Roles lists the possible authors of a row's text.
var Roles = []string{RoleUser, RoleSystem, RoleTool, RoleDocument, RoleAssistant}

// The values of Row.Role, besides "".
const (
	RoleUser      = "user"
	RoleSystem    = "system"
	RoleTool      = "tool"     // the result of a tool call
	RoleDocument  = "document" // a page, mail or file that the model was given to read
	RoleAssistant = "assistant"
)

// Rows is a Parquet file whose rows are of type Row.
type Rows struct{ Path string }

// Scores is a Parquet file whose rows are of type Scored: a model's answer to each row of the evaluation sets.
type Scores struct{ Path string }

// Model is a folder with model.onnx, model.json (ModelInfo) and the files of the tokeniser.
type Model struct{ Path string }

// Report is a JSON file with the figures that a step measured.
type Report struct{ Path string }

// File is any file or folder that the user named or an exec step wrote.
type File struct{ Path string }

// Package is a folder, or an archive of one, that holds all that is needed to use a model elsewhere: models, tokeniser, threshold, card,
// checksums.
type Package struct{ Path string }

// Scored is one row of an evaluation with the model's answer.
type Scored struct {
	ID       string  `parquet:"id" json:"id"`
	Set      string  `parquet:"set,dict" json:"set"` // "test", "unseen", "pool", ...
	Label    string  `parquet:"label,dict" json:"label"`
	Category string  `parquet:"category,dict" json:"category"`
	Source   string  `parquet:"source,dict" json:"source"`
	Score    float64 `parquet:"score" json:"score"`        // threat score, 0 to 1
	Family   string  `parquet:"family,dict" json:"family"` // the attack family with the highest probability
	Text     string  `parquet:"text,zstd" json:"text"`

	// Threshold is the threshold that decided the row, if the rows are of several models; 0 means the report's threshold.
	Threshold float64 `parquet:"threshold" json:"threshold,omitempty"`

	// Seeds holds the threat scores from further training seeds, in the order in which the report lists the seeds.
	Seeds []float64 `parquet:"seeds" json:"seeds,omitempty"`

	Role    string `parquet:"role,dict" json:"role,omitempty"`
	Channel string `parquet:"channel,dict" json:"channel,omitempty"`
}
