package ort

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// field encodes a field that holds a message.
func field(n protowire.Number, inner ...byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), inner)
}

// A graph that names other files isn't loaded, because they would be read from the working directory. The tensor may be anywhere in the
// graph.
func TestExternalDataIsRefused(t *testing.T) {
	outside := field(13, field(1, []byte("location")...)...)
	for name, graph := range map[string][]byte{
		"weight":             field(7, field(5, outside...)...),
		"location alone":     field(7, field(5, protowire.AppendVarint(protowire.AppendTag(nil, 14, protowire.VarintType), 1)...)...),
		"constant":           field(7, field(1, field(5, field(5, outside...)...)...)...),
		"within a branch":    field(7, field(1, field(5, field(6, field(5, outside...)...)...)...)...),
		"sparse":             field(7, field(15, field(1, outside...)...)...),
		"function's body":    field(25, field(7, field(5, field(5, outside...)...)...)...),
		"branch of a branch": field(7, field(1, field(5, field(11, field(1, field(5, field(6, field(5, outside...)...)...)...)...)...)...)...),
	} {
		if _, err := Open(graph, Options{}); !errors.Is(err, errExternal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
