// Package artifact defines what travels between steps: rows as Parquet, models and packages as folders,
// reports as JSON. A value is a path given by the engine; nothing is read before it is asked for.
package artifact

import (
	"cmp"
	"unicode/utf8"
)

// Label values of Row. A threat score is 1 - P(benign).
const (
	Benign    = "benign"
	Malicious = "malicious"
)

// Row is one prompt. Rows travel as Parquet, in the order in which they were written.
type Row struct {
	ID       string  `parquet:"id" json:"id"`
	Text     string  `parquet:"text,zstd" json:"text"`
	Label    string  `parquet:"label,dict" json:"label"`                 // Benign or Malicious
	Category string  `parquet:"category,dict" json:"category,omitempty"` // attack family of malicious rows; stratum or kind of benign ones
	Source   string  `parquet:"source,dict" json:"source,omitempty"`     // data set or generator family
	Root     string  `parquet:"root" json:"root,omitempty"`              // names the real row it descends from: descendants of one row have equal roots
	Parent   string  `parquet:"parent" json:"parent,omitempty"`          // id of the row it was made from
	Method   string  `parquet:"method,dict" json:"method,omitempty"`     // how it was made: "", "synonym", "mutation", ...
	Score    float64 `parquet:"score" json:"score,omitempty"`            // threat score where a model has seen it, else 0
	Weight   float64 `parquet:"weight" json:"weight,omitempty"`          // of the row in training; 0 means 1
	Time     string  `parquet:"time,dict" json:"time,omitempty"`         // when it was seen, if known: RFC 3339 in UTC, so that text order is time order

	Role    string `parquet:"role,dict" json:"role,omitempty"`       // whose words it is: one of Roles; "" where nothing says it
	Channel string `parquet:"channel,dict" json:"channel,omitempty"` // how it came in, in the user's words: "chat", "email", the name of a tool
}

// Child is a row of a text that a method made of this one. It is labelled as this one is, and said to come from where this one came from.
func (r Row) Child(id, text, method string) Row {
	return Row{ID: id, Text: text, Label: r.Label, Category: r.Category, Source: r.Source, Root: cmp.Or(r.Root, r.ID), Parent: r.ID, Method: method,
		Role: r.Role, Channel: r.Channel}
}

// Group is what a row is counted under by one of its columns: source, role, channel, label, method, or length, which is short (under 40
// characters), medium (under 200) or long. Everything else is its category.
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

// Roles are those that the words of a row may have.
var Roles = []string{RoleUser, RoleSystem, RoleTool, RoleDocument, RoleAssistant}

// The roles.
const (
	RoleUser      = "user"
	RoleSystem    = "system"
	RoleTool      = "tool"     // what a tool gave back
	RoleDocument  = "document" // a page, a mail or a file that is read
	RoleAssistant = "assistant"
)

// Rows is a Parquet file of Row.
type Rows struct{ Path string }

// Scores is a Parquet file of Scored: a model's answer for each row of an evaluation set.
type Scores struct{ Path string }

// Model is a folder: model.onnx, model.json (ModelInfo) and what its tokeniser needs.
type Model struct{ Path string }

// Report is a JSON file.
type Report struct{ Path string }

// File is any file or folder of the user's, or of an exec step.
type File struct{ Path string }

// Package is a folder, or the archive of one, that somebody else can run: models, tokeniser, threshold, card, checksums.
type Package struct{ Path string }

// Scored is one row of an evaluation as the model saw it.
type Scored struct {
	ID       string  `parquet:"id" json:"id"`
	Set      string  `parquet:"set,dict" json:"set"` // "test", "unseen", "pool", ...
	Label    string  `parquet:"label,dict" json:"label"`
	Category string  `parquet:"category,dict" json:"category"`
	Source   string  `parquet:"source,dict" json:"source"`
	Score    float64 `parquet:"score" json:"score"`        // threat score, 0 to 1
	Family   string  `parquet:"family,dict" json:"family"` // most likely attack family
	Text     string  `parquet:"text,zstd" json:"text"`

	// Threshold is the one that decided the row, where rows of several models are together; 0: the report's.
	Threshold float64 `parquet:"threshold" json:"threshold,omitempty"`

	// Seeds are the threat scores of the training's further seeds, in the order of the report.
	Seeds []float64 `parquet:"seeds" json:"seeds,omitempty"`

	Role    string `parquet:"role,dict" json:"role,omitempty"`
	Channel string `parquet:"channel,dict" json:"channel,omitempty"`
}
