package ngram

import (
	"encoding/json"
	"fmt"

	"rein/steps"
)

// Spec is the version of the rules in the package comment.
const Spec = 4

// Config says how text becomes ids, and the network's sizes. It is saved with the model.
type Config struct {
	Spec     int `json:"spec"`
	Buckets  int `json:"buckets"`   // embedding rows: the second half are for character n-grams; id 0 is padding
	Dim      int `json:"dim"`       // embedding columns
	Hidden   int `json:"hidden"`    // units of the hidden layer
	MaxBytes int `json:"max_bytes"` // longest text in bytes; the middle of a longer one is left out
}

// Default is the built-in model's Config.
func Default() Config {
	return Config{Spec: Spec, Buckets: 1 << 18, Dim: 16, Hidden: 32, MaxBytes: 16 << 10}
}

// half is the first id of the character n-grams.
func (c Config) half() int { return c.Buckets / 2 }

// Validate returns an error if the version or a size can't be used.
func (c Config) Validate() error {
	if c.Spec != Spec {
		return fmt.Errorf("n-gram rules of version %d, this program has version %d", c.Spec, Spec)
	}
	var check steps.Checks
	check.Want(c.Buckets >= 4 && c.Buckets <= 1<<26, "buckets: %d is not between 4 and %d", c.Buckets, 1<<26)
	check.Want(c.Dim >= 1 && c.Dim <= 1024, "dim: %d is not between 1 and 1024", c.Dim)
	check.Want(c.Hidden >= 1 && c.Hidden <= 4096, "hidden: %d is not between 1 and 4096", c.Hidden)
	check.Want(c.MaxBytes >= 64, "max_bytes: %d is less than 64", c.MaxBytes)
	return check.Err()
}

// ParseConfig reads a Config from a model's metadata.
func ParseConfig(b []byte) (Config, error) {
	var c Config
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("n-gram config: %w", err)
	}
	return c, c.Validate()
}
