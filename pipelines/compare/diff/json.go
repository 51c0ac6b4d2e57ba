package diff

import (
	"encoding/json"
	"io"
)

// JSON writes the difference for machines.
func JSON(w io.Writer, r *Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
