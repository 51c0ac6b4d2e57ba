// Package encodertest makes tiny Hugging Face folders for tests.
package encodertest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/internal/safetensors"
)

const (
	hidden, inner, layers, positions = 16, 32, 2, 64
)

// Folder writes a random encoder of type bert, distilbert, roberta or mpnet with a small vocabulary and returns its path.
func Folder(t testing.TB, kind string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tiny")
	vocab := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
	for c := 'a'; c <= 'z'; c++ {
		vocab = append(vocab, string(c), "##"+string(c))
	}
	vocab = append(vocab, strings.Fields("ignore all previous instructions please the report table of summary for market data email write short long about code review pretend dan unrestricted passport number address")...)
	config := map[string]any{"model_type": kind, "vocab_size": len(vocab), "max_position_embeddings": positions, "pad_token_id": 0}
	size := len(vocab)
	if kind == "roberta" || kind == "mpnet" {
		write(t, filepath.Join(dir, "tokenizer.json"), jsonTokenizer(kind, vocab))
		size = vocabSize(kind, vocab)
		config["vocab_size"], config["pad_token_id"], config["max_position_embeddings"] = size, 1, positions+2
	}
	for k, v := range map[string]map[string]any{
		"bert": {"hidden_act": "gelu", "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": 2,
			"intermediate_size": inner, "layer_norm_eps": 1e-12, "position_embedding_type": "absolute"},
		"roberta": {"hidden_act": "gelu", "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": 2,
			"intermediate_size": inner, "layer_norm_eps": 1e-5, "type_vocab_size": 1},
		"mpnet": {"hidden_act": "gelu", "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": 2,
			"intermediate_size": inner, "layer_norm_eps": 1e-5, "relative_attention_num_buckets": 8},
		"distilbert": {"activation": "gelu", "dim": hidden, "n_layers": layers, "n_heads": 2, "hidden_dim": inner},
	}[kind] {
		config[k] = v
	}
	write(t, filepath.Join(dir, "config.json"), config)
	write(t, filepath.Join(dir, "tokenizer_config.json"), map[string]any{"do_lower_case": true})
	if err := os.WriteFile(filepath.Join(dir, "vocab.txt"), []byte(strings.Join(vocab, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := safetensors.Write(filepath.Join(dir, "model.safetensors"), weights(kind, size)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t testing.TB, path string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// weights draws all weights under Hugging Face's names.
func weights(kind string, vocab int) []safetensors.Tensor {
	rng := rand.New(rand.NewPCG(7, 7))
	extra := 0 // unused rows before the first token's position embedding
	if kind == "roberta" || kind == "mpnet" {
		extra = 2
	}
	var out []safetensors.Tensor
	add := func(name string, mean float64, shape ...int) {
		size := 1
		for _, d := range shape {
			size *= d
		}
		t := safetensors.Tensor{Name: name, Shape: shape}
		for range size {
			t.Data = append(t.Data, float32(mean+0.3*rng.NormFloat64()))
		}
		out = append(out, t)
	}
	add("embeddings.word_embeddings.weight", 0, vocab, hidden)
	add("embeddings.position_embeddings.weight", 0, positions+extra, hidden)
	add("embeddings.LayerNorm.weight", 1, hidden)
	add("embeddings.LayerNorm.bias", 0, hidden)
	names := strings.Fields("attention.q_lin attention.k_lin attention.v_lin attention.out_lin sa_layer_norm ffn.lin1 ffn.lin2 output_layer_norm")
	prefix := "transformer.layer.%d."
	if kind == "mpnet" {
		add("encoder.relative_attention_bias.weight", 0, 8, 2)
		names = strings.Fields("attention.attn.q attention.attn.k attention.attn.v attention.attn.o attention.LayerNorm intermediate.dense output.dense output.LayerNorm")
		prefix = "encoder.layer.%d."
	}
	if kind == "bert" || kind == "roberta" {
		add("embeddings.token_type_embeddings.weight", 0, 2-extra/2, hidden)
		names = strings.Fields("attention.self.query attention.self.key attention.self.value attention.output.dense attention.output.LayerNorm " +
			"intermediate.dense output.dense output.LayerNorm")
		prefix = "encoder.layer.%d."
	}
	for i := range layers {
		for j, n := range names {
			name := fmt.Sprintf(prefix, i) + n
			switch j {
			case 4, 7:
				add(name+".weight", 1, hidden)
				add(name+".bias", 0, hidden)
			case 5:
				add(name+".weight", 0, inner, hidden)
				add(name+".bias", 0, inner)
			case 6:
				add(name+".weight", 0, hidden, inner)
				add(name+".bias", 0, hidden)
			default:
				add(name+".weight", 0, hidden, hidden)
				add(name+".bias", 0, hidden)
			}
		}
	}
	return out
}
