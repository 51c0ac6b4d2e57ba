// Package table reads a user's records, whatever file they come in: JSON lines, a JSON array, CSV, TSV, plain lines or
// Parquet, also compressed with gzip or zstd; one file, or a folder of them. Records come as a stream, with the file
// and line they stand in, and a record that can't be read does not end the stream.
package table

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Place says where a record stands: what an error shows.
type Place struct {
	File string // relative to the folder that was given
	Line int64  // from 1; in Parquet and JSON arrays the record's number
}

func (p Place) String() string { return p.File + ":" + strconv.FormatInt(p.Line, 10) }

// Record is one row of a user's file. Values are string, bool, json.Number, nil, or nested []any and map[string]any.
type Record struct {
	Place
	Names  []string // in the file's order; shared between records, not to be changed
	Values map[string]any
	// BadUTF8: the record held bytes that are no UTF-8; U+FFFD stands in their place.
	BadUTF8 bool
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
