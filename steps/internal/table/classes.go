package table

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// IsAbout tells by a file's name whether it may say what the numbers in a data set's columns mean. Such files are Hugging Face's data set
// card and the files that the `datasets` library writes beside the data.
func IsAbout(name string) bool {
	base := path.Base(name)
	return base == "README.md" || about[base]
}

// AboutFiles returns the files for which IsAbout is true, in a folder and in the folders directly in it.
func AboutFiles(dir string) []Source {
	var out []Source
	for _, pattern := range []string{"*", "*/*"} {
		found, _ := fs.Glob(os.DirFS(dir), pattern) // the pattern is valid, so there is no error
		for _, name := range found {
			if IsAbout(name) {
				out = append(out, Source{name, filepath.Join(dir, filepath.FromSlash(name))})
			}
		}
	}
	return out
}

// Classes returns, by column, the class names of a data set's numbers (ClassLabel), as files found by AboutFiles state them. The index in
// the list is the number. It ignores files that it can't read, and gives no names to a column about which the files disagree.
func Classes(files []Source) map[string][]string {
	out := map[string][]string{}
	for _, f := range files {
		b, err := os.ReadFile(f.Path)
		if err != nil {
			continue
		}
		for _, said := range claims(path.Base(f.Name), b) {
			for column, names := range said {
				if had, ok := out[column]; ok && !slices.Equal(had, names) {
					names = nil
				}
				out[column] = names
			}
		}
	}
	maps.DeleteFunc(out, func(_ string, names []string) bool { return len(names) == 0 })
	return out
}

// claims returns the class names by column that a file states, one map for each configuration of the data set.
func claims(name string, content []byte) []map[string][]string {
	if name == "README.md" {
		return cardClaims(content)
	}
	type info struct {
		Features features `json:"features"`
	}
	var one info
	all := map[string]info{} // by configuration
	if json.Unmarshal(content, &one) == nil && len(one.Features) > 0 {
		all[""] = one
	} else if json.Unmarshal(content, &all) != nil {
		return nil
	}
	var out []map[string][]string
	for _, i := range all {
		out = append(out, i.Features.classes())
	}
	return out
}

// features are a data set's columns as the `datasets` library writes them in JSON.
type features map[string]feature

// feature is a column's type. A list of classes has the names of its elements.
type feature struct {
	Names []string
}

func (f *feature) UnmarshalJSON(b []byte) error {
	var list []feature // older versions write a list type this way
	if json.Unmarshal(b, &list) == nil && len(list) == 1 {
		*f = list[0]
		return nil
	}
	var v struct {
		Names   []string `json:"names"`
		Element *feature `json:"feature"`
	}
	if json.Unmarshal(b, &v) != nil {
		return nil // another program's type
	}
	if f.Names = v.Names; len(v.Names) == 0 && v.Element != nil {
		f.Names = v.Element.Names
	}
	return nil
}

// classes returns the class names of the columns that have some.
func (f features) classes() map[string][]string {
	out := map[string][]string{}
	for column, t := range f {
		if len(t.Names) > 0 {
			out[column] = t.Names
		}
	}
	return out
}

// className replaces a number, or each number in a list, by its class name. It returns any other value as it is.
func className(v any, names []string) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil && i >= 0 && i < int64(len(names)) {
			return names[i]
		}
	case []any:
		for i := range v {
			v[i] = className(v[i], names)
		}
	}
	return v
}

// cardInfo is one configuration in the front matter of a data set card.
type cardInfo struct {
	Features []struct {
		Name     string    `yaml:"name"`
		DType    yaml.Node `yaml:"dtype"` // a type's name, or an object that describes the type
		Sequence yaml.Node `yaml:"sequence"`
		List     yaml.Node `yaml:"list"`
	} `yaml:"features"`
}

func cardClaims(card []byte) []map[string][]string {
	front, ok := bytes.CutPrefix(bytes.ReplaceAll(card, []byte("\r\n"), []byte("\n")), []byte("---\n"))
	front, _, found := bytes.Cut(front, []byte("\n---"))
	var c struct {
		Info yaml.Node `yaml:"dataset_info"`
	}
	if !ok || !found || yaml.Unmarshal(front, &c) != nil {
		return nil
	}
	all := make([]cardInfo, 1)
	if c.Info.Decode(&all[0]) != nil && c.Info.Decode(&all) != nil {
		return nil
	}
	var out []map[string][]string
	for _, i := range all {
		said := map[string][]string{}
		for _, f := range i.Features {
			for _, t := range []yaml.Node{f.DType, f.Sequence, f.List} {
				var d struct {
					ClassLabel struct {
						Names map[string]string `yaml:"names"`
					} `yaml:"class_label"`
				}
				if t.Decode(&d) == nil && len(d.ClassLabel.Names) > 0 {
					said[f.Name] = inOrder(d.ClassLabel.Names)
				}
			}
		}
		out = append(out, said)
	}
	return out
}

// inOrder returns the names of 0, 1, and so on, or nil if one of them is missing.
func inOrder(names map[string]string) []string {
	var out []string
	for i := range len(names) {
		name, ok := names[strconv.Itoa(i)]
		if !ok {
			return nil
		}
		out = append(out, name)
	}
	return out
}
