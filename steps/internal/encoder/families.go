package encoder

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// family describes the models of one Hugging Face model_type: the names of their weights and how they differ from others.
type family struct {
	layer string // prefix of the names of a layer's weights; %d is its number
	parts map[string]string
	types bool // it has token types, of which we use only the first
	json  bool // positions are numbered from the pad id + 1 on, and the tokenizer is read from tokenizer.json
}

var bertParts = map[string]string{"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "o": "attention.output.dense",
	"n1": "attention.output.LayerNorm", "up": "intermediate.dense", "down": "output.dense", "n2": "output.LayerNorm"}

var families = map[string]family{
	"bert":        {"encoder.layer.%d.", bertParts, true, false},
	"roberta":     {"encoder.layer.%d.", bertParts, true, true},
	"xlm-roberta": {"encoder.layer.%d.", bertParts, true, true},
	"camembert":   {"encoder.layer.%d.", bertParts, true, true},
	"distilbert": {"transformer.layer.%d.", map[string]string{"q": "attention.q_lin", "k": "attention.k_lin", "v": "attention.v_lin", "o": "attention.out_lin",
		"n1": "sa_layer_norm", "up": "ffn.lin1", "down": "ffn.lin2", "n2": "output_layer_norm"}, false, false},
	"mpnet": {"encoder.layer.%d.", map[string]string{"q": "attention.attn.q", "k": "attention.attn.k", "v": "attention.attn.v", "o": "attention.attn.o",
		"n1": "attention.LayerNorm", "up": "intermediate.dense", "down": "output.dense", "n2": "output.LayerNorm"}, false, true},
}

// known lists the model types that can be read.
func known() string { return strings.Join(slices.Sorted(maps.Keys(families)), ", ") }

// farthest is the distance beyond which all tokens share one bucket.
const farthest = 128

// Bucket returns the bucket of the relative bias for two tokens. ahead is how many tokens the second is ahead of the first; it is negative
// if the second is behind. The computation is in float32, as in PyTorch.
func (c Config) Bucket(ahead int) int {
	half := c.Buckets / 2
	exact, first, n := half/2, 0, -ahead
	if n < 0 {
		first, n = half, -n
	}
	if n < exact {
		return first + n
	}
	share := float32(math.Log(float64(float32(n)/float32(exact)))) / float32(math.Log(farthest/float64(exact)))
	return first + min(exact+int(share*float32(half-exact)), half-1)
}
