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

// Stem is a file's name without the extensions that tell its format and compression, its folders kept. Names that macOS
// writes with separate accents (NFD) come out as other systems write them.
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

// numbering is how the parts of a data set are counted in their names: train-00000-of-00010-HASH (Hugging Face),
// part-00000-UUID-c000 and part-r-00000 (Spark, Hadoop), 0000, train_1, 000_default, train (1). What comes after the number of
// a part, a shard or a chunk names its writer.
var numbering = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^(part|shard|chunk)[-_.]?([mr][-_.])?\d{3,}([-_.].*)?|[-_.]?\d+-of-\d+([-_.][0-9a-f]{6,})?|[-_.]\d+(-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?([-_.]c\d+)?|^\d+| ?\(\d+\))$`)
})

// ordinal is a number in front of a name.
var ordinal = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\d+[-_.]`)
})

// dated are names of parts by day, by month or by hour: 2024-01-31, prompts_20240131T12.
var dated = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|[-_.])(19|20)\d\d[-_.]?(0[1-9]|1[0-2])([-_.]?[0-3]\d([-_.t ]?[0-2]\d([-_.:]?[0-5]\d){0,2}z?)?)?$`)
})

// parts are names of which a data set's files are all called: they tell no data set from another.
var parts = setOf(`train training test testing validation valid val dev eval evaluation all full data dataset default main part shard chunk batch split
	splits raw processed prompts rows json jsonl csv tsv parquet plain_text log logs convert refs`)

func setOf(words string) map[string]bool {
	out := map[string]bool{"": true}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// Unnumbered is a file's or folder's name without the number or the date of a part.
func Unnumbered(name string) string {
	name = numbering().ReplaceAllString(dated().ReplaceAllString(name, ""), "")
	if rest := ordinal().ReplaceAllString(name, ""); parts[strings.ToLower(rest)] {
		return rest
	}
	return name
}

// partition is a folder's column and value, as Hive, Spark and the datasets of pyarrow write them: label=1.
func partition(folder string) (column, value string, ok bool) {
	column, value, ok = strings.Cut(folder, "=")
	if decoded, err := url.PathUnescape(value); err == nil {
		value = decoded
	}
	return column, value, ok && column != ""
}

// withPartitions gives a file's records the columns that its folders' names are.
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
	var last, names []string // the names of the records themselves, and with the folders'
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

// SourceOf is the data set that a file of a folder belongs to by its name: the name itself, without a part's number, or the
// folder's where the name only says which part it is. Empty: no name tells. Names that skip takes are used if there is no other.
func SourceOf(name string, skip func(string) bool) string {
	fallback := ""
	for at := Stem(name); at != "." && at != "/" && at != ""; at = path.Dir(at) {
		base := Unnumbered(path.Base(at))
		_, _, column := partition(base)
		switch {
		case column: // it says something of the rows, and is a column of theirs
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
