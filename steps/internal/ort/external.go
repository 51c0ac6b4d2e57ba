package ort

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// message describes an ONNX message: the fields that can contain a tensor at any depth. tensor says that the message is itself a tensor.
type message struct {
	tensor bool
	fields map[protowire.Number]*message
}

// modelMessage describes ONNX's ModelProto. The description is recursive, because attributes contain graphs, whose nodes have attributes.
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

// errExternal is the error for a graph with weights in other files. ONNX Runtime would look for them in the working directory.
var errExternal = errors.New("the graph keeps weights in other files (external data), and is loaded from memory, where no file is beside it: " +
	"save it as one file (onnx.save with save_as_external_data=False)")

// selfContained refuses a graph that names other files, because its author would choose which files are read.
func selfContained(graph []byte) error { return modelMessage().scan(graph) }

func (m *message) scan(b []byte) error {
	for len(b) > 0 {
		n, kind, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return nil // this isn't a model, which ONNX Runtime reports
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
