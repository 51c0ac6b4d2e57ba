package ort

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// message lists the fields of an ONNX message that hold messages, down to tensors.
type message struct {
	tensor bool
	fields map[protowire.Number]*message
}

// modelMessage describes ONNX's ModelProto as far as tensors are in it. Attributes hold graphs, and those hold attributes.
func modelMessage() *message {
	tensor := &message{tensor: true}
	sparse := &message{fields: map[protowire.Number]*message{1: tensor, 2: tensor}}
	attribute := &message{}
	node := &message{fields: map[protowire.Number]*message{5: attribute}}
	graph := &message{fields: map[protowire.Number]*message{1: node, 5: tensor, 15: sparse}}
	attribute.fields = map[protowire.Number]*message{5: tensor, 6: graph, 10: tensor, 11: graph, 22: sparse, 23: sparse}
	function := &message{fields: map[protowire.Number]*message{7: node, 11: attribute}}
	return &message{fields: map[protowire.Number]*message{7: graph, 25: function}}
}

// errExternal is of a graph whose weights ONNX Runtime would look for in files of the working folder.
var errExternal = errors.New("the graph keeps weights in other files (external data), and is loaded from memory, where no file is beside it: " +
	"save it as one file (onnx.save with save_as_external_data=False)")

// selfContained refuses a graph that names other files, because its author would choose what is read.
func selfContained(graph []byte) error { return modelMessage().scan(graph) }

func (m *message) scan(b []byte) error {
	for len(b) > 0 {
		n, kind, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return nil // no model: ONNX Runtime says so
		}
		size := protowire.ConsumeFieldValue(n, kind, b[tag:])
		if size < 0 {
			return nil
		}
		if m.tensor && (n == 13 || n == 14 && b[tag] == 1) { // external_data, data_location
			return errExternal
		}
		if inner := m.fields[n]; inner != nil && kind == protowire.BytesType {
			text, _ := protowire.ConsumeBytes(b[tag : tag+size])
			if err := inner.scan(text); err != nil {
				return err
			}
		}
		b = b[tag+size:]
	}
	return nil
}
