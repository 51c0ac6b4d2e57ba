// Package table reads a user's records, whatever file they come in: JSON lines, a JSON array, CSV, TSV, plain lines or
// Parquet, also compressed with gzip, zstd or bzip2; one file, or a folder of them. Records come as a stream, with the file
// and line they stand in, and a record that can't be read does not end the stream.
package table

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Place says where a record stands: what an error shows.
type Place struct {
	File string // relative to the folder that was given
	Part string // the list that it stands in, where several of a JSON file are read
	Line int64  // from 1; in Parquet and JSON arrays the record's number
}

func (p Place) String() string {
	if p.Part != "" {
		return p.File + ":" + p.Part + ":" + strconv.FormatInt(p.Line, 10)
	}
	return p.File + ":" + strconv.FormatInt(p.Line, 10)
}

// Record is one row of a user's file. Values are string, bool, json.Number, nil, or nested []any and map[string]any.
type Record struct {
	Place
	Names  []string // in the file's order; shared between records, not to be changed
	Values map[string]any
	// Broken says, by column, what its text held that is no text; U+FFFD stands in its place. Nil: nothing.
	Broken map[string]string
	// NotNumbers counts NaN and Infinity, which are read as null: JSON doesn't have them, and Python writes them.
	NotNumbers int
}

// The reasons of Broken.
const (
	// BadUTF8 says that a text is in another encoding, or damaged.
	BadUTF8      = "bytes that are no UTF-8"
	badZero      = "zero bytes"
	badSurrogate = "half of a surrogate pair (\\ud800 to \\udfff)"
)

// valid is a text of a column, repaired where it has to be.
func (r *Record) valid(column, s string) string {
	if utf8.ValidString(s) {
		return s
	}
	r.broken(column, BadUTF8)
	return strings.ToValidUTF8(s, "\uFFFD")
}

// line is a text that stands in a file as it is, in which a zero byte is no character.
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

// Text is a value as a string; ok is false where there is none (absent or null) or it is nested.
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
