// Package lang reads pipeline files (HCL, or its JSON form) and makes an engine.Graph of them.
//
// # How a file becomes a graph
//
//	source.go   names of files and folders -> text
//	pieces.go   text -> syntax
//	decode.go   text -> module: what one file says, by package grammar
//	inherit.go  module -> chain -> merged: what a pipeline is after `extends`
//	scope.go    expressions -> values, each once, when something asks for it; cycles are found here
//	step.go     step blocks -> instances (for_each), their ports, whether they are needed (when)
//	bind.go     arguments -> inputs (edges); config.go: arguments -> an Op; meta.go: what every step takes
//	pipeline.go all of it -> engine.Pipeline, with record.Meta of expect, plan, compare and the variables
//
// snapshot.go keeps the outcome of all that, with what it rests on (reads.go), so that a later load with the same answers can be spared.
//
// Around that: paths.go looks whether data is there; resolved.go says what a pipeline is after inheritance; format.go lays files out;
// index.go, hover.go and complete.go answer an editor. Package grammar says what may stand in a file, package diag what is wrong with
// one; package manual documents both; package draw pictures graphs, package scaffold writes a first project.
//
// # Words
//
//   - module: one file. leaf: the file that was named. base: a file that another extends.
//   - chain: a pipeline's modules, the most basic one first.
//   - product: the value of step.NAME.PORT or file("..."): opaque, passed along until it ends in a step's argument.
//     The edges of the graph are what arguments hold in the end, so conditionals may choose between steps.
//   - instance: what becomes a node: a step, or one key of a step with for_each.
//   - setting: a variable's value from outside the files.
//
// Mistakes are hcl.Diagnostics, all that can be told apart at once. What only follows from a reported mistake is not
// reported: a failed value makes what uses it fail quietly.
package lang
