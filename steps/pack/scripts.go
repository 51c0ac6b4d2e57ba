package pack

import (
	_ "embed" // for the scripts below
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/ngram"
	"rein/steps/internal/tokenizer"
	"rein/steps/internal/wordpiece"
)

// scriptFile is a Python script that scores with the package. extractorFile is its part that turns text into an n-gram model's ids.
const (
	scriptFile    = "score.py"
	extractorFile = "ngram.py"
)

//go:embed python/ngram.py
var extractor []byte

//go:embed python/score.py.tmpl
var script string

// reader says how a package's script turns text into ids: with the extractor, a BERT vocabulary, or a tokenizer.json.
type reader struct {
	Ngram, Vocab       bool
	Lowercase, Accents string // settings of the vocabulary, as Python values
}

// readerOf returns the reader for the files that a package has.
func readerOf(dir string, info artifact.ModelInfo) (reader, error) {
	if info.Kind == ngram.Kind {
		return reader{Ngram: true}, nil
	}
	if cfg, err := encoder.ParseConfig(info.Text); info.Kind == encoder.Kind && err == nil {
		return reader{Vocab: !cfg.JSON, Lowercase: truth(cfg.Lowercase), Accents: truth(cfg.Accents)}, nil
	}
	files, err := tokenizer.Read(dir)
	if err != nil {
		return reader{}, err
	}
	tok, err := files.Open()
	if err != nil {
		return reader{}, err
	}
	if w, ok := tok.(*wordpiece.Tokenizer); ok && files[encoder.VocabFile] != nil {
		return reader{Vocab: true, Lowercase: truth(w.Options().Lowercase), Accents: truth(w.Options().StripAccents)}, nil
	}
	return reader{}, nil
}

// script returns score.py for the reader. A line "#: KINDS" in its source names the readers that the lines below it are for.
func (r reader) script() string {
	kind := "json"
	if r.Ngram {
		kind = "ngram"
	} else if r.Vocab {
		kind = "vocab"
	}
	var b strings.Builder
	ours := true
	for line := range strings.Lines(script) {
		if kinds, ok := strings.CutPrefix(line, "#: "); ok {
			ours = strings.TrimSpace(kinds) == "all" || slices.Contains(strings.Fields(kinds), kind)
		} else if ours {
			b.WriteString(line)
		}
	}
	return strings.NewReplacer("STRIP_ACCENTS", r.Accents, "LOWERCASE", r.Lowercase).Replace(b.String())
}

func truth(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// writeScripts writes the Python scripts into the package and returns their file names.
func writeScripts(dir string, info artifact.ModelInfo) ([]string, error) {
	r, err := readerOf(dir, info)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, scriptFile), []byte(r.script()), 0o644); err != nil || !r.Ngram {
		return []string{scriptFile}, err
	}
	return []string{scriptFile, extractorFile}, os.WriteFile(filepath.Join(dir, extractorFile), extractor, 0o644)
}
