package onnxgraph

import (
	"fmt"
	"strconv"
)

// outsideData returns the bytes of a weight that is stored in another file.
func outsideData(weight string, at map[string]string, read func(name string) ([]byte, error)) ([]byte, error) {
	name := at["location"]
	if read == nil {
		return nil, fmt.Errorf("weight %q lies in another file, %q: give the folder that holds both, or save the model with its weights inside", weight, name)
	}
	b, err := read(name)
	if err != nil {
		return nil, fmt.Errorf("weight %q lies in another file: %w", weight, err)
	}
	number := func(key string, otherwise int) (int, error) {
		if at[key] == "" {
			return otherwise, nil
		}
		return strconv.Atoi(at[key])
	}
	offset, err := number("offset", 0)
	if err != nil {
		return nil, fmt.Errorf("weight %q: offset: %w", weight, err)
	}
	length, err := number("length", len(b)-offset)
	if err != nil {
		return nil, fmt.Errorf("weight %q: length: %w", weight, err)
	}
	if offset < 0 || length < 0 || offset > len(b)-length {
		return nil, fmt.Errorf("weight %q: bytes %d to %d of %q, which has %d", weight, offset, offset+length, name, len(b))
	}
	return b[offset : offset+length], nil
}
