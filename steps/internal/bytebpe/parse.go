package bytebpe

import (
	"encoding/json"
	"fmt"
	"strings"

	"rein/steps/internal/addedtoken"
)

// file has the fields of tokenizer.json that decide the ids.
type file struct {
	Added      []addedtoken.Token `json:"added_tokens"`
	Normalizer json.RawMessage    `json:"normalizer"`
	Before     struct {
		Type        string `json:"type"`
		PrefixSpace bool   `json:"add_prefix_space"`
		Regex       *bool  `json:"use_regex"`
	} `json:"pre_tokenizer"`
	Post  json.RawMessage `json:"post_processor"`
	Model struct {
		Dropout  *float64          `json:"dropout"`
		Prefix   string            `json:"continuing_subword_prefix"`
		Suffix   string            `json:"end_of_word_suffix"`
		Fallback bool              `json:"byte_fallback"`
		Ignore   bool              `json:"ignore_merges"`
		Vocab    map[string]int32  `json:"vocab"`
		Merges   []json.RawMessage `json:"merges"`
	} `json:"model"`
}

// Parse reads the content of a tokenizer.json. If the file has a feature that this package can't reproduce exactly, the error names it.
func Parse(b []byte) (*Tokenizer, error) {
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	m := f.Model
	switch {
	case len(f.Normalizer) > 0 && string(f.Normalizer) != "null":
		return nil, fmt.Errorf("a normalizer before byte-level BPE isn't supported: %.60s", f.Normalizer)
	case f.Before.Type != "ByteLevel" || f.Before.Regex != nil && !*f.Before.Regex:
		return nil, fmt.Errorf("pre-tokenizer %q: only ByteLevel with GPT-2's pattern is supported", f.Before.Type)
	case m.Dropout != nil && *m.Dropout > 0, m.Prefix != "", m.Suffix != "", m.Fallback, m.Ignore:
		return nil, fmt.Errorf("BPE with dropout, affixes of words, byte_fallback or ignore_merges isn't supported")
	}
	merges := make([][2]string, len(m.Merges))
	for i, raw := range m.Merges {
		var pair []string
		var joined string
		if err := json.Unmarshal(raw, &pair); err != nil { // older files write a pair as "a b"
			if err := json.Unmarshal(raw, &joined); err != nil {
				return nil, fmt.Errorf("merge %d: %w", i, err)
			}
			pair = strings.Split(joined, " ")
		}
		if len(pair) != 2 {
			return nil, fmt.Errorf("merge %d: %s isn't a pair", i, raw)
		}
		merges[i] = [2]string{pair[0], pair[1]}
	}
	ends, err := addedtoken.ParseEnds(f.Post)
	if err != nil {
		return nil, err
	}
	pad, err := addedtoken.Pad(f.Added)
	if err != nil {
		return nil, err
	}
	return New(m.Vocab, merges, Options{PrefixSpace: f.Before.PrefixSpace, Added: f.Added, Ends: ends, Pad: pad})
}
