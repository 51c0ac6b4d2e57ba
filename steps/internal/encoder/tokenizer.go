package encoder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rein/steps/internal/tokenizer"
	"rein/steps/internal/wordpiece"
)

// VocabFile is the name of a BERT vocabulary in a Hugging Face folder and in a model folder.
const VocabFile = "vocab.txt"

// Tokenizer is an encoder's tokenizer with the files that Save writes for it.
type Tokenizer struct {
	tokenizer.Tokenizer
	files tokenizer.Files
}

// OpenTokenizer reads a folder's tokenizer. If the Config has a digest of one, another tokenizer is an error.
func (c Config) OpenTokenizer(dir string) (*Tokenizer, error) {
	var t *Tokenizer
	var err error
	if c.JSON {
		t, err = openJSON(dir)
	} else {
		t, err = c.openVocab(dir)
	}
	if err != nil {
		return nil, err
	}
	if t.Pad() != c.Pad || t.Size() > c.Vocab {
		return nil, fmt.Errorf("%s: the tokenizer has %d tokens and pad id %d, the encoder has %d and pads with %d", dir, t.Size(), t.Pad(), c.Vocab, c.Pad)
	}
	if d := t.Digest().String(); c.Tokenizer != "" && c.Tokenizer != d {
		return nil, fmt.Errorf("%s: its tokenizer is not the one that the model was trained with", dir)
	}
	return t, nil
}

func openJSON(dir string) (*Tokenizer, error) {
	files, err := tokenizer.Read(dir)
	if err != nil {
		return nil, err
	}
	t, err := files.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &Tokenizer{t, files}, nil
}

// openVocab reads a BERT vocabulary, from tokenizer.json if there is no vocab.txt.
func (c Config) openVocab(dir string) (*Tokenizer, error) {
	path := filepath.Join(dir, VocabFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t, err2 := wordpiece.Load(dir)
		if err2 != nil {
			return nil, fmt.Errorf("tokenizer: %w; %w", err, err2)
		}
		if o := t.Options(); o.Lowercase != c.Lowercase || o.StripAccents != c.Accents || o.Special != nil {
			return nil, fmt.Errorf("%s: tokenizer.json and tokenizer_config.json differ in lower case or accents, or its special tokens aren't BERT's", dir)
		}
		return &Tokenizer{t, vocabOf(t)}, nil
	} else if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	vocab := strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n"), "\n")
	t, err := wordpiece.New(vocab, wordpiece.Options{Lowercase: c.Lowercase, StripAccents: c.Accents})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Tokenizer{t, vocabOf(t)}, nil
}

func vocabOf(t *wordpiece.Tokenizer) tokenizer.Files {
	var vocab strings.Builder
	for id := range t.Size() {
		vocab.WriteString(t.Token(int32(id)) + "\n")
	}
	return tokenizer.Files{VocabFile: []byte(vocab.String())}
}
