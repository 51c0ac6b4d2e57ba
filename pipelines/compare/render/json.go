package render

import (
	"encoding/json"
	"io"

	"rein/pipelines/compare"
	"rein/pipelines/compare/diff"
)

// JSON writes the result as schema.json describes it.
func JSON(w io.Writer, r *compare.Result) error { return encode(w, r) }

// DiffJSON writes a difference for programs.
func DiffJSON(w io.Writer, r *diff.Result) error { return encode(w, r) }

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
