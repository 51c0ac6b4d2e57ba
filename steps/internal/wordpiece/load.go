package wordpiece

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rein/steps/internal/addedtoken"
)

// Load reads the tokenizer.json of a Hugging Face model folder. If it has a feature that this package can't reproduce exactly, the error
// names it.
func Load(dir string) (*Tokenizer, error) {
	path := filepath.Join(dir, "tokenizer.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no tokenizer.json: save the tokenizer with Hugging Face's library once", dir)
	} else if err != nil {
		return nil, err
	}
	t, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// file has the fields of tokenizer.json that decide the ids.
type file struct {
	AddedTokens []addedtoken.Token `json:"added_tokens"`
	Post        json.RawMessage    `json:"post_processor"`
	Normalizer  struct {
		Type         string `json:"type"`
		CleanText    bool   `json:"clean_text"`
		Chinese      bool   `json:"handle_chinese_chars"`
		StripAccents *bool  `json:"strip_accents"`
		Lowercase    bool   `json:"lowercase"`
	} `json:"normalizer"`
	PreTokenizer struct {
		Type string `json:"type"`
	} `json:"pre_tokenizer"`
	Model struct {
		Type    string         `json:"type"`
		Unk     string         `json:"unk_token"`
		Prefix  string         `json:"continuing_subword_prefix"`
		MaxWord int            `json:"max_input_chars_per_word"`
		Vocab   map[string]int `json:"vocab"`
	} `json:"model"`
}

// special returns the special tokens, or nil if they are BERT's.
func (f *file) special() (*Special, error) {
	berts := f.Model.Unk == "[UNK]" && (len(f.Post) == 0 || string(f.Post) == "null")
	names := map[int32]string{}
	for _, t := range f.AddedTokens {
		names[t.ID] = t.Content
	}
	ends, err := addedtoken.ParseEnds(f.Post)
	if err != nil {
		return nil, err
	}
	if len(ends.Before) == 1 && len(ends.After) == 1 && names[ends.Before[0]] == "[CLS]" && names[ends.After[0]] == "[SEP]" {
		berts = f.Model.Unk == "[UNK]"
	}
	usual := map[string]bool{"[UNK]": true, "[CLS]": true, "[SEP]": true, "[PAD]": true, "[MASK]": true}
	for _, t := range f.AddedTokens {
		berts = berts && usual[t.Content] && !t.Left && !t.Right && !t.Single
	}
	if berts {
		return nil, nil
	}
	pad, err := addedtoken.Pad(f.AddedTokens)
	return &Special{Unknown: f.Model.Unk, Ends: ends, Pad: pad, Added: f.AddedTokens}, err
}

// Parse reads the content of a tokenizer.json. Its errors are those of Load.
func Parse(b []byte) (*Tokenizer, error) {
	var f file
	// Read the model's type first, because other types have vocabularies of another shape, which f can't hold.
	var kind struct {
		Model struct {
			Type string `json:"type"`
		} `json:"model"`
	}
	if err := json.Unmarshal(b, &kind); err != nil {
		return nil, err
	}
	if kind.Model.Type != "WordPiece" {
		return nil, fmt.Errorf("a %q tokenizer; only WordPiece is supported", kind.Model.Type)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	n := f.Normalizer
	switch {
	case n.Type != "BertNormalizer" || !n.CleanText || !n.Chinese:
		return nil, fmt.Errorf("normalizer %q is not BERT's", n.Type)
	case f.PreTokenizer.Type != "BertPreTokenizer":
		return nil, fmt.Errorf("pre-tokenizer %q is not BERT's", f.PreTokenizer.Type)
	case f.Model.Prefix != "##":
		return nil, fmt.Errorf("continuing_subword_prefix %q is not BERT's", f.Model.Prefix)
	}
	vocab := make([]string, len(f.Model.Vocab))
	for w, id := range f.Model.Vocab {
		if id < 0 || id >= len(vocab) || vocab[id] != "" {
			return nil, fmt.Errorf("token %q has id %d: ids must be 0 to %d, each once", w, id, len(vocab)-1)
		}
		vocab[id] = w
	}
	var more []string // tokens behind the vocabulary, which are added tokens but never pieces of words
	for _, t := range f.AddedTokens {
		switch {
		case t.Normal:
			return nil, fmt.Errorf("added token %q is looked for in normalised text: only tokens that match the original text are supported", t.Content)
		case int(t.ID) == len(vocab)+len(more):
			more = append(more, t.Content)
		case int(t.ID) >= len(vocab) || vocab[t.ID] != t.Content:
			return nil, fmt.Errorf("added token %q has id %d, which is not its position in the vocabulary of %d", t.Content, t.ID, len(vocab))
		}
	}
	special, err := f.special()
	if err != nil {
		return nil, err
	}
	o := Options{Special: special, Lowercase: n.Lowercase, StripAccents: n.Lowercase, MaxWord: f.Model.MaxWord}
	if n.StripAccents != nil {
		o.StripAccents = *n.StripAccents
	}
	t, err := New(vocab, o)
	if err == nil {
		t.vocab = append(t.vocab, more...)
	}
	return t, err
}
