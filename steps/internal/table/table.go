// Package table reads a user's records from one file or a folder: JSON lines, other JSON, CSV, TSV, plain lines or Parquet, also compressed
// with gzip, zstd or bzip2. It yields them as a stream, each with its file and line. The stream goes on after a record that can't be read.
package table

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Place says where a record is, for messages.
type Place struct {
	File string // relative to the folder that was given
	Part string // name of the record's list, if several lists of a JSON file are read
	Line int64  // counted from 1; in Parquet and JSON lists it is the record's number
}

func (p Place) String() string {
	file := strings.ReplaceAll(p.File, "\n", `\n`) // a message is about one line
	if p.Part != "" {
		return file + ":" + p.Part + ":" + strconv.FormatInt(p.Line, 10)
	}
	return file + ":" + strconv.FormatInt(p.Line, 10)
}

// Record is one row of a user's file. Its values are string, bool, json.Number, nil, or nested []any and map[string]any.
type Record struct {
	Place
	Names  []string // in the file's order; records share the slice, so don't change it
	Values map[string]any
	// Broken says by column what was wrong with its text. Each wrong character was replaced by U+FFFD. It is nil if nothing was wrong.
	Broken map[string]string
	// NotNumbers counts NaN and Infinity, which are read as null. JSON doesn't have them, but Python writes them.
	NotNumbers int
}

// The reasons in Record.Broken.
const (
	// BadUTF8 says that a text has another encoding or is damaged.
	BadUTF8      = "bytes that are no UTF-8"
	badZero      = "zero bytes"
	badSurrogate = "half of a surrogate pair (\\ud800 to \\udfff)"
)

// valid returns a column's text, with invalid UTF-8 replaced and noted.
func (r *Record) valid(column, s string) string {
	if utf8.ValidString(s) {
		return s
	}
	r.broken(column, BadUTF8)
	return strings.ToValidUTF8(s, "\uFFFD")
}

// line does the same for text that is in the file without escapes, where a zero byte is wrong, too.
func (r *Record) line(column, s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		r.broken(column, badZero)
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return r.valid(column, s)
}

func (r *Record) broken(column, why string) {
	if r.Broken == nil {
		r.Broken = map[string]string{}
	}
	r.Broken[column] = why
}

// Text returns a value as a string. ok is false if it is absent, null or nested.
func (r Record) Text(name string) (s string, ok bool) {
	switch v := r.Values[name].(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// BadRecord is a record that can't be read. The stream goes on after it.
type BadRecord struct {
	Place
	Err error
}

func (e *BadRecord) Error() string { return fmt.Sprintf("%s: %v", e.Place, e.Err) }

func (e *BadRecord) Unwrap() error { return e.Err }
