package manual

// rules is the part of the reference that isn't in any schema.
const rules = `
## How files fit together

A pipeline is one file with a ` + "`pipeline`" + ` block. It may extend a base file, which may extend another. Blocks of the file
that extends override those of its base by name:

| block | is overridden |
| --- | --- |
| ` + "`variable`" + ` | argument by argument; validations add up |
| ` + "`locals`, `set`, `expect`, `plan`" + ` | name by name |
| ` + "`step`" + ` | argument by argument; its type stays. ` + "`disabled = true`" + ` removes it |
| blocks in a step | ` + "`assert`" + ` adds up; one that comes once is merged in the same way; others replace the base's of that name |
| ` + "`output`" + ` | as a whole |
| ` + "`compare`" + ` | argument by argument, targets metric by metric |

An argument that is ` + "`null`" + ` is as if it weren't there: so an override takes a base's argument back.

Given a folder, rein reads its ` + "`.hcl`, `.hcl.json` and `.rein.json`" + ` files that have a pipeline block and aren't abstract. The JSON
form is HCL's own: strings are templates, ` + "`\"${step.corpus.train}\"`" + ` is a reference.

Order means nothing: not of blocks, not of arguments. Names and layout are not part of a step's key.

## Values of variables

The first that gives one wins: ` + "`--var NAME=VALUE`, `--var-file FILE`" + ` (HCL or JSON), the environment's ` + "`REIN_VAR_NAME`" + `, the ` + "`set`" + `
block of the file and then of its bases, the default. A value that no variable takes is an error.

Paths are relative to where they are written: to the file, or to the working folder for --var and the environment. The
content of a file is part of the key of the step that reads it; its place is not.

A sensitive variable's value is shown nowhere: not in messages, plans or records, and where a step prints it, "(sensitive)" is
shown and recorded. A key holds a digest of it, salted with a secret of the state folder: results that depend on it aren't shared
through a bucket. It can't be a path, an output's name, a key of for_each, an expectation or a planning fact, which are all shown.
Values shorter than 3 characters are too short to be told from other text.

## Edges

A reference to a step's output is a value like any other: locals, lists, objects and conditionals may hold it. The graph's
edges are what the arguments of steps hold in the end, so ` + "`var.own ? step.a.rows : step.b.rows`" + ` needs one of the two. A step whose
` + "`when`" + ` is false may be mentioned, but not chosen. Inputs take artifacts of their own kind; an input of kind file takes any
kind, and a path as a text.
`
