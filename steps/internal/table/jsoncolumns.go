package table

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// whole reads an object that is one record, or one that holds columns, as data frames write them.
func (d *jsonDoc) whole(dec *json.Decoder) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return d.broken(err)
	}
	var columns map[string]json.RawMessage
	if err := json.Unmarshal(raw, &columns); err != nil {
		return d.broken(err)
	}
	rows, err := splitRows(columns)
	if err != nil {
		return fmt.Errorf("%s: %w", d.src.Name, err)
	}
	if rows == nil {
		rows = rowsOf(columns)
	}
	if rows == nil {
		if len(columns) == 0 {
			return fmt.Errorf("%s: no list of records in this JSON", d.src.Name)
		}
		if !yieldObject(raw, Place{File: d.src.Name, Line: 1}, &d.names, d.yield) {
			return errStop
		}
		return nil
	}
	for i, row := range rows {
		b, err := json.Marshal(row)
		if err != nil {
			return d.broken(err)
		}
		if !yieldObject(b, Place{File: d.src.Name, Line: int64(i + 1)}, &d.names, d.yield) {
			return errStop
		}
	}
	return nil
}

// splitRows returns the rows of an object such as {"columns": ["text", "label"], "data": [["a", 0], ["b", 1]]}, or nil if it has another
// form.
func splitRows(object map[string]json.RawMessage) ([]map[string]json.RawMessage, error) {
	var names []string
	var data [][]json.RawMessage
	if len(object) > 5 || json.Unmarshal(object["columns"], &names) != nil || json.Unmarshal(object["data"], &data) != nil || len(names) == 0 {
		return nil, nil
	}
	rows := []map[string]json.RawMessage{}
	for i, values := range data {
		row := map[string]json.RawMessage{}
		if len(values) != len(names) {
			return nil, fmt.Errorf("row %d has %d values, there are %d columns", i+1, len(values), len(names))
		}
		for j, name := range names {
			if row[name] != nil {
				return nil, fmt.Errorf("two columns are called %q", name)
			}
			row[name] = values[j]
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// rowsOf returns the rows of {"text": ["a", "b"], "label": [0, 1]}, {"text": {"0": "a", "1": "b"}, ...} or {"0": {"text": "a", ...}, ...},
// or nil if the object has none of these forms.
func rowsOf(columns map[string]json.RawMessage) []map[string]json.RawMessage {
	lists, indexed := map[string][]json.RawMessage{}, map[string]map[string]json.RawMessage{}
	n := -1
	for name, raw := range columns {
		var list []json.RawMessage
		var byIndex map[string]json.RawMessage
		switch {
		case json.Unmarshal(raw, &list) == nil && list != nil && (n < 0 || n == len(list)):
			lists[name], n = list, len(list)
		case json.Unmarshal(raw, &byIndex) == nil && byIndex != nil:
			indexed[name] = byIndex
		default:
			return nil
		}
	}
	var rows []map[string]json.RawMessage
	switch {
	case len(lists) == len(columns) && len(lists) > 1:
		for i := range n {
			row := map[string]json.RawMessage{}
			for name, list := range lists {
				row[name] = list[i]
			}
			rows = append(rows, row)
		}
	case len(indexed) == len(columns) && allNumbers(columns): // by row
		for _, i := range byNumber(columns) {
			rows = append(rows, indexed[i])
		}
	case len(indexed) == len(columns) && len(indexed) > 0: // by column
		all := map[string]json.RawMessage{}
		for _, column := range indexed {
			maps.Copy(all, column)
		}
		if !allNumbers(all) {
			return nil
		}
		for _, i := range byNumber(all) {
			row := map[string]json.RawMessage{}
			for name, column := range indexed {
				if v, ok := column[i]; ok {
					row[name] = v
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func allNumbers(m map[string]json.RawMessage) bool {
	for k := range m {
		if _, err := strconv.Atoi(k); err != nil {
			return false
		}
	}
	return len(m) > 0
}

func byNumber(m map[string]json.RawMessage) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	})
}
