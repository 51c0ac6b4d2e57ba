package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// jsonList is a list in a JSON object.
type jsonList struct {
	path  string // the names of the objects it lies in and its own, with dots
	n     int
	first json.RawMessage
}

func (l jsonList) name() string { return strings.TrimPrefix(path.Ext("."+l.path), ".") }

// holds tells what the list's first element is: '{', '"', '[' or another value's first character.
func (l jsonList) holds() byte {
	if len(l.first) == 0 {
		return 0
	}
	return l.first[0]
}

// turns tells a conversation from records: its elements have a role.
func (l jsonList) turns() bool {
	var m map[string]json.RawMessage
	if json.Unmarshal(l.first, &m) != nil {
		return false
	}
	for _, role := range []string{"role", "from", "speaker"} {
		if _, ok := m[role]; ok {
			for _, content := range []string{"content", "value", "text", "message"} {
				if _, ok := m[content]; ok {
					return true
				}
			}
		}
	}
	return false
}

// object reads a file whose first value is an object, which is open already.
func (d *jsonDoc) object(dec *json.Decoder) error {
	var lists []jsonList
	if err := outline(dec, "", &lists); err != nil {
		return d.broken(err)
	}
	if dec.More() { // one record after the other
		return d.again(func(dec *json.Decoder) error { return d.sequence(dec) })
	}
	chosen, err := d.choose(lists)
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		return d.again(func(dec *json.Decoder) error { return d.whole(dec) })
	}
	return d.again(func(dec *json.Decoder) error {
		if _, err := dec.Token(); err != nil {
			return d.broken(err)
		}
		if err := d.lists(dec, "", chosen); err != nil {
			return err
		}
		return d.end(dec)
	})
}

// again reads the file from its beginning.
func (d *jsonDoc) again(read func(*json.Decoder) error) error {
	r, closer, err := open(d.src.Path)
	if err != nil {
		return fmt.Errorf("%s: %w", d.src.Name, err)
	}
	defer closer.Close()
	if err := skipBOM(r); err != nil {
		return fmt.Errorf("%s: %w", d.src.Name, err)
	}
	return read(newJSONDecoder(r))
}

// outline notes the lists of an open object, at any depth, but not those inside lists.
func outline(dec *json.Decoder, at string, lists *[]jsonList) error {
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		t, err := dec.Token()
		if err != nil {
			return err
		}
		own := at + key.(string)
		switch t {
		case json.Delim('{'):
			if err := outline(dec, own+".", lists); err != nil {
				return err
			}
		case json.Delim('['):
			l := jsonList{path: own}
			for ; dec.More(); l.n++ {
				var raw json.RawMessage
				if err := dec.Decode(&raw); err != nil {
					return err
				}
				if l.n == 0 {
					l.first = raw
				}
			}
			if _, err := dec.Token(); err != nil {
				return err
			}
			*lists = append(*lists, l)
		}
	}
	_, err := dec.Token()
	return err
}

// choose finds the lists of records. None: the object is a record itself, or holds columns.
func (d *jsonDoc) choose(lists []jsonList) ([]jsonList, error) {
	isPart := func(l jsonList) bool {
		return parts[strings.ToLower(Unnumbered(l.name()))] || d.o.IsPart != nil && d.o.IsPart(l.name())
	}
	var records, texts []jsonList
	seen := map[string]bool{}
	for _, l := range lists {
		if seen[l.path] {
			return nil, fmt.Errorf("%s: the key %q is there twice", d.src.Name, l.path)
		}
		seen[l.path] = true
		switch {
		case l.holds() == '{' && !l.turns():
			records = append(records, l)
		case l.holds() == '"' && isPart(l):
			texts = append(texts, l)
		}
	}
	if len(records) == 0 {
		records = texts
	}
	if asked := slices.DeleteFunc(slices.Clone(records), func(l jsonList) bool { return !slices.Contains(d.o.Lists, l.name()) }); len(asked) > 0 {
		return asked, nil
	}
	if len(records) > 1 && slices.ContainsFunc(records, func(l jsonList) bool { return !isPart(l) }) {
		var told, names []string
		for _, l := range records {
			told = append(told, fmt.Sprintf("%s (%d)", l.path, l.n))
			names = append(names, strconv.Quote(l.name()))
		}
		return nil, fmt.Errorf("%s: this JSON holds several lists of records: %s. Name those to read, as in splits = [%s]", d.src.Name, strings.Join(told, ", "), strings.Join(names, ", "))
	}
	return records, nil
}

// lists reads the chosen lists of an open object.
func (d *jsonDoc) lists(dec *json.Decoder, at string, chosen []jsonList) error {
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return d.broken(err)
		}
		own := at + key.(string)
		i := slices.IndexFunc(chosen, func(l jsonList) bool { return l.path == own || strings.HasPrefix(l.path, own+".") })
		if i < 0 {
			var skipped json.RawMessage
			if err := dec.Decode(&skipped); err != nil {
				return d.broken(err)
			}
			continue
		}
		t, err := dec.Token()
		if err != nil {
			return d.broken(err)
		}
		switch {
		case t == json.Delim('['):
			place := Place{File: d.src.Name}
			if len(chosen) > 1 || d.o.IsPart != nil && d.o.IsPart(chosen[i].name()) {
				place.Part = chosen[i].name()
			}
			err = d.list(dec, place)
		case t == json.Delim('{'):
			err = d.lists(dec, own+".", chosen)
		}
		if err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

// sequence reads objects that stand one after the other, whatever the line breaks between.
func (d *jsonDoc) sequence(dec *json.Decoder) error {
	for at := (Place{File: d.src.Name, Line: 1}); ; at.Line++ {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: record %d: not JSON: %w", d.src.Name, at.Line, err)
		}
		if !yieldObject(raw, at, &d.names, d.yield) {
			return errStop
		}
	}
}

// whole reads an object that is one record, or the columns of several as data frames write them.
func (d *jsonDoc) whole(dec *json.Decoder) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return d.broken(err)
	}
	var columns map[string]json.RawMessage
	if err := json.Unmarshal(raw, &columns); err != nil {
		return d.broken(err)
	}
	rows := rowsOf(columns)
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

// rowsOf are the rows of {"text": ["a", "b"], "label": [0, 1]}, {"text": {"0": "a", "1": "b"}, ...} or {"0": {"text": "a", ...},
// ...}: nil if the object is none of these.
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
