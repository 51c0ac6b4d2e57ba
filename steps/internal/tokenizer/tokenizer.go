// Package tokenizer opens the tokenizer of a Hugging Face folder, of any supported kind. It keeps the files that decide the ids, so that
// they can be saved with a model. If a tokenizer can't be reproduced exactly, the error names the reason.
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

// Tokenizer turns text into ids. It is immutable, so goroutines may share one.
type Tokenizer interface {
	// Encode appends the ids of text to dst, with the special tokens around them. It appends at most limit ids in all; 0 means no limit.
	Encode(dst []int32, text string, limit int) []int32
	// Pad is the id that shorter rows of a batch are filled up with.
	Pad() int32
	// Size is one more than the largest id.
	Size() int
	// Digest identifies everything that decides the ids. Tokenizers with equal digests give equal ids.
	Digest() cache.Digest
}

// The names of the files that a tokenizer is read from.
const (
	jsonFile   = "tokenizer.json"
	vocabFile  = "vocab.txt"
	configFile = "tokenizer_config.json"
)

// Files are the contents of a tokenizer's files, by name.
type Files map[string][]byte

// Read reads a tokenizer's files from a folder: tokenizer.json, else a BERT vocabulary with its options.
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
			return f, nil // this file is enough
		}
	}
	if f[vocabFile] == nil {
		return nil, fmt.Errorf("%s has neither %s nor %s: save the tokenizer beside the model (tokenizer.save_pretrained)", dir, jsonFile, vocabFile)
	}
	return f, nil
}

// ReadFile reads a tokenizer.json or a vocab.txt, which may have another name.
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

// Write writes the files into a folder.
func (f Files) Write(dir string) error {
	for name, b := range f {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Open makes a tokenizer from the files.
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

// parse reads the content of a tokenizer.json.
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
	return nil, fmt.Errorf("a tokenizer of type %q can't be read; WordPiece, byte-level BPE and Unigram can", kind.Model.Type)
}
