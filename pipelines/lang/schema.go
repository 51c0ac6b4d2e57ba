package lang

import "github.com/hashicorp/hcl/v2"

// This file is the language's grammar outside of steps: every block, its labels and its arguments. Decoding,
// suggestions, completion and the reference all read it.

// blockSchema is a block of a pipeline file.
type blockSchema struct {
	name   string
	labels []string // what each label is
	doc    string
	args   []argSchema
	blocks []blockSchema
	free   bool   // takes any argument: locals, set, expect, plan
	single bool   // may come once in a file
	late   bool   // missing arguments are looked for after inheritance: an override may be partial
	sample string // for the reference
}

// argSchema is an argument of a block.
type argSchema struct {
	name, typ, doc string
	required       bool
}

var grammar = []blockSchema{
	{name: "pipeline", labels: []string{"name"}, single: true, doc: "Says that the file is a strategy, and what it extends. A file without it is a base for others.",
		args: []argSchema{
			{name: "title", typ: "string", doc: "What reports call it."},
			{name: "extends", typ: "string", doc: "A base file, relative to this one: its blocks are taken over, and this file's blocks override them by name."},
			{name: "abstract", typ: "bool", doc: "Makes a file with a pipeline block a base: it isn't run when a folder is given."},
		},
		sample: "pipeline \"hybrid\" {\n  title   = \"Hybrid\"\n  extends = \"reinforce.hcl\"\n}\n"},
	{name: "variable", labels: []string{"name"}, doc: "A value that `set` blocks, REIN_VAR_name, --var-file and --var may give.",
		args: []argSchema{
			{name: "type", typ: "type", doc: "A type constraint: string, number, bool, path, list(T), set(T), map(T), tuple([T...]), object({name = T, other = optional(T, default)}) or any. Without it: the default's type."},
			{name: "default", typ: "any", doc: "The value if nobody gives one. Without it a value must be given."},
			{name: "description", typ: "string", doc: "What it is for; shown by completion and `show --resolved`."},
			{name: "nullable", typ: "bool", doc: "Whether null may be given. Default true."},
			{name: "sensitive", typ: "bool", doc: "Keeps the value out of messages, records and key texts."},
		},
		blocks: []blockSchema{{name: "validation", doc: "A rule that a value has to meet. May come several times.",
			args: []argSchema{
				{name: "condition", typ: "bool", required: true, doc: "True if the value is right."},
				{name: "error_message", typ: "string", required: true, doc: "What to say if it isn't."},
			}}},
		sample: "variable \"variations\" {\n  type    = number\n  default = 8\n  validation {\n    condition     = var.variations >= 1\n    error_message = \"At least one variation, not ${var.variations}.\"\n  }\n}\n"},
	{name: "locals", doc: "Named values for use in this file and in files that extend it.", free: true,
		sample: "locals {\n  new_rows = var.false_positives * var.variations\n}\n"},
	{name: "set", doc: "Values for variables of the base files.", free: true,
		sample: "set {\n  variations = 10\n}\n"},
	{name: "step", labels: []string{"type", "name"}, doc: "A piece of work whose result is cached. Its arguments are those of its type and the ones below.",
		args: []argSchema{
			{name: "when", typ: "bool", doc: "False: the step is not needed, and nothing may refer to it."},
			{name: "for_each", typ: "map or list of strings", doc: "One instance for each key; each.key and each.value are the instance's own. Keys must be known before anything runs. Another step with for_each may stand here: each.value is its instance."},
			{name: "depends_on", typ: "list of steps", doc: "Steps that have to end before this one starts, without their outputs being used."},
			{name: "retries", typ: "number", doc: "How many times to try again after a failure."},
			{name: "timeout", typ: "string", doc: "How long it may take: \"90s\", \"20m\", \"2h\"."},
			{name: "executor", typ: "string", doc: "Where it runs: the name of an executor block, or \"local\". Default local; --executor wins. Not part of its key."},
			{name: "disabled", typ: "bool", doc: "True removes a step of the base."},
		},
		blocks: []blockSchema{resourcesSchema, assertSchema},
		sample: "step \"augment\" \"paraphrases\" {\n  rows       = step.sampled.rows\n  variations = var.variations\n}\n"},
	{name: "output", labels: []string{"name"}, doc: "A step's output that is copied to a path when the whole run passes.",
		args: []argSchema{
			{name: "value", typ: "step.NAME.PORT", required: true, doc: "What to copy."},
			{name: "path", typ: "string", required: true, doc: "Where to, relative to the file."},
			{name: "description", typ: "string", doc: "What it is."},
		},
		sample: "output \"model\" {\n  value = step.package.package\n  path  = \"dist/model\"\n}\n"},
	{name: "expect", doc: "Figures that were promised, by metric (any of its names): a number, or { value, tolerance } or { at_most } or { at_least } or { not_above = \"last approved\" } (the champion's figure), each with binding = true if missing it fails the run. Printed beside what was measured. `fp_rate = { at_most, by = \"language\" }` holds each language to the limit, too, and fails if one is shown to break it; by is also length, source, category, role, channel or a list of them, and goes with tp_rate and at_least, too. `when = false` takes all of them back.", free: true,
		sample: "expect {\n  fp_rate = { at_most = 0.01, binding = true }\n  tp_rate = 0.965\n}\n"},
	{name: "plan", doc: "Planning facts of a strategy (hours, cost), printed as such. `fp_rate = { at_most, by = \"language\" }` holds each language to the limit, too, and fails if one is shown to break it; by is also length, source, category, role, channel or a list of them, and goes with tp_rate and at_least, too. `when = false` takes all of them back.", free: true, single: true,
		sample: "plan {\n  gpu_hours = 10\n  cost_usd  = 100\n}\n"},
	{name: "sweep", doc: "Variables and the values that `rein compare` gives them, a column for each combination: a list, or a range such as \"4..12..2\". `design` is \"full\" (every combination, the default) or \"fractional\" (a balanced part of them). Other commands take no notice of it, and files that extend this one don't inherit it.", free: true, single: true,
		sample: "sweep {\n  variations = [4, 6, 8, 10, 12]\n  design     = \"full\"\n}\n"},
	{name: "compare", doc: "Which steps' figures `rein compare` puts side by side, and what a strategy has to reach.", single: true,
		args: []argSchema{
			{name: "baseline", typ: "step.NAME", doc: "The step whose figures are the yardstick."},
			{name: "result", typ: "step.NAME", doc: "The step whose figures are the strategy's."},
			{name: "target", typ: "object", doc: "Figures to reach, by metric; may be a block."},
		},
		blocks: []blockSchema{{name: "target", doc: "Figures to reach, by metric, as in expect.", free: true, single: true}},
		sample: "compare {\n  baseline = step.baseline_test\n  result   = step.test\n  target {\n    fp_rate = { at_most = 0.01 }\n  }\n}\n"},
	executorSchema,
	cacheSchema,
}

