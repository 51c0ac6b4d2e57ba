package usergraph

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/ort"
)

// Names of the values that we add. If the user's graph has a value named ids, logits or probs, it is renamed.
const (
	ids        = "ids"
	logits     = "logits"
	probs      = "probs"
	pad        = "rein_pad"
	mask       = "rein_mask"
	pooled     = "rein_pooled"
	features   = "rein_features" // input of the head: pooled, with dropout while training
	drop       = "rein_drop"
	headWeight = "rein_head"
	headBias   = "rein_head_bias"
)

// leastOpset is the oldest version of ONNX's operators that has those we add.
const leastOpset = 13

var batchAndLength = []onnxgraph.Dim{{Name: "batch"}, {Name: "length"}}

// adapt puts our input before the user's graph and our outputs after it.
func (m *Model) adapt(output string, seed int64) error {
	f := m.file
	if f.Opset < leastOpset {
		return fmt.Errorf("operators of version %d can't be read, those from %d on can (torch.onnx.export with opset_version=17)", f.Opset, leastOpset)
	}
	at, err := choose(f, output)
	if err != nil {
		return err
	}
	f.WithoutIdentities() // so that sortWeights sees what uses a weight
	body := f.Outputs[at].Name
	for _, name := range []string{ids, logits, probs} {
		if f.Rename(name, name+"_of_graph") && body == name {
			body += "_of_graph"
		}
	}
	before, err := m.inputs()
	if err != nil {
		return err
	}
	if err := m.probe(before, body); err != nil {
		return err
	}
	if err := f.Wrap(before, m.outputs(body, seed)); err != nil {
		return err
	}
	f.Metadata = nil
	f.Prune()
	m.sortWeights()
	if len(m.Trained) == 0 {
		return errors.New("no float32 weight to train: a quantised or float16 graph can't be fine-tuned; export it in float32")
	}
	return nil
}

// choose returns the position of the output to build on.
func choose(f *onnxgraph.File, output string) (int, error) {
	var names []string
	for _, v := range f.Outputs {
		names = append(names, v.Name)
	}
	if output != "" {
		if !slices.Contains(names, output) {
			return 0, fmt.Errorf("output: the graph has no %q, it has %s", output, strings.Join(names, ", "))
		}
		return slices.Index(names, output), nil
	}
	for _, usual := range []string{"logits", "last_hidden_state", "token_embeddings"} {
		if slices.Contains(names, usual) {
			return slices.Index(names, usual), nil
		}
	}
	if len(names) == 0 {
		return 0, errors.New("the graph has no output")
	}
	return 0, nil
}

// inputs returns nodes that compute the graph's inputs from ids.
func (m *Model) inputs() (*onnxgraph.Graph, error) {
	g := &onnxgraph.Graph{}
	g.Input(ids, onnxgraph.Int64, batchAndLength...)
	g.Ints(pad, nil, int64(m.Pad))
	g.Ints("rein_zero", nil, 0)
	g.Node("Not", "rein_is_token", []string{g.Node("Equal", "rein_is_pad", []string{ids, pad})})
	g.Node("Cast", mask, []string{"rein_is_token"}, onnxgraph.Int("to", int64(onnxgraph.Float32)))
	found := false
	for _, v := range m.file.Inputs {
		from := ""
		switch {
		case v.Name == "input_ids" || len(m.file.Inputs) == 1:
			from, found = ids, true
		case v.Name == "attention_mask":
			from = "rein_is_token"
		case v.Name == "token_type_ids":
			from = g.Node("Mul", "rein_types", []string{ids, "rein_zero"})
		default:
			return nil, fmt.Errorf("input %q isn't supported: only input_ids, attention_mask and token_type_ids are", v.Name)
		}
		if v.Type == onnxgraph.Float32 && from == ids {
			return nil, fmt.Errorf("input %q takes floats: a graph of texts takes token ids", v.Name)
		}
		g.Node("Cast", v.Name, []string{from}, onnxgraph.Int("to", int64(v.Type)))
	}
	if !found {
		return nil, errors.New("no input input_ids: a graph of texts takes token ids")
	}
	return g, nil
}

// probe runs the graph with batches of different sizes, to find out what its output is.
func (m *Model) probe(before *onnxgraph.Graph, body string) error {
	f, after := m.file.Clone(), &onnxgraph.Graph{}
	after.Output(body, onnxgraph.Float32)
	if err := f.Wrap(before, after); err != nil {
		return err
	}
	s, err := ort.Open(f.Encode(), ort.Options{Unoptimized: true})
	if err != nil {
		return err
	}
	defer s.Close()
	size := func(rows, length int) (int, error) {
		in := make([]int64, rows*length)
		for i := range in {
			in[i] = int64(m.Pad) + 1
		}
		out, err := s.Run(rows, length, in)
		if err != nil {
			return 0, fmt.Errorf("it doesn't run on %d x %d token ids; batch and length have to be dynamic axes: %w", rows, length, err)
		}
		return len(out[0]), nil
	}
	short, err := size(2, 8)
	if err != nil {
		return err
	}
	long, err := size(2, 16)
	if err != nil {
		return err
	}
	more, err := size(4, 8)
	if err != nil {
		return err
	}
	switch {
	case short == 0 || short%2 != 0 || more != 2*short:
		return fmt.Errorf("output %q has %d values for 2 rows and %d for 4: want one vector for each row or each token", body, short, more)
	case long == 2*short:
		m.Body, m.Width = BodyTokens, short/16
	case long == short && short/2 == m.Classes:
		m.Body, m.Width = BodyLogits, m.Classes
	case long == short:
		m.Body, m.Width = BodyRows, short/2
	default:
		return fmt.Errorf("output %q has %d values for 8 tokens and %d for 16: want one vector for each row or each token", body, short, long)
	}
	return nil
}

// outputs returns nodes that compute logits and probabilities from the graph's output.
func (m *Model) outputs(body string, seed int64) *onnxgraph.Graph {
	g := &onnxgraph.Graph{}
	if m.Body == BodyLogits {
		g.Node("Identity", logits, []string{body})
	} else {
		if m.Body == BodyTokens {
			body = mean(g, body)
		}
		m.head(g, seed)
		g.Node("Identity", pooled, []string{body})
		g.Node("Identity", features, []string{pooled})
		g.Node("Gemm", logits, []string{features, headWeight, headBias})
	}
	g.Node("Softmax", probs, []string{logits}, onnxgraph.Int("axis", -1))
	for _, name := range []string{probs, logits} {
		g.Output(name, onnxgraph.Float32, batchAndLength[0], onnxgraph.Dim{Size: m.Classes})
	}
	return g
}

// mean averages over the tokens, without padding.
func mean(g *onnxgraph.Graph, body string) string {
	g.Ints("rein_axis1", []int{1}, 1)
	g.Floats("rein_one", nil, []float32{1})
	row := g.Node("Unsqueeze", "rein_mask_row", []string{mask, "rein_axis1"})
	sum := g.Node("Squeeze", "rein_sum", []string{g.Node("MatMul", "rein_sum_row", []string{row, body}), "rein_axis1"})
	tokens := g.Node("ReduceSum", "rein_tokens", []string{mask, "rein_axis1"}, onnxgraph.Int("keepdims", 1))
	return g.Node("Div", "rein_mean", []string{sum, g.Node("Max", "rein_tokens_or_one", []string{tokens, "rein_one"})})
}
