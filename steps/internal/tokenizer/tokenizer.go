// Package tokenizer opens the tokenizer of a Hugging Face folder, whatever its kind, and keeps the files that decide its
// ids, so that they travel with a model. What can't be reproduced exactly is an error that names it.
package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rein/cache"
	"rein/steps/internal/bytebpe"
	"rein/steps/internal/unigram"
	"rein/steps/internal/wordpiece"
)

// Tokenizer turns text into ids. It is immutable: many goroutines may use one.
type Tokenizer interface {
	// Encode appends the ids of text to dst, special tokens around them, at most limit in all; a limit of 0 is none.
	Encode(dst []int32, text string, limit int) []int32
	// Pad is the id that fills a batch.
	Pad() int32
	// Size is the number of ids.
	Size() int
	// Digest names all that decides the ids: two tokenizers of equal digest give equal ids.
	Digest() cache.Digest
}

// The files that a tokenizer is read from.
const (
	jsonFile   = "tokenizer.json"
	vocabFile  = "vocab.txt"
	configFile = "tokenizer_config.json"
)

// Files are a tokenizer's files by name.
type Files map[string][]byte

// Read collects the tokenizer's files from a folder: tokenizer.json, or a BERT vocabulary with its options.
func Read(dir string) (Files, error) {
	f := Files{}
	for _, name := range []string{jsonFile, vocabFile, configFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		f[name] = b
		if name == jsonFile {
			return f, nil // says all
		}
	}
	if f[vocabFile] == nil {
		return nil, fmt.Errorf("%s has neither %s nor %s: save the tokenizer beside the model (tokenizer.save_pretrained)", dir, jsonFile, vocabFile)
	}
	return f, nil
}

// ReadFile takes a tokenizer.json or vocab.txt under whatever name.
func ReadFile(path string) (Files, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if json.Valid(b) {
		return Files{jsonFile: b}, nil
	}
	return Files{vocabFile: b}, nil
}

// Write puts the files into a folder.
func (f Files) Write(dir string) error {
	for name, b := range f {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Open makes the tokenizer of the files.
func (f Files) Open() (Tokenizer, error) {
	if b := f[jsonFile]; b != nil {
		t, err := parse(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", jsonFile, err)
		}
		return t, nil
	}
	var o struct {
		Lower   *bool `json:"do_lower_case"`
		Accents *bool `json:"strip_accents"`
	}
	if b := f[configFile]; b != nil {
		if err := json.Unmarshal(b, &o); err != nil {
			return nil, fmt.Errorf("%s: %w", configFile, err)
		}
	}
	opts := wordpiece.Options{Lowercase: o.Lower == nil || *o.Lower}
	opts.StripAccents = opts.Lowercase
	if o.Accents != nil {
		opts.StripAccents = *o.Accents
	}
	lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(f[vocabFile]), "\r\n", "\n"), "\n"), "\n")
	t, err := wordpiece.New(lines, opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", vocabFile, err)
	}
	return t, nil
}

// parse reads a tokenizer.json.
func parse(b []byte) (Tokenizer, error) {
	var kind struct {
		Model struct {
			Type string `json:"type"`
		} `json:"model"`
	}
	if err := json.Unmarshal(b, &kind); err != nil {
		return nil, err
	}
	switch kind.Model.Type {
	case "WordPiece":
		return wordpiece.Parse(b)
	case "BPE":
		return bytebpe.Parse(b)
	case "Unigram":
		return unigram.Parse(b)
	}
	return nil, fmt.Errorf("a tokenizer of type %q: WordPiece, byte-level BPE and Unigram can be read", kind.Model.Type)
}
