package table

import (
	"encoding/json"
	"fmt"
	"strings"
)

// served tells whether the list has the rows of Hugging Face's dataset server: {"features": [...], "rows": [{"row_idx": 0, "row": {...}}]}.
func (l jsonList) served() bool {
	var m map[string]json.RawMessage
	return l.path == "rows" && json.Unmarshal(l.first, &m) == nil && m["row"] != nil && m["row_idx"] != nil
}

// servedRow returns the record in a row of the dataset server.
func (d *jsonDoc) servedRow(raw json.RawMessage) (json.RawMessage, error) {
	var v struct {
		Row       json.RawMessage `json:"row"`
		Truncated []string        `json:"truncated_cells"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if len(v.Truncated) > 0 {
		return nil, fmt.Errorf("the dataset server has cut %s off: download the data set's files instead", strings.Join(v.Truncated, ", "))
	}
	return v.Row, nil
}

// servedClasses returns, by column, the class names that the dataset server gives for numbers.
func servedClasses(dec *json.Decoder) (map[string][]string, error) {
	var doc struct {
		Features []struct {
			Name string  `json:"name"`
			Type feature `json:"type"`
		} `json:"features"`
	}
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, f := range doc.Features {
		if len(f.Type.Names) > 0 {
			out[f.Name] = f.Type.Names
		}
	}
	return out, nil
}

// withClasses replaces the numbers in records by their class names.
func withClasses(classes map[string][]string, yield yielder) yielder {
	return func(rec Record, err error) bool {
		for column, names := range classes {
			if err == nil && rec.Values[column] != nil {
				rec.Values[column] = className(rec.Values[column], names)
			}
		}
		return yield(rec, err)
	}
}
