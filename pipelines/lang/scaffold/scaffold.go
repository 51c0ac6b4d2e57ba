// Package scaffold writes the files of a first project: a base, and a strategy of the user's own that extends it.
package scaffold

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
)

// BaseFile is the name of the base that a strategy extends.
const BaseFile = "reinforce.hcl"

// Options describe the starter project. If a path is empty, the built-in corpus is used instead.
type Options struct {
	Name              string // of the strategy and its file; empty: "first"
	Folder            string // where the files go, absolute; paths are written relative to it
	Typed             string // the same folder, as commands name it
	Train, Pool, Test Data   // the user's rows
	Base              []byte // text of the base that is copied beside the strategy
	HasBase           bool   // the folder has a base already, with data of its own: paths given here are this strategy's alone
}

// Data is a path of rows. Those of a base are its variable of the same name, which the given step reads.
type Data struct {
	Path string // absolute; empty: there are none
	Reading
}

// Reading says how rows with unusual names or values are read: arguments of the step that reads them, and variables of the base.
type Reading struct {
	Columns, Labels map[string]string
	MaxBad          int
}

// arguments are the arguments of the step, in this order.
var arguments = []string{"columns", "labels", "max_bad"}

// value is an argument's value.
func (r Reading) value(argument string) cty.Value {
	entries := map[string]cty.Value{}
	switch argument {
	case "columns", "labels":
		for k, v := range map[string]map[string]string{"columns": r.Columns, "labels": r.Labels}[argument] {
			entries[k] = cty.StringVal(v)
		}
		return cty.ObjectVal(entries)
	}
	return cty.NumberIntVal(int64(r.MaxBad))
}

// role is a use of rows: the base's variable for their path, and the step that reads them.
type role struct {
	variable, step string
	data           Data
}

func (o Options) roles() []role {
	return []role{{"train", "own", o.Train}, {"pool", "own_pool", o.Pool}, {"test", "own_test", o.Test}}
}

// File is a file to write, its path relative to Options.Folder.
type File struct {
	Path string
	Text []byte
}

// Files makes the starter project.
func Files(o Options) ([]File, error) {
	if o.Name == "" {
		o.Name = "first"
	}
	name := fileName(o.Name)
	if name == "" || name == "reinforce" {
		return nil, fmt.Errorf("%q can't be the name of a strategy's file; try \"first\"", o.Name)
	}
	text, diags := lang.Format(name+".hcl", []byte(strategy(o)))
	if diags.HasErrors() {
		return nil, diags
	}
	base, err := o.base()
	if err != nil {
		return nil, err
	}
	return []File{{BaseFile, base}, {name + ".hcl", text}}, nil
}

// base is the base's text with the user's data as its variables' defaults, so that every strategy of the folder has them.
func (o Options) base() ([]byte, error) {
	f, diags := hclwrite.ParseConfig(o.Base, BaseFile, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	defaults := map[string]cty.Value{}
	if o.Train.Path == "" {
		defaults["scale"] = cty.NumberFloatVal(firstLook)
	}
	readings := map[string]Reading{} // of steps
	for _, r := range o.roles() {
		if r.data.Path != "" {
			defaults[r.variable], readings[r.step] = cty.StringVal(o.relative(r.data.Path)), r.data.Reading
		}
	}
	for _, name := range arguments {
		if v := o.Train.value(name); !v.RawEquals(Reading{}.value(name)) {
			defaults[name] = v
		}
	}
	for _, b := range f.Body().Blocks() {
		switch labels := b.Labels(); {
		case b.Type() == "variable" && len(labels) == 1:
			if v, ok := defaults[labels[0]]; ok {
				b.Body().SetAttributeValue("default", v)
			}
		case b.Type() == "step" && len(labels) == 2 && labels[0] == "dataset":
			own, ok := readings[labels[1]]
			for _, name := range arguments {
				if v := own.value(name); ok && !v.RawEquals(o.Train.value(name)) { // else the variable says it
					b.Body().SetAttributeValue(name, v)
				}
			}
		}
	}
	return f.Bytes(), nil
}

// firstLook is the size of the built-in corpus, as a share, with which a project without data of its own begins.
const firstLook = 0.05

// relative is a path as the files of the project write it.
func (o Options) relative(path string) string {
	if rel, err := filepath.Rel(o.Folder, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}

var notInNames = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^a-z0-9]+`) })

// fileName makes a plain file name of a title.
func fileName(s string) string {
	return strings.Trim(notInNames().ReplaceAllString(strings.ToLower(s), "-"), "-")
}

func strategy(o Options) string {
	var b strings.Builder
	plan := "rein plan " + path.Join(o.Typed, fileName(o.Name)+".hcl")
	fmt.Fprintf(&b, `# A strategy: how it differs from its base, reinforce.hcl. Try:
#   %[1]s   what would run, and why
#   %-[2]*[3]s   run it; a second run starts nothing
#   %-[2]*[4]s   run and measure all strategies of this folder
pipeline %[5]s {
  title   = %[5]s
  extends = "reinforce.hcl" # its variables, locals and steps; blocks here override them by name
}

`, plan, len(plan), strings.Replace(plan, "plan", "run", 1), "rein compare "+o.Typed, diag.Quote(o.Name))
	b.WriteString("# Values for the base's variables. --var NAME=VALUE wins over these for one run.\nset {\n")
	switch {
	case o.HasBase:
		for _, r := range o.roles() {
			if r.data.Path != "" {
				fmt.Fprintf(&b, "  %s = %s # of this strategy alone; the others have the base's\n", r.variable, diag.Quote(o.relative(r.data.Path)))
			}
		}
	case o.Train.Path == "":
		b.WriteString("  # A small part of the built-in corpus stands in, for a first look. For data of your own, set the base's variable train,\n  # and for the corpus's full size set scale to 1.\n")
	default:
		b.WriteString("  # The data are defaults of the base's variables train, pool and test, so that all strategies have the same.\n")
	}
	b.WriteString(`
  false_positives = 1000 # how many different false positives to sample
  variations      = 8    # how many variations to write of each
  hard_negatives  = 100  # benign prompts made to look like attacks
  epochs          = 10   # at most: training stops early when validation stops improving

  # Few false positives found? Mine them where the baseline finds 99% of the validation attacks instead of 95%:
  # mine_at_recall = 0.99
}
`)
	if o.HasBase {
		b.WriteString(o.overrides())
	}
	b.WriteString(`
# What you hope for, by metric. Printed beside what is measured; binding = true makes missing it an error.
expect {
  fp_rate = { at_most = 0.01 }
  tp_rate = { at_least = 0.95 }
}

# A step of the base is overridden by giving its type and name, and only the arguments that differ:
#
# step "train-gpu" "model" {
#   class_weights = "sqrt"
# }
#
# Steps of your own are added like this:
#
# step "augment" "attacks" {
#   rows = local.base
#   size = 500
# }
# step "merge" "dataset" {
#   add = [step.variations.rows, step.hard_negatives.rows, step.attacks.rows]
# }
`)
	return b.String()
}

// overrides are the blocks that say how a strategy's own data are read: the base says how its own are.
func (o Options) overrides() string {
	var b strings.Builder
	for _, r := range o.roles() {
		if r.data.Path == "" {
			continue
		}
		fmt.Fprintf(&b, "\n# How the rows of %s are read.\nstep \"dataset\" %q {\n", r.variable, r.step)
		for _, name := range arguments {
			fmt.Fprintf(&b, "  %s = %s\n", name, hclwrite.TokensForValue(r.data.value(name)).Bytes())
		}
		b.WriteString("}\n")
	}
	return b.String()
}
