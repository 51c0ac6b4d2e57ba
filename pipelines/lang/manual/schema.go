package manual

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
	"rein/steps"
)

// StepSchema is a step type's schema as data: `rein steps TYPE --json`, editors, the reference.
type StepSchema struct {
	Name      string        `json:"name"`
	Version   int           `json:"version"`
	Doc       string        `json:"doc"`
	Example   string        `json:"example,omitempty"`
	Inputs    []PortSchema  `json:"inputs,omitempty"`
	Outputs   []PortSchema  `json:"outputs,omitempty"`
	Arguments []FieldSchema `json:"arguments,omitempty"`
	// Dynamic: the pipeline names the ports: inputs = { name = ... }, outputs = ["name"].
	Dynamic bool `json:"dynamic,omitempty"`
}

// PortSchema is an input or output.
type PortSchema struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Doc      string `json:"doc,omitempty"`
	List     bool   `json:"list,omitempty"`
	Optional bool   `json:"optional,omitempty"`
}

// FieldSchema is an argument, or a block of arguments.
type FieldSchema struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"`
	Doc      string          `json:"doc"`
	Required bool            `json:"required,omitempty"`
	Default  json.RawMessage `json:"default,omitempty"`
	Enum     []string        `json:"enum,omitempty"`
	Unkeyed  bool            `json:"unkeyed,omitempty"` // not in the step's key: changing it re-runs nothing
	Extent   bool            `json:"extent,omitempty"`  // only says how far to go: a longer run continues a shorter one's checkpoint
	Block    bool            `json:"block,omitempty"`
	Repeated bool            `json:"repeated,omitempty"`
	Fields   []FieldSchema   `json:"fields,omitempty"`

	literal string // the default as the language writes it
}

// SchemaOf describes a step type.
func SchemaOf(t *steps.Type) StepSchema {
	s := StepSchema{Name: t.Name, Version: t.Version, Doc: t.Doc, Example: strings.TrimSpace(t.Example), Dynamic: t.Dynamic, Arguments: fieldSchemas(t.Fields)}
	for _, p := range t.In {
		s.Inputs = append(s.Inputs, PortSchema{p.Written(), p.Kind, p.Doc, p.List, p.Optional})
	}
	for _, p := range t.Out {
		s.Outputs = append(s.Outputs, PortSchema{p.Name, p.Kind, p.Doc, p.List, p.Optional})
	}
	return s
}

func fieldSchemas(fields []steps.Field) []FieldSchema {
	var out []FieldSchema
	for _, f := range fields {
		x := FieldSchema{Name: f.Name, Type: grammar.TypeText(f.Type), Doc: f.Doc, Required: f.Required, Enum: slices.Clone(f.Enum), Unkeyed: f.Unkeyed,
			Extent: f.Extent, Block: f.Block, Repeated: f.Repeated, Fields: fieldSchemas(f.Fields)}
		if f.Block {
			x.Type = "block"
		}
		if f.Default != cty.NilVal {
			x.literal = diag.Literal(f.Default)
			if js, err := (ctyjson.SimpleJSONValue{Value: f.Default}).MarshalJSON(); err == nil {
				x.Default = js
			}
		}
		out = append(out, x)
	}
	return out
}

// DefaultText is the value of an argument of a step type that isn't given.
func DefaultText(t *steps.Type, name string) string {
	if t == nil {
		return ""
	}
	for _, f := range fieldSchemas(t.Fields) {
		if f.Name == name && f.literal != "" {
			return " Default `" + f.literal + "`."
		}
	}
	return ""
}

// example is a step block of the type: its own example, or one made of what it needs.
func (s StepSchema) example() string {
	if s.Example != "" {
		return s.Example
	}
	var b strings.Builder
	b.WriteString("step " + diag.Quote(s.Name) + " \"name\" {\n")
	for _, p := range s.Inputs {
		if p.Optional {
			continue
		}
		value := "step.other." + p.Kind
		if p.Kind == "file" {
			value = "file(\"path\")"
		}
		if p.List {
			value = "[" + value + "]"
		}
		b.WriteString("  " + p.Name + " = " + value + "\n")
	}
	for _, f := range s.Arguments {
		if f.Required {
			b.WriteString("  " + f.Name + " = " + sampleOf(f) + "\n")
		}
	}
	b.WriteString("}")
	return strings.TrimSpace(string(hclwrite.Format([]byte(b.String()))))
}

func sampleOf(f FieldSchema) string {
	switch {
	case len(f.Enum) > 0:
		return diag.Quote(f.Enum[0])
	case f.Type == "number":
		return "1"
	case f.Type == "bool":
		return "true"
	case strings.HasPrefix(f.Type, "list(") || strings.HasPrefix(f.Type, "set("):
		return "[]"
	case strings.HasPrefix(f.Type, "map("), strings.HasPrefix(f.Type, "object("):
		return "{}"
	}
	return "\"...\""
}
