package compare

import (
	"encoding/json"
	"io"
)

// JSON writes the result as schema.json describes it.
func JSON(w io.Writer, r *Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
