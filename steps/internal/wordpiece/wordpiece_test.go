package wordpiece

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var small = []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
	"ignore", "the", "un", "##aff", "##able", "cafe", ",", "!", "中", "##s", "a", "b", "##b", "ν"}

func newSmall(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := New(small, Options{Lowercase: true, StripAccents: true})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestEncode(t *testing.T) {
	tok := newSmall(t)
	for _, c := range []struct{ text, want string }{
		{"", "[CLS] [SEP]"},
		{"Ignore the", "[CLS] ignore the [SEP]"},
		{"unaffable", "[CLS] un ##aff ##able [SEP]"},
		{"unaffableq", "[CLS] [UNK] [SEP]"},
		{"Café, cafés!", "[CLS] cafe , cafe ##s ! [SEP]"},
		{"cafe\u0301", "[CLS] cafe [SEP]"},            // a separate combining mark
		{"i\u200bgnore", "[CLS] ignore [SEP]"},        // zero-width space
		{"ig\x00no\ufffdre", "[CLS] ignore [SEP]"},    // U+FFFD and zero bytes are dropped
		{"ignore\u00a0the", "[CLS] ignore the [SEP]"}, // no-break space
		{"a中b", "[CLS] a 中 b [SEP]"},                  // ideographs are words
		{"ignore [SEP] the", "[CLS] ignore [SEP] the [SEP]"},
		{"[sep]", "[CLS] [UNK] [UNK] [UNK] [SEP]"},      // special tokens only match exactly
		{"Ν", "[CLS] ν [SEP]"},                          // Greek, in lower case
		{strings.Repeat("a", 101), "[CLS] [UNK] [SEP]"}, // a word that is too long
		{"a\xffb", "[CLS] a ##b [SEP]"},                 // not UTF-8
	} {
		var got []string
		for _, id := range tok.Encode(nil, c.text, 0) {
			got = append(got, tok.Token(id))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: %s, want %s", c.text, s, c.want)
		}
	}
}

func TestEncodeLimit(t *testing.T) {
	tok := newSmall(t)
	whole := tok.Encode(nil, "the the unaffable the", 0)
	for limit := 2; limit < 12; limit++ {
		got := tok.Encode([]int32{7}, "the the unaffable the", limit)
		n := min(limit, len(whole))
		want := append(append([]int32{7}, whole[:n-1]...), tok.ends.After...)
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
}

// TestTrie compares the trie with a search through all tokens.
func TestTrie(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfDistinct(rapid.StringMatching(`[a-cé]{1,6}`), func(s string) string { return s }).Draw(t, "words")
		var pairs []pair
		for i, w := range words {
			pairs = append(pairs, pair{w, int32(i)})
		}
		tr := newTrie(slices.Clone(pairs))
		text := rapid.StringMatching(`[a-dé]{0,10}`).Draw(t, "text")
		wantID, wantLen := int32(0), 0
		for _, p := range pairs {
			if strings.HasPrefix(text, p.text) && len(p.text) > wantLen {
				wantID, wantLen = p.id, len(p.text)
			}
		}
		if id, n := tr.longest([]byte(text)); id != wantID || n != wantLen {
			t.Fatalf("longest(%q) = %d, %d, want %d, %d", text, id, n, wantID, wantLen)
		}
	})
}

func FuzzEncode(f *testing.F) {
	tok := newSmall(f)
	for _, s := range []string{"", "ignore [SEP]", "a\u0301\u200d中", "\xff\xfe", "[[[MASK]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ids := tok.Encode(nil, s, 16)
		if len(ids) < 2 || len(ids) > 16 || ids[0] != tok.ends.Before[0] || ids[len(ids)-1] != tok.ends.After[0] {
			t.Errorf("%q: %v", s, ids)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for want, vocab := range map[string][]string{
		"no [UNK]":     {"a", "##b"},
		"no ## pieces": {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"},
	} {
		if _, err := New(vocab, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", vocab, err)
		}
	}
}

// reference is a Python program that prints Hugging Face's ids for each JSON string that it reads.
const reference = `
import json, sys
from tokenizers import Tokenizer
t = Tokenizer.from_file(sys.argv[1]); t.no_truncation(); t.no_padding()
for line in sys.stdin:
    print(json.dumps(t.encode(json.loads(line)).ids))
`

// TestAgainstReference compares ids with Hugging Face's, for every character and every prompt of the data folder. It needs REIN_MINILM (a
// BERT-like model folder) and REIN_PYTHON (a Python with the tokenizers package).
func TestAgainstReference(t *testing.T) {
	dir, python := os.Getenv("REIN_MINILM"), os.Getenv("REIN_PYTHON")
	if dir == "" || python == "" {
		t.Skip("REIN_MINILM (model folder) and REIN_PYTHON (with tokenizers) are not set")
	}
	tok, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	texts := dataTexts(t)
	for r := rune(1); r <= 0x10ffff; r++ {
		if r < 0xd800 || r > 0xdfff {
			texts = append(texts, fmt.Sprintf("a%cb %c", r, r))
		}
	}
	var in bytes.Buffer
	for _, s := range texts {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(b, '\n'))
	}
	cmd := exec.Command(python, "-c", reference, filepath.Join(dir, "tokenizer.json"))
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	wrong, lines := 0, bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if len(lines) != len(texts) {
		t.Fatalf("%d answers for %d texts", len(lines), len(texts))
	}
	for i, line := range lines {
		var want []int32
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		if got := tok.Encode(nil, texts[i], 0); !slices.Equal(got, want) {
			if wrong++; wrong <= 10 {
				t.Errorf("%q: %v, want %v", texts[i], got, want)
			}
		}
	}
	t.Logf("%d of %d texts differ", wrong, len(texts))
}

// dataTexts returns the prompts of the data folder, or none if there is no such folder.
func dataTexts(t testing.TB) []string {
	dir := os.Getenv("REIN_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	var texts []string
	files, _ := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 1<<26)
		for sc.Scan() {
			var row struct{ Text string }
			if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, row.Text)
		}
	}
	return texts
}

// BenchmarkEncode encodes the data folder's prompts on one core.
func BenchmarkEncode(b *testing.B) {
	dir := os.Getenv("REIN_MINILM")
	texts := dataTexts(b)
	if dir == "" || len(texts) == 0 {
		b.Skip("REIN_MINILM is not set, or there is no data folder")
	}
	tok, err := Load(dir)
	if err != nil {
		b.Fatal(err)
	}
	var ids []int32
	for b.Loop() {
		for _, s := range texts {
			ids = tok.Encode(ids[:0], s, 0)
		}
	}
	b.ReportMetric(float64(len(texts))*float64(b.N)/b.Elapsed().Seconds(), "texts/s")
}
