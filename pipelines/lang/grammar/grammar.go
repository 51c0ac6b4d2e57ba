// Package grammar says what may stand in a pipeline file: every block, its labels and its arguments, with a description of each, and what a
// step of a type takes. Decoding, suggestions, completion and the manual all read it, so none of them can disagree with the others.
package grammar

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Block is a block of a pipeline file.
type Block struct {
	Name   string
	Labels []string // what each label is
	Doc    string
	Args   []Arg
	Blocks []Block
	Free   bool   // takes any argument: locals, set, expect, plan
	Single bool   // may come once in a file
	Late   bool   // missing arguments are reported after inheritance, because an override may be partial
	Sample string // for the reference
}

// Arg is an argument of a block.
type Arg struct {
	Name, Type, Doc string
	Required        bool
	Enum            []string // the texts that it may be, the default first; nil: any
}

// Value is the type of an argument's value; cty.DynamicPseudoType if it is something else, or of more than one type.
func (a Arg) Value() cty.Type {
	switch a.Type {
	case "string":
		return cty.String
	case "number":
		return cty.Number
	case "bool":
		return cty.Bool
	case "list of strings":
		return cty.List(cty.String)
	}
	return cty.DynamicPseudoType
}

// Expectation are the keys of an expectation that is written as an object.
var Expectation = []Arg{
	{Name: "value", Type: "number", Doc: "The figure that is expected."},
	{Name: "tolerance", Type: "number", Doc: "How far from `value` it may be."},
	{Name: "at_most", Type: "number", Doc: "The highest figure that will do."},
	{Name: "at_least", Type: "number", Doc: "The lowest figure that will do."},
	{Name: "not_above", Type: "string", Enum: []string{LastApproved}, Doc: "At most the champion's figure."},
	{Name: "not_below", Type: "string", Enum: []string{LastApproved}, Doc: "At least the champion's figure."},
	{Name: "by", Type: "string or list of strings", Doc: "Holds each slice of the rows to the limit, too."},
	{Name: "binding", Type: "bool", Doc: "Whether the run fails if the figure is missed."},
}

// Designs are the values of a sweep's `design`, the default first.
var Designs = []string{"full", "fractional", "race"}

// LastApproved stands for the champion's figure.
const LastApproved = "last approved"

