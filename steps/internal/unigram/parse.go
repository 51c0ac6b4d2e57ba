package unigram

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"rein/steps/internal/addedtoken"
)

// file has the fields of tokenizer.json that decide the ids.
type file struct {
	Added      []addedtoken.Token `json:"added_tokens"`
	Normalizer json.RawMessage    `json:"normalizer"`
	Before     json.RawMessage    `json:"pre_tokenizer"`
	Post       json.RawMessage    `json:"post_processor"`
	Model      struct {
		Unknown  *int32               `json:"unk_id"`
		Vocab    [][2]json.RawMessage `json:"vocab"`
		Fallback bool                 `json:"byte_fallback"`
	} `json:"model"`
}

// Parse reads the content of a tokenizer.json. If the file has a feature that this package can't reproduce exactly, the error names it.
func Parse(b []byte) (*Tokenizer, error) {
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	if f.Model.Unknown == nil || f.Model.Fallback {
		return nil, fmt.Errorf("a unigram model without unk_id, or with byte_fallback, isn't supported")
	}
	pieces := make([]Piece, len(f.Model.Vocab))
	for i, v := range f.Model.Vocab {
		if err := json.Unmarshal(v[0], &pieces[i].Text); err != nil {
			return nil, fmt.Errorf("piece %d: %w", i, err)
		}
		if err := json.Unmarshal(v[1], &pieces[i].Score); err != nil {
			return nil, fmt.Errorf("piece %d: %w", i, err)
		}
	}
	o := Options{Unknown: *f.Model.Unknown, Added: f.Added}
	for _, t := range f.Added {
		if t.Normal {
			return nil, fmt.Errorf("added token %q is looked for in normalised text: only tokens that match the original text are supported", t.Content)
		}
	}
	var err error
	if o.Normalize, err = normalizer(f.Normalizer); err != nil {
		return nil, err
	}
	if o.Split, err = splitter(f.Before); err != nil {
		return nil, err
	}
	if o.Ends, err = addedtoken.ParseEnds(f.Post); err != nil {
		return nil, err
	}
	if o.Pad, err = addedtoken.Pad(f.Added); err != nil {
		return nil, err
	}
	return New(pieces, o, b)
}

// normalizer makes a function from the description of a normalizer.
func normalizer(b json.RawMessage) (func(string) string, error) {
	var n struct {
		Type        string            `json:"type"`
		Charsmap    string            `json:"precompiled_charsmap"`
		Normalizers []json.RawMessage `json:"normalizers"`
		Pattern     struct{ Regex, String string }
		Content     string `json:"content"`
		Left        bool   `json:"strip_left"`
		Right       bool   `json:"strip_right"`
	}
	if len(b) == 0 || string(b) == "null" {
		return func(s string) string { return s }, nil
	}
	if err := json.Unmarshal(b, &n); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	switch n.Type {
	case "Precompiled":
		table, err := base64.StdEncoding.DecodeString(n.Charsmap)
		if err != nil {
			return nil, fmt.Errorf("precompiled_charsmap: %w", err)
		}
		c, err := parseCharsmap(table)
		if err != nil {
			return nil, err
		}
		return c.normalize, nil
	case "Sequence":
		var all []func(string) string
		for _, one := range n.Normalizers {
			f, err := normalizer(one)
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
		return func(s string) string {
			for _, f := range all {
				s = f(s)
			}
			return s
		}, nil
	case "Replace":
		if n.Pattern.Regex == " {2,}" {
			return func(s string) string { return replaceRuns(s, n.Content) }, nil
		}
		if n.Pattern.String != "" {
			return func(s string) string { return strings.ReplaceAll(s, n.Pattern.String, n.Content) }, nil
		}
	case "NFC":
		return norm.NFC.String, nil
	case "Strip":
		return func(s string) string {
			if n.Left {
				s = strings.TrimLeftFunc(s, unicode.IsSpace)
			}
			if n.Right {
				s = strings.TrimRightFunc(s, unicode.IsSpace)
			}
			return s
		}, nil
	}
	return nil, fmt.Errorf("normalizer %q isn't supported before a unigram model: %.80s", n.Type, b)
}

// replaceRuns replaces each run of two or more spaces by text.
func replaceRuns(s, text string) string {
	if !strings.Contains(s, "  ") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		n := 0
		for i+n < len(s) && s[i+n] == ' ' {
			n++
		}
		if n >= 2 {
			b.WriteString(text)
			i += n
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// splitter makes an Options.Split from the description of a pre-tokenizer.
func splitter(b json.RawMessage) (func(string, bool, func(string)), error) {
	var p struct {
		Type        string            `json:"type"`
		Replacement string            `json:"replacement"`
		Scheme      string            `json:"prepend_scheme"`
		Prefix      *bool             `json:"add_prefix_space"`
		Split       *bool             `json:"split"`
		All         []json.RawMessage `json:"pretokenizers"`
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	switch {
	case p.Type == "Metaspace" && p.Replacement != "":
		if p.Scheme == "" {
			if p.Scheme = "always"; p.Prefix != nil && !*p.Prefix {
				p.Scheme = "never"
			}
		}
		whole := p.Split != nil && !*p.Split
		return func(s string, first bool, word func(string)) {
			metaspace(s, p.Replacement, p.Scheme == "always" || p.Scheme == "first" && first, whole, word)
		}, nil
	case p.Type == "Sequence" && len(p.All) == 2 && strings.Contains(string(p.All[0]), `"WhitespaceSplit"`):
		rest, err := splitter(p.All[1])
		if err != nil {
			return nil, err
		}
		return func(s string, first bool, word func(string)) {
			for i, part := range strings.FieldsFunc(s, unicode.IsSpace) {
				rest(part, first && i == 0 && strings.HasPrefix(s, part), word)
			}
		}, nil
	}
	return nil, fmt.Errorf("pre_tokenizer %q isn't supported before a unigram model", p.Type)
}

// metaspace replaces each space by mark, and lets a word begin at each mark. prepend puts a mark before the text; whole makes the text a
// single word.
func metaspace(s, mark string, prepend, whole bool, word func(string)) {
	if s == "" {
		return
	}
	s = strings.ReplaceAll(s, " ", mark)
	if prepend && !strings.HasPrefix(s, mark) {
		s = mark + s
	}
	if whole {
		word(s)
		return
	}
	for start := 0; start < len(s); {
		next := len(s)
		at := start
		if strings.HasPrefix(s[at:], mark) {
			at += len(mark)
		}
		if i := strings.Index(s[at:], mark); i >= 0 {
			next = at + i
		}
		word(s[start:next])
		start = next
	}
}