var resourcesSchema = blockSchema{name: "resources", single: true, doc: "What the step needs of the machine while it runs. Not part of its key.",
	args: []argSchema{
		{name: "cpus", typ: "number", doc: "Cores. Default 1."},
		{name: "gpu", typ: "number", doc: "Whole GPUs. Default none; a training that can use one takes one where there is one."},
		{name: "memory", typ: "string", doc: "\"512MiB\", \"4GiB\", or a number of bytes."},
	},
	sample: "resources {\n  gpu    = 1\n  cpus   = 2\n  memory = \"4GiB\"\n}\n"}

var assertSchema = blockSchema{name: "assert", doc: "A rule that the step's metrics have to meet; otherwise the run ends with exit status 1.",
	args: []argSchema{
		{name: "condition", typ: "bool", required: true, doc: "metric.NAME is a metric of this step."},
		{name: "error_message", typ: "string", required: true, doc: "What to say if it is false; may use metric.NAME too."},
	},
	sample: "assert {\n  condition     = metric.benign_share < 0.65\n  error_message = \"Too many benign rows: ${metric.benign_share}.\"\n}\n"}

// schemaOf finds a top-level block's schema; it must exist.
func schemaOf(name string) *blockSchema {
	for i := range grammar {
		if grammar[i].name == name {
			return &grammar[i]
		}
	}
	panic("lang: no block " + name)
}

// hcl is the schema as the parser wants it.
func (b *blockSchema) hcl() *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, a := range b.args {
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: a.name})
	}
	for _, c := range b.blocks {
		s.Blocks = append(s.Blocks, hcl.BlockHeaderSchema{Type: c.name, LabelNames: c.labels})
	}
	return s
}

// fileSchema is the schema of a whole file.
func fileSchema() *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, b := range grammar {
		s.Blocks = append(s.Blocks, hcl.BlockHeaderSchema{Type: b.name, LabelNames: b.labels})
	}
	return s
}
