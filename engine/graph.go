package engine

import (
	"encoding/json"
	"time"

	"rein/engine/record"
)

// Graph is everything that one command works on: several pipelines whose equal steps run once. It is complete before anything runs. Package
// lang builds it.
type Graph struct {
	Pipelines []*Pipeline
}

// Pipeline is one strategy: a DAG of nodes.
type Pipeline struct {
	Name, Title string
	File        string  // where it was read from, for messages
	Nodes       []*Node // in declaration order; not necessarily topological
	Outputs     []Output
	// Secrets are its sensitive texts in plain form. They are masked in whatever its steps print.
	Secrets []string
	// Meta is kept in the run record as it is (variables, expectations, planning facts); the engine doesn't read it.
	Meta json.RawMessage
}

// Output is a port copied to a path when the whole run passes.
type Output struct {
	Name string
	Ref  Ref
	Path string // absolute
	Pos  string
}

// Node is one step of one pipeline.
type Node struct {
	Name   string // unique in its pipeline; an instance of for_each is `name["key"]`
	Type   string
	Traits Traits // what its type declares; the engine passes it on to the record
	Pos    string // "file.hcl:12"
	Op     Op
	Inputs []Input
	Ports  []Port  // outputs
	After  []*Node // depends_on: order only, not in the key
	// NotNeeded: `when` is false. The node never runs, and a reference to it has been refused at load.
	NotNeeded bool
	Resources Resources
	Retries   int           // attempts after the first
	Timeout   time.Duration // 0: none
	Checks    []Check       // assert blocks
	Executor  string        // name of the executor that runs it; "": the run's default
}

// Traits are what a step type declares for readers of graphs and records.
type (
	Traits = record.Traits
	Fit    = record.Fit
	Stage  = record.Stage
)

// The stages of the timeline.
const (
	StageData       = record.StageData
	StageTraining   = record.StageTraining
	StageValidation = record.StageValidation
	StageExport     = record.StageExport
)

// Reason is why a step runs, or why it ended as it did.
type Reason = record.Reason

// because is a list of one reason that needs nothing but its code.
func because(c record.Code) []Reason { return []Reason{{Code: c}} }

// Input is one port of a node with its sources, in order.
type Input struct {
	Port string
	Refs []Ref
}

// Ref is a source of content: a port of another node, or a path of the user's.
type Ref struct {
	Node *Node  // nil for a path
	Port string // of Node
	Path *Path
	Pos  string
}

// Path is a file, a folder or a glob of the user's. Its content is in the key; its absolute path is not.
type Path struct {
	Kind PathKind
	Abs  string // absolute; for a glob the pattern
	Text string // as written, for messages and the key's label
	// Absent allows that the path doesn't exist. The step then has no such input.
	Absent bool
}

// PathKind tells what a Path names.
type PathKind string

// The kinds of a Path. PathAny is a file or a folder, whichever is there.
const (
	PathFile PathKind = "file"
	PathDir  PathKind = "dir"
	PathGlob PathKind = "glob"
	PathAny  PathKind = "path"
)

// Port is an output of a node. Kind is checked by the loader ("rows", "model", "file", ...).
type Port struct {
	Name, Kind string
}

// Check is an assert block. It looks at a step's metrics after the step ran or was found in the cache. A non-nil error is a verdict (exit
// 1), never a fault.
type Check struct {
	Pos  string
	Test func(metrics map[string]float64) error
}