// Blocks are the top-level blocks, in the order of the reference.
var Blocks = []Block{
	{Name: "pipeline", Labels: []string{"name"}, Single: true, Doc: "Says that the file is a strategy, and what it extends. A file without it is a base for others.",
		Args: []Arg{
			{Name: "title", Type: "string", Doc: "What reports call it."},
			{Name: "extends", Type: "string", Doc: "A base file, relative to this one: its blocks are taken over, and this file's blocks override them by name."},
			{Name: "abstract", Type: "bool", Doc: "Makes a file with a pipeline block a base: it isn't run when a folder is given."},
		},
		Sample: "pipeline \"hybrid\" {\n  title   = \"Hybrid\"\n  extends = \"reinforce.hcl\"\n}\n"},
	{Name: "variable", Labels: []string{"name"}, Doc: "A value that `set` blocks, REIN_VAR_name, --var-file and --var may give.",
		Args: []Arg{
			{Name: "type", Type: "type", Doc: "A type constraint: string, number, bool, path, list(T), set(T), map(T), tuple([T...]), object({name = T, other = optional(T, default)}) or any. Without it: the default's type."},
			{Name: "default", Type: "any", Doc: "The value if nobody gives one. Without it a value must be given."},
			{Name: "description", Type: "string", Doc: "What it is for; shown by completion and `show --resolved`."},
			{Name: "nullable", Type: "bool", Doc: "Whether null may be given. Default true."},
			{Name: "sensitive", Type: "bool", Doc: "Keeps the value out of messages, records and key texts."},
		},
		Blocks: []Block{{Name: "validation", Doc: "A rule that a value has to meet. May come several times.",
			Args: []Arg{
				{Name: "condition", Type: "bool", Required: true, Doc: "True if the value is right."},
				{Name: "error_message", Type: "string", Required: true, Doc: "What to say if it isn't."},
			}}},
		Sample: "variable \"variations\" {\n  type    = number\n  default = 8\n  validation {\n    condition     = var.variations >= 1\n    error_message = \"At least one variation, not ${var.variations}.\"\n  }\n}\n"},
	{Name: "locals", Doc: "Named values for use in this file and in files that extend it.", Free: true,
		Sample: "locals {\n  new_rows = var.false_positives * var.variations\n}\n"},
	{Name: "set", Doc: "Values for variables of the base files.", Free: true,
		Sample: "set {\n  variations = 10\n}\n"},
	{Name: "step", Labels: []string{"type", "name"}, Doc: "A piece of work whose result is cached. Its arguments are those of its type and the ones below.",
		Args: []Arg{
			{Name: "when", Type: "bool", Doc: "False: the step is not needed, and nothing may refer to it."},
			{Name: "for_each", Type: "map or list of strings", Doc: "One instance for each key; each.key and each.value are the instance's own. Keys must be known before anything runs. Another step with for_each may stand here: each.value is its instance."},
			{Name: "depends_on", Type: "list of steps", Doc: "Steps that have to end before this one starts, without their outputs being used."},
			{Name: "retries", Type: "number", Doc: "How many times to try again after a failure."},
			{Name: "timeout", Type: "string", Doc: "How long it may take: \"90s\", \"20m\", \"2h\"."},
			{Name: "executor", Type: "string", Doc: "Where it runs: the name of an executor block, or \"local\". Default local; --executor wins. Not part of its key."},
			{Name: "disabled", Type: "bool", Doc: "True removes a step of the base."},
		},
		Blocks: []Block{resources, assert},
		Sample: "step \"augment\" \"paraphrases\" {\n  rows       = step.sampled.rows\n  variations = var.variations\n}\n"},
	{Name: "output", Labels: []string{"name"}, Doc: "A step's output that is copied to a path when the whole run passes.",
		Args: []Arg{
			{Name: "value", Type: "step.NAME.PORT", Required: true, Doc: "What to copy."},
			{Name: "path", Type: "string", Required: true, Doc: "Where to, relative to the file."},
			{Name: "description", Type: "string", Doc: "What it is."},
		},
		Sample: "output \"model\" {\n  value = step.package.package\n  path  = \"dist/model\"\n}\n"},
	{Name: "expect", Doc: "Figures that were promised, by metric (any of its names): a number, or { value, tolerance } or { at_most } or { at_least } or { not_above = \"last approved\" } (the champion's figure), each with binding = true if missing it fails the run. Printed beside what was measured. `fp_rate = { at_most, by = \"language\" }` holds each language to the limit, too, and fails if one is shown to break it; by is also length, source, category, role, channel or a list of them, and goes with tp_rate and at_least, too.", Free: true,
		Args:   []Arg{{Name: "when", Type: "bool", Doc: "False takes all of them back."}},
		Sample: "expect {\n  fp_rate = { at_most = 0.01, binding = true }\n  tp_rate = 0.965\n}\n"},
	{Name: "plan", Doc: "Planning facts of a strategy (hours, cost), printed as such.", Free: true, Single: true,
		Args:   []Arg{{Name: "when", Type: "bool", Doc: "False takes all of them back."}},
		Sample: "plan {\n  gpu_hours = 10\n  cost_usd  = 100\n}\n"},
	{Name: "sweep", Doc: "Variables and the values that `rein compare` gives them, a column for each combination: a list, or a range such as \"4..12..2\". Other commands take no notice of it, and files that extend this one don't inherit it.", Free: true, Single: true,
		Args: []Arg{{Name: "design", Type: "string", Enum: Designs,
			Doc: "\"full\" (every combination), \"fractional\" (a balanced part of them), or \"race\" (every combination; those that are shown to lose are dropped on the way). Default full."}},
		Sample: "sweep {\n  variations = [4, 6, 8, 10, 12]\n  design     = \"full\"\n}\n"},
	{Name: "compare", Doc: "Which steps' figures `rein compare` puts side by side, and what a strategy has to reach.", Single: true,
		Args: []Arg{
			{Name: "baseline", Type: "step.NAME", Doc: "The step whose figures are the yardstick."},
			{Name: "result", Type: "step.NAME", Doc: "The step whose figures are the strategy's."},
			{Name: "target", Type: "object", Doc: "Figures to reach, by metric; may be a block."},
		},
		Blocks: []Block{{Name: "target", Doc: "Figures to reach, by metric, as in expect.", Free: true, Single: true}},
		Sample: "compare {\n  baseline = step.baseline_test\n  result   = step.test\n  target {\n    fp_rate = { at_most = 0.01 }\n  }\n}\n"},
	executor,
	cache,
}

var resources = Block{Name: "resources", Single: true, Doc: "What the step needs of the machine while it runs. Not part of its key.",
	Args: []Arg{
		{Name: "cpus", Type: "number", Doc: "Cores. Default 1."},
		{Name: "gpu", Type: "number", Doc: "Whole GPUs. Default none; a training that can use one takes one where there is one."},
		{Name: "memory", Type: "string", Doc: "\"512MiB\", \"4GiB\", or a number of bytes."},
	},
	Sample: "resources {\n  gpu    = 1\n  cpus   = 2\n  memory = \"4GiB\"\n}\n"}

var assert = Block{Name: "assert", Doc: "A rule that the step's metrics have to meet; otherwise the run ends with exit status 1.",
	Args: []Arg{
		{Name: "condition", Type: "bool", Required: true, Doc: "metric.NAME is a metric of this step."},
		{Name: "error_message", Type: "string", Required: true, Doc: "What to say if it is false; may use metric.NAME too."},
	},
	Sample: "assert {\n  condition     = metric.benign_share < 0.65\n  error_message = \"Too many benign rows: ${metric.benign_share}.\"\n}\n"}

// Of finds a top-level block's schema; it must exist.
func Of(name string) *Block {
	for i := range Blocks {
		if Blocks[i].Name == name {
			return &Blocks[i]
		}
	}
	panic("lang: no block " + name)
}

// HCL is the schema as the parser wants it.
func (b *Block) HCL() *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, a := range b.Args {
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: a.Name})
	}
	for _, c := range b.Blocks {
		s.Blocks = append(s.Blocks, hcl.BlockHeaderSchema{Type: c.Name, LabelNames: c.Labels})
	}
	return s
}

// File is the schema of a whole file.
func File() *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, b := range Blocks {
		s.Blocks = append(s.Blocks, hcl.BlockHeaderSchema{Type: b.Name, LabelNames: b.Labels})
	}
	return s
}
