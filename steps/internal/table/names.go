package table

import (
	"path"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Stem is a file's name without the extensions that tell its format and compression, its folders kept. Names that macOS
// writes with separate accents (NFD) come out as other systems write them.
func Stem(name string) string {
	name = norm.NFC.String(name)
	for {
		ext := strings.ToLower(path.Ext(name))
		if extensions[ext] == Auto && ext != ".gz" && ext != ".zst" && ext != ".zstd" && ext != ".snappy" {
			return name
		}
		name = name[:len(name)-len(ext)]
	}
}

// numbering is how the parts of a data set are counted at the end of their names: train-00000-of-00010-HASH (Hugging Face),
// part-00000-UUID-c000 (Spark), 0000, train_1. What comes after the number of a part, a shard or a chunk names its writer.
var numbering = regexp.MustCompile(`(?i)(^(part|shard|chunk)[-_.]?\d{3,}[-_.].*|[-_.]?\d+-of-\d+([-_.][0-9a-f]{6,})?|[-_.]\d+(-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?([-_.]c\d+)?|^\d+)$`)

// parts are names of which a data set's files are all called: they tell no data set from another.
var parts = map[string]bool{"": true, "train": true, "training": true, "test": true, "testing": true, "validation": true, "valid": true, "val": true,
	"dev": true, "eval": true, "evaluation": true, "all": true, "full": true, "data": true, "dataset": true, "default": true, "main": true, "part": true, "shard": true,
	"chunk": true, "batch": true, "split": true, "splits": true, "raw": true, "processed": true, "prompts": true, "rows": true, "json": true, "jsonl": true,
	"csv": true, "tsv": true, "parquet": true, "plain_text": true}

// Unnumbered is a file's or folder's name without the number of a part.
func Unnumbered(name string) string { return numbering.ReplaceAllString(name, "") }

// SourceOf is the data set that a file of a folder belongs to by its name: the name itself, without a part's number, or the
// folder's where the name only says which part it is. Empty: no name tells. Names that skip takes are used if there is no other.
func SourceOf(name string, skip func(string) bool) string {
	fallback := ""
	for at := Stem(name); at != "." && at != "/" && at != ""; at = path.Dir(at) {
		base := Unnumbered(path.Base(at))
		switch {
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
