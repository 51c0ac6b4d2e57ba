package dataset

import (
	"strings"
	"testing"

	"rein/steps/artifact"
)

const card = `---
license: mit
dataset_info:
- config_name: default
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': jailbreak
          '1': benign
---
# About
`

// If a data set says what its numbers mean, the step must follow it, wherever the data set says it.
func TestClassNamesOfADataSet(t *testing.T) {
	rows := "text,label\ngo on,0\nhello,1\n"
	for name, files := range map[string]map[string]string{
		"README.md":          {"data/train.csv": rows, "README.md": card},
		"README.md, one":     {"data/train.csv": rows, "README.md": strings.Replace(card, "- config_name: default\n  features", "  features", 1)},
		"dataset_infos.json": {"train.csv": rows, "dataset_infos.json": `{"default":{"features":{"label":{"names":["jailbreak","benign"],"_type":"ClassLabel"}}}}`},
		"dataset_info.json":  {"a/train.csv": rows, "a/dataset_info.json": `{"features":{"label":{"names":["jailbreak","benign"],"_type":"ClassLabel"}}}`},
	} {
		got, env, err := read(t, Config{}, folder(t, files))
		if err != nil || len(got) != 2 || got[0].Label != artifact.Malicious || got[0].Category != "jailbreak" || got[1].Label != artifact.Benign || len(env.Notes) > 0 {
			t.Errorf("%s: %+v, %q, %v", name, got, env.Notes, err)
		}
	}
	list := `{"text":"go on","label":[0]}` + "\n" + `{"text":"hello","label":[1]}`
	for name, files := range map[string]map[string]string{
		"list in README.md":         {"data/train.jsonl": list, "README.md": strings.Replace(card, "    dtype:\n      class_label", "    sequence:\n      class_label", 1)},
		"list in dataset_info.json": {"a/train.jsonl": list, "a/dataset_info.json": `{"features":{"label":{"feature":{"names":["jailbreak","benign"],"_type":"ClassLabel"},"_type":"List"}}}`},
		"older":                     {"a/train.jsonl": list, "a/dataset_info.json": `{"features":{"label":[{"names":["jailbreak","benign"],"_type":"ClassLabel"}]}}`},
	} {
		if got, _, err := read(t, Config{}, folder(t, files)); err != nil || texts(got) != "go on malicious; hello benign" {
			t.Errorf("%s: %q, %v", name, texts(got), err)
		}
	}
	asked := Config{Labels: map[string]string{"0": "benign", "1": "malicious"}}
	if got, _, err := read(t, asked, folder(t, map[string]string{"train.csv": rows, "README.md": card})); err != nil || got[0].Label != artifact.Benign {
		t.Errorf("what is asked for comes first: %+v, %v", got, err)
	}
	for name, content := range map[string]string{"README.md": "---\n: [\n---\n", "dataset_infos.json": "{"} { // no card is an error
		if got, _, err := read(t, Config{}, folder(t, map[string]string{"train.csv": rows, name: content})); err != nil || got[0].Label != artifact.Benign {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// The meaning of numbers without names is a guess, so a note must say how they were read.
func TestNumbersAreSaidToBeGuessed(t *testing.T) {
	for text, want := range map[string]string{
		"text,label\na,0\nb,0\nc,1\n": `label 0 is taken for benign (2 rows), 1 for malicious (1 row)`,
		"text,is_attack\na,0\nb,1\n":  "", // the column's name says it
		"text,label\na,safe\nb,bad\n": "",
	} {
		_, env, err := read(t, Config{}, folder(t, map[string]string{"a.csv": text}))
		if said := strings.Join(env.Notes, "\n"); err != nil || !strings.Contains(said, want) || want == "" && said != "" {
			t.Errorf("%q: %q, %v", text, said, err)
		}
	}
}

func TestUnknownLabelsAreToldByValue(t *testing.T) {
	for text, want := range map[string]string{
		"text,label\n" + strings.Repeat("a,ham\n", 30) + "b,spam\nc,benign\n": `31 unusable rows, max_bad allows 0: label "ham" (30 rows) and "spam" (1 row) are neither benign nor malicious by any usual word; ` +
			`say which they are, "benign" or "malicious": labels = { "ham" = ..., "spam" = ... }`,
		"text,toxicity\na,0.01\nb,0.02\nc,0.03\nd,0.04\ne,0.05\nf,0.06\ng,0.07\nh,0.08\ni,0.09\nj,0.5\nk,0.9\n": `toxicity has many values ("0.01", "0.02", "0.03" and 8 more): a score is no label`,
	} {
		_, _, err := read(t, Config{}, folder(t, map[string]string{"a.csv": text}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// A pool of benign prompts needs no label column, even where the other files' label column has an unusual name.
func TestAskedForLabelMayBeMissingBesideADefault(t *testing.T) {
	c := Config{Columns: map[string]string{"label": "flag"}, Label: "benign"}
	if got, _, err := read(t, c, folder(t, map[string]string{"a.csv": "text\na\n"})); err != nil || got[0].Label != artifact.Benign {
		t.Errorf("%+v, %v", got, err)
	}
	c.Label = ""
	if _, _, err := read(t, c, folder(t, map[string]string{"a.csv": "text\na\n"})); err == nil || !strings.Contains(err.Error(), `no column "flag" for label`) {
		t.Errorf("got %v", err)
	}
}
