package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// jsonList is a list in a JSON object.
type jsonList struct {
	path  string // names of the objects around it and its own, joined by dots
	n     int
	first json.RawMessage
}

func (l jsonList) name() string { return strings.TrimPrefix(path.Ext("."+l.path), ".") }

// holds returns the first character of the list's first element, which tells its type: '{', '"', '[' and so on. It is 0 for an empty list.
func (l jsonList) holds() byte {
	if len(l.first) == 0 {
		return 0
	}
	return l.first[0]
}

// isConversation tells whether the list's elements are the messages of a conversation, which have a role, and not records.
func (l jsonList) isConversation() bool {
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

// object reads a file that begins with an object, after its opening brace.
func (d *jsonDoc) object(dec *json.Decoder) error {
	var lists []jsonList
	if err := outline(dec, "", &lists); err != nil {
		return d.broken(err)
	}
	if dec.More() { // several records, one after the other
		return d.reread(func(dec *json.Decoder) error { return d.sequence(dec) })
	}
	chosen, err := d.choose(lists)
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		return d.reread(func(dec *json.Decoder) error { return d.whole(dec) })
	}
	if d.served {
		if err := d.reread(func(dec *json.Decoder) error {
			classes, err := servedClasses(dec)
			d.yield = withClasses(classes, d.yield)
			return err
		}); err != nil {
			return d.broken(err)
		}
	}
	return d.reread(func(dec *json.Decoder) error {
		if _, err := dec.Token(); err != nil {
			return d.broken(err)
		}
		if err := d.lists(dec, "", chosen); err != nil {
			return err
		}
		return d.end(dec)
	})
}

// reread calls read with a decoder at the beginning of the file.
func (d *jsonDoc) reread(read func(*json.Decoder) error) error {
	r, closer, _, err := open(d.src.Path)
	if err != nil {
		return fmt.Errorf("%s: %w", d.src.Name, err)
	}
	defer closer.Close()
	if err := skipBOM(r); err != nil {
		return fmt.Errorf("%s: %w", d.src.Name, err)
	}
	return read(newJSONDecoder(r))
}

// outline collects the lists in an open object, at any depth, except those inside other lists.
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

// choose finds the lists of records. It returns none if the object itself is a record, or holds columns.
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
		case l.path == "schema.fields": // pandas describes the columns here, beside the records
		case l.holds() == '{' && !l.isConversation():
			records = append(records, l)
		case l.holds() == '"' && isPart(l):
			texts = append(texts, l)
		}
	}
	if len(records) == 0 {
		records = texts
	}
	if i := slices.IndexFunc(records, jsonList.served); i >= 0 {
		d.served = true
		return records[i : i+1], nil
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
			if slices.ContainsFunc(chosen, func(l jsonList) bool { return l.path != own && l.name() == chosen[i].name() }) { // two lists have one name; their paths differ
				place.Part = chosen[i].path
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

// sequence reads objects that follow one another, with any line breaks between and within them.
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
