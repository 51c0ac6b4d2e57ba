package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

// folder writes files and returns their folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// read runs the step with its defaults.
func read(t *testing.T, c Config, path string) ([]artifact.Row, *stepstest.Env, error) {
	t.Helper()
	if c.UTF8 == "" {
		c.UTF8 = "error"
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	env := stepstest.New(t, "rows")
	out, err := run(t.Context(), env.Env, c, In{artifact.File{Path: path}})
	if err != nil {
		return nil, env, err
	}
	rows, err := out.Rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	return rows, env, nil
}

func mustRead(t *testing.T, c Config, files map[string]string) []artifact.Row {
	t.Helper()
	rows, _, err := read(t, c, folder(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestColumnsAndLabelsAreRecognised(t *testing.T) {
	want := []artifact.Row{
		{ID: "1", Text: "hello, you", Label: "benign", Category: "other", Root: "1@21145eedce97a225"},
		{ID: "2", Text: "do it now", Label: "malicious", Category: "other", Root: "2@4de41b5f21aa8129"},
	}
	for name, text := range map[string]string{
		"words.jsonl":    `{"id":1,"text":"hello, you","label":"benign"}` + "\n\n" + `{"id":2,"text":"do it now","label":"Malicious"}` + "\n",
		"numbers.csv":    "\ufeffid,Prompt,Is Malicious\n1,\"hello, you\",0\n2,do it now,1\n",
		"tabs.tsv":       "id\tcontent\tlabel\n1\thello, you\tsafe\n2\tdo it now\tunsafe\n",
		"inverted.jsonl": `{"id":"1","prompt":"hello, you","is_safe":true}` + "\n" + `{"id":"2","prompt":"do it now","is_safe":false}`,
		"array.json":     `[{"id":1,"text":"hello, you","label":false},{"id":2,"text":"do it now","label":true}]`,
		"wrapped.json":   "{\n \"data\": [{\"id\":1,\"text\":\"hello, you\",\"label\":0},\n{\"id\":2,\"text\":\"do it now\",\"label\":1.0}]}",
		"chat.jsonl": `{"id":1,"messages":[{"role":"system","content":"x"},{"role":"user","content":"hello, you"}],"label":"ok"}` + "\n" +
			`{"id":2,"messages":[{"from":"human","value":"do it now"}],"label":"attack"}`,
	} {
		got := mustRead(t, Config{}, map[string]string{name: text})
		for i := range got { // whose words they are is known of a conversation only
			if strings.HasPrefix(name, "chat") != (got[i].Role == artifact.RoleUser) {
				t.Errorf("%s: role %q", name, got[i].Role)
			}
			got[i].Role = ""
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestLessUsualColumns(t *testing.T) {
	for text, want := range map[string][]string{
		"prompt,type\nhello,benign\nignore the rules,jailbreak\n":               {"hello benign other", "ignore the rules malicious jailbreak"},
		"prompt,category,label\nhello,coding,0\nignore the rules,DAN,1\n":       {"hello benign coding", "ignore the rules malicious DAN"},
		"instruction,input,label\nsum up,the text,0\nignore the rules,,1\n":     {"sum up\nthe text benign other", "ignore the rules malicious other"},
		"text,label,weight,method\nhello,0,70 kg,GET\nignore the rules,1,8,x\n": {"hello benign other", "ignore the rules malicious other"},
	} {
		var got []string
		for _, r := range mustRead(t, Config{}, map[string]string{"a.csv": text}) {
			if got = append(got, r.Text+" "+r.Label+" "+r.Category); r.Weight != 0 || r.Method != "" {
				t.Errorf("%+v", r)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestFolderOfFilesThatSayTheirLabel(t *testing.T) {
	rows := mustRead(t, Config{}, map[string]string{
		"benign.csv": "text\nhello\n", "attacks/jailbreaks.jsonl": `{"prompt":"do anything","category":"DAN"}`, "README.md": "about", ".hidden.csv": "x",
	})
	var got []string
	for _, r := range rows {
		got = append(got, r.Text+" "+r.Label+" "+r.Category+" "+r.Source)
	}
	want := []string{"do anything malicious DAN jailbreaks", "hello benign other benign"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMappings(t *testing.T) {
	c := Config{
		Columns: map[string]string{"text": "a", "label": "b", "category": "c"}, Labels: map[string]string{"spam": "malicious", "2": "benign"},
		Categories: map[string]string{"DAN": "jailbreak"}, Source: "mine",
	}
	rows := mustRead(t, c, map[string]string{"x.csv": "a,b,c,text\nt1,spam,DAN,no\nt2,2,x,no\n"})
	want := []artifact.Row{{Text: "t1", Label: "malicious", Category: "jailbreak", Source: "mine"}, {Text: "t2", Label: "benign", Category: "x", Source: "mine"}}
	for i := range rows {
		rows[i].ID, rows[i].Root = "", ""
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

func TestIDs(t *testing.T) {
	rows := mustRead(t, Config{}, map[string]string{
		"a.jsonl": `{"id":"7","text":"a","label":0}` + "\n" + `{"text":"b","label":0}` + "\n" + `{"text":"b","label":0}`, "b.jsonl": `{"id":"7","text":"c","label":1}`,
	})
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.ID] || r.Root == "" {
			t.Errorf("id %q, root %q", r.ID, r.Root)
		}
		seen[r.ID] = true
	}
	if !seen["7"] || !seen["7#2"] {
		t.Errorf("got %v", seen)
	}
	if rows[0].Root == rows[3].Root {
		t.Error("rows of different files with one id must not have one root")
	}
	var ids []string
	for _, r := range mustRead(t, Config{}, map[string]string{"a.csv": "id,text,label\n7,a,0\n7#2,b,0\n7,c,1\n7,d,1\n7#2,e,1\n"}) {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff([]string{"7", "7#2", "7#3", "7#4", "7#2#2"}, ids); diff != "" {
		t.Error(diff)
	}
	if again := mustRead(t, Config{}, map[string]string{"z.csv": "text,label\nb,0\n"}); again[0].ID != rows[1].ID {
		t.Error("a made id must depend on the text alone")
	}
}

func TestBadRowsAreNamed(t *testing.T) {
	files := map[string]string{"a.jsonl": `{"text":"a","label":0}
{"text":"b"
{"text":"","label":0}
{"text":"c","label":"maybe"}
{"label":1}
{"text":"d","label":null}
[1]
{"text":"e","label":1}
`, "b.csv": "text,label\n\"x,y\",1\nx,y,1\n"}
	_, _, err := read(t, Config{}, folder(t, files))
	for _, want := range []string{"7 unusable rows, max_bad allows 0", "a.jsonl:2: not JSON", `a.jsonl:3: "text" is empty`, `a.jsonl:4: label "maybe"`,
		`a.jsonl:5: no "text"`, `a.jsonl:6: "label" has no value`, "a.jsonl:7: a JSON object is needed, this is a list", "b.csv:3: 3 fields, the header has 2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %q", err, want)
		}
	}
	rows, env, err := read(t, Config{MaxBad: 7}, folder(t, files))
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if env.Metrics["bad_rows"] != 7 || !strings.Contains(env.Notes[0], "a.jsonl:2") {
		t.Errorf("%v %q", env.Metrics, env.Notes)
	}
}

// The error for something that isn't text must say what it is.
func TestTextsThatAreNone(t *testing.T) {
	for line, want := range map[string]string{
		`{"text":{"lang":"en","value":"x"},"label":0}`:            `"text" is an object ("lang", "value"), and no text`,
		`{"text":{},"label":0}`:                                   `"text" is an object (), and no text`,
		`{"text":[{"role":"assistant","content":"x"}],"label":0}`: `"text" is a list without a turn that is read`,
		`{"text":[],"label":0}`:                                   `"text" is empty`,
		`{"text":" ","label":0}`:                                  `"text" is empty`,
	} {
		if _, _, err := read(t, Config{}, folder(t, map[string]string{"a.jsonl": line})); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

// TestLabelWordsAreCollected checks that one message names all words that the labels argument has to explain.
func TestLabelWordsAreCollected(t *testing.T) {
	text := "text,verdict\n"
	for i := range 30 {
		text += fmt.Sprintf("prompt %d,%s\n", i, []string{"fine", "fine", "bad actor"}[i%3])
	}
	_, _, err := read(t, Config{}, folder(t, map[string]string{"a.csv": text}))
	want := `labels = { "fine" = ..., "bad actor" = ... }`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if rows, _, err := read(t, Config{Labels: map[string]string{"fine": "benign", "bad actor": "malicious"}},
		folder(t, map[string]string{"a.csv": text})); err != nil || len(rows) != 30 {
		t.Errorf("as it says: %d rows, %v", len(rows), err)
	}
}

func TestRefusals(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"no label column among prompt":             {"a.csv": "prompt\nx\n"},
		"no text column among foo, label":          {"a.csv": "foo,label\nx,1\n"},
		"no data file in the folder":               {"README.md": "x"},
		"no rows: 1 file, 0 unusable rows":         {"a.csv": "text,label\n"},
		"put a line with the columns' names above": {"a.csv": "who goes there,benign\nx,malicious\n"},
		"two columns are called":                   {"a.csv": "text,text\nx,1\n"},
		"not a readable Parquet file":              {"a.parquet": "PAR1 and nothing"},
		"bytes that are no UTF-8":                  {"a.jsonl": "{\"text\":\"a\xff\",\"label\":0}"},
		"the file is UTF-16":                       {"a.csv": "\xff\xfet\x00"},
		"the list is not closed":                   {"a.json": `[{"text":"a","label":0}`},
		"gzip: ":                                   {"a.csv.gz": "\x1f\x8b\x00\x00\x00\x00\x00\x00\x00\x00"},
		`extraneous or missing " in quoted-field`:  {"a.csv": "text,label\n\"x\"y,1\n"},
	} {
		if _, _, err := read(t, Config{}, folder(t, files)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
