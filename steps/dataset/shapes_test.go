package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"rein/steps/artifact"
)

// texts returns the rows as "text label".
func texts(rows []artifact.Row) string {
	var out []string
	for _, r := range rows {
		out = append(out, r.Text+" "+r.Label)
	}
	return strings.Join(out, "; ")
}

// Chats are read from Parquet as they are from JSON: the user's turns.
func TestChatsInParquet(t *testing.T) {
	type turn struct {
		Role    string `parquet:"role"`
		Content string `parquet:"content"`
	}
	type structs struct {
		Messages []turn `parquet:"messages,list"`
		Toxic    bool   `parquet:"toxic"`
		Image    []byte `parquet:"image"`
	}
	type maps struct {
		Conversation []map[string]string `parquet:"conversation,list"`
		Label        uint8               `parquet:"label"`
	}
	dir := t.TempDir()
	write := func(name string, save func(path string) error) string {
		p := filepath.Join(dir, name)
		if err := save(p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for path, want := range map[string]string{
		write("structs.parquet", func(p string) error {
			return parquet.WriteFile(p, []structs{{[]turn{{"system", "be kind"}, {"user", "a"}, {"assistant", "no"}, {"user", "b"}}, true, []byte{0xff, 0xfe}}, {[]turn{{"user", "c"}}, false, nil}})
		}): "a\nb malicious; c benign",
		write("maps.parquet", func(p string) error {
			return parquet.WriteFile(p, []maps{{[]map[string]string{{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}}, 0}})
		}): "a benign",
	} {
		rows, _, err := read(t, Config{}, path)
		if err != nil || texts(rows) != want {
			t.Errorf("%s: %q, %v; want %q", filepath.Base(path), texts(rows), err, want)
		}
	}
}

// Notes must report what is repaired, read as empty, or odd. Columns that aren't used may hold anything.
func TestNothingIsRepairedWithoutAWord(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		c    Config
		want string // the rows, or the error
		note string
	}{
		"bytes, unused":     {"{\"text\":\"a\",\"label\":0,\"raw\":\"\xff\"}", Config{}, "a benign", ""},
		"bytes":             {"{\"text\":\"a\xff\",\"label\":0}", Config{}, `bytes that are no UTF-8 in "text"`, ""},
		"bytes, repaired":   {"{\"text\":\"a\xff\",\"label\":0}", Config{UTF8: "repair"}, "a\ufffd benign", "1 rows held bytes"},
		"half a pair":       {`{"text":"a\ud83d","label":0}`, Config{}, `half of a surrogate pair (\ud800 to \udfff) in "text"`, ""},
		"a key twice":       {`{"text":"a","label":0,"label":1}`, Config{}, `the key "label" is there twice`, ""},
		"NaN, unused":       {`{"text":"a","label":0,"score":NaN}`, Config{}, "a benign", "1 row with NaN or Infinity"},
		"NaN for a label":   {`{"text":"a","label":NaN}`, Config{}, `"label" has no value`, ""},
		"None for a label":  {`{"text":"a","label":"None"}`, Config{}, `"label" has no value`, ""},
		"none, as is asked": {`{"text":"a","label":"none"}`, Config{Labels: map[string]string{"none": "benign"}}, "a benign", ""},
		"None for a text":   {`{"text":"None","label":0}`, Config{}, "None benign", `the whole text of 1 row is "None"`},
		"splits in JSON":    {`{"train":[{"text":"a","label":0}],"test":[{"text":"b","label":1}]}`, Config{Splits: []string{"test"}}, "b malicious", ""},
		"all splits":        {`{"train":[{"text":"a","label":0}],"test":[{"text":"b","label":1}]}`, Config{}, "a benign; b malicious", ""},
		"lists by label":    {`{"safe":["a"],"unsafe":["b"]}`, Config{}, "a benign; b malicious", ""},
		"pandas":            {`{"text":{"0":"a","1":"b"},"label":{"0":0,"1":1}}`, Config{}, "a benign; b malicious", ""},
	} {
		path := filepath.Join(t.TempDir(), "a.json")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		rows, env, err := read(t, c.c, path)
		got := texts(rows)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) || err == nil && got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if said := strings.Join(env.Notes, "\n"); !strings.Contains(said, c.note) {
			t.Errorf("%s: notes %q, want %q", name, said, c.note)
		}
	}
}
