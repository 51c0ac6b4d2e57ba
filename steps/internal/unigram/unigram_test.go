package unigram

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"rein/steps/internal/addedtoken"
)

// table is a charsmap that only replaces A by "a".
func table() []byte {
	const root, letter, value = 0x100, 0x141, 0x341
	units := make([]uint32, 0x400)
	units[0] = root << 10
	units[letter] = 'A' | 1<<8 | (letter^value)<<10
	units[value] = 1 << 31
	b := binary.LittleEndian.AppendUint32(nil, uint32(4*len(units)))
	for _, u := range units {
		b = binary.LittleEndian.AppendUint32(b, u)
	}
	return append(b, "a\x00"...)
}

func TestCharsmap(t *testing.T) {
	c, err := parseCharsmap(table())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"": "", "BAB": "BaB", "A A": "a a", "\x00A": "\x00a",
		"A\u0301":             "a",                   // a short cluster is replaced as its prefix is
		"A\u0301\u0301\u0301": "a\u0301\u0301\u0301", // a long one is replaced character by character
		"é中A🤖":                "é中a🤖",
	} {
		if got := c.normalize(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, b := range [][]byte{nil, {1}, {8, 0, 0, 0, 1}, {3, 0, 0, 0, 1, 1, 1}} {
		if _, err := parseCharsmap(b); err == nil {
			t.Errorf("%v was read", b)
		}
	}
}

func TestEncode(t *testing.T) {
	pieces := []Piece{{"<s>", 0}, {"<pad>", 0}, {"</s>", 0}, {"<unk>", 0}, {"▁", -3}, {"a", -2}, {"b", -2}, {"ab", -3}, {"▁a", -2.5}, {"▁ab", -9}}
	split, err := splitter([]byte(`{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}`))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Unknown: 3, Normalize: func(s string) string { return s }, Split: split, Ends: addedtoken.Ends{Before: []int32{0}, After: []int32{2}},
		Added: []addedtoken.Token{{ID: 10, Content: "<mask>", Left: true}}}
	tok, err := New(pieces, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]int32{
		"":         {0, 2},
		"a":        {0, 8, 2},
		"ab":       {0, 8, 6, 2},       // -4.5 beats -6 (▁ ab) and -9
		"abab a":   {0, 8, 6, 7, 8, 2}, // ab beats a and b
		"zzz a":    {0, 4, 3, 8, 2},    // a run of unknown characters is one token
		"azb":      {0, 8, 3, 6, 2},
		"a <mask>": {0, 8, 10, 2},
		"\xff":     {0, 4, 3, 2},
	} {
		if got := tok.Encode(nil, text, 0); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if got := tok.Encode(nil, "a a a a", 4); !slices.Equal(got, []int32{0, 8, 8, 2}) {
		t.Errorf("cut: %v", got)
	}
	if tok.Size() != 11 {
		t.Errorf("size %d", tok.Size())
	}
}

func TestParseRefuses(t *testing.T) {
	for want, b := range map[string]string{
		"without unk_id":         `{"model":{"type":"Unigram","vocab":[]}}`,
		"normalizer \"NFKC\"":    `{"model":{"unk_id":0,"vocab":[["a",-1]]},"normalizer":{"type":"NFKC"}}`,
		"pre_tokenizer \"Bert\"": `{"model":{"unk_id":0,"vocab":[["a",-1]]},"pre_tokenizer":{"type":"Bert"}}`,
		"normalised text":        `{"model":{"unk_id":0,"vocab":[["a",-1]]},"added_tokens":[{"id":0,"content":"a","normalized":true}]}`,
		"to fill batches with":   `{"model":{"unk_id":0,"vocab":[["a",-1]]},"pre_tokenizer":{"type":"Metaspace","replacement":"_"}}`,
	} {
		if _, err := Parse([]byte(b)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestReplaceRuns(t *testing.T) {
	for text, want := range map[string]string{"a b": "a b", "a  b   c": "a_b_c", "  ": "_", " ": " ", "": ""} {
		if got := replaceRuns(text, "_"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
