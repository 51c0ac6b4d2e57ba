package table

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"
)

// Stem returns a file's name with its folders, but without the extensions of its format and compression. It composes accents (NFC), because
// macOS writes them separately (NFD).
func Stem(name string) string {
	name = norm.NFC.String(name)
	for {
		ext := strings.ToLower(path.Ext(name))
		if extensions[ext] == Auto && !slices.Contains(compressions, ext) && ext != ".snappy" {
			return name
		}
		name = name[:len(name)-len(ext)]
	}
}

// numbering matches the number of a part in the name of a data set's file: train-00000-of-00010-HASH (Hugging Face), part-00000-UUID-c000
// and part-r-00000 (Spark, Hadoop), 0000, train_1, 000_default, train (1). After "part", "shard" or "chunk" and the number it also matches
// the rest, which identifies the writer.
var numbering = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^(part|shard|chunk)[-_.]?([mr][-_.])?\d{3,}([-_.].*)?|[-_.]?\d+-of-\d+([-_.][0-9a-f]{6,})?|[-_.]\d+(-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?([-_.]c\d+)?|^\d+| ?\(\d+\))$`)
})

// ordinal matches a number at the beginning of a name.
var ordinal = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\d+[-_.]`)
})

// dated matches the date of a part that holds a month, a day or an hour: 2024-01-31, prompts_20240131T12.
var dated = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|[-_.])(19|20)\d\d[-_.]?(0[1-9]|1[0-2])([-_.]?[0-3]\d([-_.t ]?[0-2]\d([-_.:]?[0-5]\d){0,2}z?)?)?$`)
})

// parts are names that the files of any data set may have, so they don't tell one data set from another.
var parts = setOf(`train training test testing validation valid val dev eval evaluation all full data dataset default main part shard chunk batch split
	splits raw processed prompts rows json jsonl csv tsv parquet plain_text log logs convert refs`)

func setOf(words string) map[string]bool {
	out := map[string]bool{"": true}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// Unnumbered returns the name of a file or folder without the number or the date of a part.
func Unnumbered(name string) string {
	name = numbering().ReplaceAllString(dated().ReplaceAllString(name, ""), "")
	if rest := ordinal().ReplaceAllString(name, ""); parts[strings.ToLower(rest)] {
		return rest
	}
	return name
}

// partition returns the column and the value in a folder's name such as label=1. Hive, Spark and pyarrow write data sets this way.
func partition(folder string) (column, value string, ok bool) {
	column, value, ok = strings.Cut(folder, "=")
	if decoded, err := url.PathUnescape(value); err == nil {
		value = decoded
	}
	return column, value, ok && column != ""
}

// withPartitions adds to a file's records the columns that the names of its folders give.
func withPartitions(name string, yield yielder) yielder {
	values := map[string]any{}
	var columns []string
	for _, folder := range strings.Split(path.Dir(name), "/") {
		if column, value, ok := partition(folder); ok && values[column] == nil {
			columns, values[column] = append(columns, column), value
			if value == "__HIVE_DEFAULT_PARTITION__" {
				values[column] = nil
			}
		}
	}
	if len(columns) == 0 {
		return yield
	}
	var last, names []string // a record's own names, and these with the folders' columns
	return func(rec Record, err error) bool {
		if err != nil {
			return yield(rec, err)
		}
		if names == nil || len(last) != len(rec.Names) || len(last) > 0 && &last[0] != &rec.Names[0] {
			last, names = rec.Names, slices.Clone(rec.Names)
			for _, c := range columns {
				if !slices.Contains(names, c) {
					names = append(names, c)
				}
			}
		}
		for _, c := range columns {
			if _, there := rec.Values[c]; !there {
				rec.Values[c] = values[c]
			}
		}
		rec.Names = names
		return yield(rec, nil)
	}
}

// SourceOf returns the name of the data set that a file of a folder belongs to. It is the file's name without the number of a part; if that
// only names a part, such as "train", it is the name of the folder, and so on. A name for which skip is true is only used if there is no
// other. The result is "" if no name identifies a data set.
func SourceOf(name string, skip func(string) bool) string {
	fallback := ""
	for at := Stem(name); at != "." && at != "/" && at != ""; at = path.Dir(at) {
		base := Unnumbered(path.Base(at))
		_, _, column := partition(base)
		switch {
		case column: // the folder gives the rows a column, it doesn't name the data set
		case parts[strings.ToLower(base)]:
		case skip(base):
			if fallback == "" {
				fallback = base
			}
		default:
			return base
		}
	}
	return fallback
}
