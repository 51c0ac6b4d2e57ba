// Package encoder holds a transformer classifier: a BERT-like encoder read from a Hugging Face folder, mean pooling over the tokens, and a
// linear layer that gives logits over the classes.
//
// Glossary:
//
//   - word table: the embeddings of all tokens, one row each
//   - layer: an attention block and a feed-forward block, each with a normalisation
//   - head: the last linear layer
//   - batch: token ids [rows, length]; shorter rows are filled up with the pad id
//   - relative bias: what MPNet adds to an attention score; it depends on the distance between the two tokens, in buckets
//
// The package reads encoders of the types bert (which includes MiniLM), distilbert, roberta, xlm-roberta, camembert and mpnet. Other
// encoders, such as DeBERTa with its disentangled attention, have to be exported to ONNX (steps/internal/usergraph).
package encoder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rein/steps/internal/wordpiece"
)

// Config is the shape of an encoder, with the facts about its tokenizer. It is saved with the model.
type Config struct {
	Layers    int     `json:"layers"`
	Hidden    int     `json:"hidden"`
	Heads     int     `json:"heads"`
	Inner     int     `json:"inner"` // units of the feed-forward block
	Vocab     int     `json:"vocab"`
	Positions int     `json:"positions"`
	Epsilon   float64 `json:"epsilon"` // of the layer normalisations
	MaxTokens int     `json:"max_tokens"`
	Lowercase bool    `json:"lowercase"`
	Accents   bool    `json:"strip_accents"`
	Tokenizer string  `json:"tokenizer"` // digest of the vocabulary and the tokenizer's options
	Pad       int32   `json:"pad,omitempty"`
	Buckets   int     `json:"relative_buckets,omitempty"` // number of buckets of the relative bias; 0 if the model has none
	JSON      bool    `json:"tokenizer_json,omitempty"`   // the tokenizer is read from tokenizer.json, not from a BERT vocabulary
	Base      string  `json:"base"`                       // name of the Hugging Face folder
}

// source is a Hugging Face config.json. Some sizes have two fields, because DistilBERT names them differently.
type source struct {
	Type      string  `json:"model_type"`
	Act       string  `json:"hidden_act"`
	Act2      string  `json:"activation"`
	Hidden    int     `json:"hidden_size"`
	Dim       int     `json:"dim"`
	Layers    int     `json:"num_hidden_layers"`
	Layers2   int     `json:"n_layers"`
	Heads     int     `json:"num_attention_heads"`
	Heads2    int     `json:"n_heads"`
	Inner     int     `json:"intermediate_size"`
	Inner2    int     `json:"hidden_dim"`
	Vocab     int     `json:"vocab_size"`
	Positions int     `json:"max_position_embeddings"`
	Epsilon   float64 `json:"layer_norm_eps"`
	Pad       int     `json:"pad_token_id"`
	Position  string  `json:"position_embedding_type"`
	Buckets   int     `json:"relative_attention_num_buckets"`
}

// readConfig reads a folder's config.json and the options of its tokenizer. It also returns the model_type.
func readConfig(dir string, maxTokens int) (Config, string, error) {
	var s source
	if err := readJSON(filepath.Join(dir, "config.json"), &s); err != nil {
		return Config{}, "", err
	}
	c := Config{Layers: s.Layers + s.Layers2, Hidden: s.Hidden + s.Dim, Heads: s.Heads + s.Heads2, Inner: s.Inner + s.Inner2,
		Vocab: s.Vocab, Positions: s.Positions, Epsilon: s.Epsilon, MaxTokens: maxTokens, Lowercase: true, Base: filepath.Base(dir)}
	if c.Epsilon == 0 {
		c.Epsilon = 1e-12
	}
	fam, ok := families[s.Type]
	if !ok {
		return c, "", fmt.Errorf("%s: model_type %q can't be read: %s can; export others to ONNX and give them as graph", dir, s.Type, known())
	}
	if act := s.Act + s.Act2; act != "gelu" {
		return c, "", fmt.Errorf("%s: activation %q: only gelu is supported", dir, act)
	}
	if s.Position != "" && s.Position != "absolute" {
		return c, "", fmt.Errorf("%s: position_embedding_type %q: only absolute is supported", dir, s.Position)
	}
	if s.Pad < 0 || s.Pad != 0 && !fam.json {
		return c, "", fmt.Errorf("%s: pad_token_id %d: only 0 is supported for %s", dir, s.Pad, s.Type)
	}
	c.Pad, c.JSON = int32(s.Pad), fam.json
	if fam.json {
		c.Positions -= s.Pad + 1 // these models number positions from the pad id + 1 on
		c.Lowercase = false
	}
	if s.Type == "mpnet" {
		if c.Buckets = s.Buckets; c.Buckets == 0 {
			c.Buckets = 32
		}
	}
	if fam.json {
		return c, s.Type, c.Validate()
	}
	var tok struct {
		Lower   *bool `json:"do_lower_case"`
		Accents *bool `json:"strip_accents"`
	}
	if err := readJSON(filepath.Join(dir, "tokenizer_config.json"), &tok); err == nil && tok.Lower != nil {
		c.Lowercase = *tok.Lower
	}
	if c.Accents = c.Lowercase; tok.Accents != nil {
		c.Accents = *tok.Accents
	}
	if _, err := os.Stat(filepath.Join(dir, VocabFile)); errors.Is(err, fs.ErrNotExist) {
		if t, err := wordpiece.Load(dir); err == nil { // if this fails, OpenTokenizer reports it
			c.Lowercase, c.Accents = t.Options().Lowercase, t.Options().StripAccents
		}
	}
	return c, s.Type, c.Validate()
}

// Validate returns an error if the sizes don't fit together.
func (c Config) Validate() error {
	switch {
	case c.Layers < 1 || c.Hidden < 1 || c.Heads < 1 || c.Inner < 1 || c.Vocab < 1 || c.Positions < 1:
		return fmt.Errorf("encoder of %d layers, hidden %d, heads %d, inner %d, vocab %d, positions %d: all must be positive",
			c.Layers, c.Hidden, c.Heads, c.Inner, c.Vocab, c.Positions)
	case c.Hidden%c.Heads != 0:
		return fmt.Errorf("encoder: hidden size %d is not a multiple of %d heads", c.Hidden, c.Heads)
	case c.Pad < 0 || int(c.Pad) >= c.Vocab || c.Buckets < 0 || c.Buckets%4 != 0:
		return fmt.Errorf("encoder: pad %d, relative buckets %d: want a token's id, and a multiple of 4", c.Pad, c.Buckets)
	case c.MaxTokens < 2 || c.MaxTokens > c.Positions:
		return fmt.Errorf("max_tokens: %d is not between 2 and the encoder's %d positions", c.MaxTokens, c.Positions)
	}
	return nil
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
