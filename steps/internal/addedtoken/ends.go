package addedtoken

import (
	"encoding/json"
	"fmt"
)

// ParseEnds reads the post_processor of a tokenizer.json: the special tokens that it puts around a single text. A type of post-processor
// that isn't known is an error.
func ParseEnds(b json.RawMessage) (Ends, error) {
	var p struct {
		Type       string            `json:"type"`
		Sep        []any             `json:"sep"`
		Cls        []any             `json:"cls"`
		Single     []json.RawMessage `json:"single"`
		Processors []json.RawMessage `json:"processors"`
		Special    map[string]struct {
			IDs []int32 `json:"ids"`
		} `json:"special_tokens"`
	}
	if len(b) == 0 || string(b) == "null" {
		return Ends{}, nil
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return Ends{}, fmt.Errorf("post_processor: %w", err)
	}
	switch p.Type {
	case "ByteLevel": // it adds no tokens
		return Ends{}, nil
	case "BertProcessing", "RobertaProcessing":
		before, okB := idOf(p.Cls)
		after, okA := idOf(p.Sep)
		if !okA || !okB {
			return Ends{}, fmt.Errorf("post_processor %s: cls %v, sep %v", p.Type, p.Cls, p.Sep)
		}
		return Ends{[]int32{before}, []int32{after}}, nil
	case "Sequence":
		var out Ends
		for _, one := range p.Processors {
			e, err := ParseEnds(one)
			if err != nil {
				return e, err
			}
			out.Before, out.After = append(e.Before, out.Before...), append(out.After, e.After...)
		}
		return out, nil
	case "TemplateProcessing":
		var e Ends
		list := &e.Before
		for _, piece := range p.Single {
			var one struct {
				Special  *struct{ ID string } `json:"SpecialToken"`
				Sequence *struct{ ID string } `json:"Sequence"`
			}
			if err := json.Unmarshal(piece, &one); err != nil {
				return e, fmt.Errorf("post_processor: %w", err)
			}
			if one.Special != nil {
				*list = append(*list, p.Special[one.Special.ID].IDs...)
			} else {
				list = &e.After
			}
		}
		return e, nil
	}
	return Ends{}, fmt.Errorf("post_processor of type %q isn't supported", p.Type)
}

// idOf returns the id from a JSON pair [token, id].
func idOf(pair []any) (int32, bool) {
	if len(pair) != 2 {
		return 0, false
	}
	id, ok := pair[1].(float64)
	return int32(id), ok
}

// Pad returns the id of the padding token, which it knows by its usual names.
func Pad(tokens []Token) (int32, error) {
	for _, name := range []string{"[PAD]", "<pad>", "<|pad|>", "<|endoftext|>"} {
		for _, t := range tokens {
			if t.Content == name {
				return t.ID, nil
			}
		}
	}
	return 0, fmt.Errorf("no token [PAD] or <pad> to fill batches with")
}
