package wordpiece

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Load reads the tokenizer of a Hugging Face model folder: tokenizer.json. What this package can't reproduce exactly is
// an error that names it.
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

// file is the part of tokenizer.json that decides the ids.
type file struct {
	AddedTokens []struct {
		ID         int    `json:"id"`
		Content    string `json:"content"`
		Normalized bool   `json:"normalized"`
	} `json:"added_tokens"`
	Normalizer struct {
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

// Parse reads the content of a tokenizer.json.
func Parse(b []byte) (*Tokenizer, error) {
	var f file
	// The model's type first: the vocabulary of other types has another shape.
	var kind struct {
		Model struct {
			Type string `json:"type"`
		} `json:"model"`
	}
	if err := json.Unmarshal(b, &kind); err != nil {
		return nil, err
	}
	if kind.Model.Type != "WordPiece" {
		return nil, fmt.Errorf("a %q tokenizer; only WordPiece is known", kind.Model.Type)
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
	case f.Model.Prefix != "##" || f.Model.Unk != "[UNK]":
		return nil, fmt.Errorf("pieces %q and unknown token %q are not BERT's", f.Model.Prefix, f.Model.Unk)
	}
	vocab := make([]string, len(f.Model.Vocab))
	for w, id := range f.Model.Vocab {
		if id < 0 || id >= len(vocab) || vocab[id] != "" {
			return nil, fmt.Errorf("token %q has id %d: ids must be 0 to %d, each once", w, id, len(vocab)-1)
		}
		vocab[id] = w
	}
	for _, t := range f.AddedTokens {
		if t.ID >= len(vocab) || vocab[t.ID] != t.Content || t.Normalized {
			return nil, fmt.Errorf("added token %q is not one of the vocabulary's", t.Content)
		}
	}
	o := Options{Lowercase: n.Lowercase, StripAccents: n.Lowercase, MaxWord: f.Model.MaxWord}
	if n.StripAccents != nil {
		o.StripAccents = *n.StripAccents
	}
	return New(vocab, o)
}
