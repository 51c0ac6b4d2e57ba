package tokenizer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var kinds = []string{"roberta", "prefixed", "mpnet", "unigram", "unigram-words"}

// lines reads a file with one JSON value on each line.
func lines[T any](t testing.TB, path string) []T {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	sc := bufio.NewScanner(bytes.NewReader(b))
	sc.Buffer(nil, 1<<26)
	for sc.Scan() {
		var v T
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// equal compares the ids of a folder's tokenizer with those that Hugging Face gave for the questions.
func equal(t *testing.T, dir string, questions []string) {
	t.Helper()
	files, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := files.Open()
	if err != nil {
		t.Fatal(err)
	}
	want := lines[[]int32](t, filepath.Join(dir, "ids.jsonl"))
	if len(want) != len(questions) {
		t.Fatalf("%d answers for %d questions", len(want), len(questions))
	}
	wrong := 0
	for i, q := range questions {
		got := tok.Encode(nil, q, 0)
		if !slices.Equal(got, want[i]) {
			if wrong++; wrong <= 5 {
				t.Errorf("%q: %v, want %v", q, got, want[i])
			}
			continue
		}
		if len(got) > 3 {
			short := tok.Encode([]int32{9}, q, len(got)-1)
			cut := append(append([]int32{9}, want[i][:len(got)-2]...), want[i][len(got)-1])
			if !slices.Equal(short, cut) {
				t.Errorf("%q, one token less: %v, want %v", q, short, cut)
			}
		}
	}
	t.Logf("%d of %d texts differ", wrong, len(questions))
}

// Small tokenizers give the ids that tokenizers 0.23 gave after training them (testdata/train.py).
func TestEqualsKept(t *testing.T) {
	questions := lines[string](t, filepath.Join("testdata", "questions.jsonl"))
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) { equal(t, filepath.Join("testdata", kind), questions) })
	}
}

// Tokenizers give Hugging Face's ids for all prompts of the data folder, and around every character. The test needs REIN_PYTHON, a Python
// with the tokenizers package.
func TestAgainstHuggingFace(t *testing.T) {
	python := os.Getenv("REIN_PYTHON")
	data := os.Getenv("REIN_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	files, _ := filepath.Glob(filepath.Join(data, "*.jsonl"))
	if python == "" || len(files) == 0 || testing.Short() {
		t.Skip("REIN_PYTHON is not set, or there is no data folder (REIN_DATA)")
	}
	var texts []string
	for _, name := range files {
		for _, row := range lines[struct{ Text string }](t, name) {
			texts = append(texts, row.Text)
		}
	}
	dir := t.TempDir()
	trained := texts
	if len(trained) > 12000 {
		trained = nil
		for i := 0; i < len(texts); i += len(texts) / 12000 {
			trained = append(trained, texts[i])
		}
	}
	writeLines(t, filepath.Join(dir, "texts.jsonl"), trained)
	for r := rune(1); r <= 0x10ffff; r++ {
		if r < 0xd800 || r > 0xdfff {
			texts = append(texts, fmt.Sprintf("a%cb %c", r, r))
		}
	}
	writeLines(t, filepath.Join(dir, "questions.jsonl"), texts)
	cmd := exec.Command(python, filepath.Join("testdata", "train.py"), dir, filepath.Join(dir, "texts.jsonl"), strconv.Itoa(8000), filepath.Join(dir, "questions.jsonl"))
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range append(slices.Clone(kinds), "xlm-roberta", "deberta") {
		t.Run(kind, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(dir, kind)); err != nil {
				t.Skip("REIN_PYTHON has no sentencepiece, whose table of characters this kind has")
			}
			equal(t, filepath.Join(dir, kind), texts)
		})
	}
}

func writeLines(t *testing.T, path string, values []string) {
	t.Helper()
	var b bytes.Buffer
	for _, v := range values {
		line, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSaysWhatIsNotKnown(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "roberta", "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	for want, edit := range map[string][2]string{
		`type "Martian"`:          {`"type": "BPE"`, `"type": "Martian"`},
		"pre-tokenizer":           {`"type": "ByteLevel"`, `"type": "Whitespace"`},
		"dropout":                 {`"dropout": null`, `"dropout": 0.1`},
		"a normalizer":            {`"normalizer": null`, `"normalizer": {"type": "NFKC"}`},
		"merged token, is not in": {`"merges": [`, `"merges": [["x", "qqqq"],`},
		"post_processor of type":  {`"type": "RobertaProcessing"`, `"type": "Martian"`},
		"no token [PAD] or <pad>": {`"content": "<pad>"`, `"content": "<fill>"`},
	} {
		s := strings.Replace(string(b), edit[0], edit[1], 1)
		if s == string(b) {
			t.Fatalf("no %s in the file", edit[0])
		}
		if _, err := (Files{jsonFile: []byte(s)}).Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestReadsAVocabulary(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "neither tokenizer.json nor vocab.txt") {
		t.Errorf("got %v", err)
	}
	for name, content := range map[string]string{"vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\nA\na\n##a\n", "tokenizer_config.json": `{"do_lower_case": false}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := files.Open()
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Encode(nil, "A a", 0); !slices.Equal(got, []int32{2, 4, 5, 3}) {
		t.Errorf("got %v", got)
	}
}

func FuzzEncode(f *testing.F) {
	var toks []Tokenizer
	for _, kind := range kinds {
		files, err := Read(filepath.Join("testdata", kind))
		if err != nil {
			f.Fatal(err)
		}
		tok, err := files.Open()
		if err != nil {
			f.Fatal(err)
		}
		toks = append(toks, tok)
	}
	for _, s := range []string{"", " ", "it's  <mask> a\u0301\n\n", "\xff\xfe", "<s></s><pad>", strings.Repeat("x", 99)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, tok := range toks {
			ids := tok.Encode(nil, s, 16)
			if len(ids) < 2 || len(ids) > 16 {
				t.Errorf("%q: %d ids", s, len(ids))
			}
			for _, id := range ids {
				if id < 0 || int(id) >= tok.Size() {
					t.Errorf("%q: id %d of %d", s, id, tok.Size())
				}
			}
		}
	})
}
