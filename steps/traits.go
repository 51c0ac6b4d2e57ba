package steps

import (
	"fmt"
	"slices"

	"rein/engine"
)

// The stages of the timeline that a step's time can count to.
const (
	Data       = engine.StageData
	Training   = engine.StageTraining
	Validation = engine.StageValidation
	Export     = engine.StageExport
)

// Stage says to which part of the timeline the step's time counts.
func Stage(s engine.Stage) Option { return func(t *Type) { t.traits.Stage = s } }

// Measures says that the step looks at a finished model, or hands it on: its time is no cost of making the model.
func Measures(t *Type) { t.traits.Measures = true }

// Writes says that the step's rows are new texts, which a strategy's control leaves out. control has the arguments, as HCL, by which
// the step passes on copies instead; "" where it has none such.
func Writes(control string) Option {
	return func(t *Type) { t.traits.Writes, t.traits.Control = true, control }
}

// InControl has the arguments, as HCL, that the step needs in a strategy's control, where some rows are copies.
func InControl(hcl string) Option { return func(t *Type) { t.traits.Control = hcl } }

// Report says what the step's report is on ("edits"), so that the page of a comparison draws it.
func Report(on string) Option { return func(t *Type) { t.traits.Report = on } }

// Passes names the inputs whose rows, or variations of them, come out again: what is made of the outputs is made of them. Without a
// name it says that no row of an input comes out.
func Passes(ports ...string) Option {
	return func(t *Type) { t.rowsKnown, t.traits.Passes = true, ports }
}

// Keeps names the input whose rows come out again, each and as they are.
func Keeps(port string) Option {
	return func(t *Type) { t.rowsKnown, t.keeps, t.traits.Passes = true, true, []string{port} }
}

// Divides names the inputs of whose rows each output is a part. No two outputs share a row.
func Divides(ports ...string) Option {
	return func(t *Type) { t.rowsKnown, t.traits.Divides = true, ports }
}

// Fits names an input whose rows make the step's model what it is, and how: "trains on".
func Fits(port, how string) Option {
	return func(t *Type) { t.traits.Fits = append(t.traits.Fits, engine.Fit{Port: port, How: how}) }
}

// HeldOut names the inputs of whose rows none may have made a model that the step takes: rein plan refuses a pipeline in which one has.
func HeldOut(ports ...string) Option { return func(t *Type) { t.traits.HeldOut = ports } }

// TraitsAdjuster may be implemented by a config (value or pointer) whose values decide what the step is.
type TraitsAdjuster interface{ AdjustTraits(*engine.Traits) }

// Traits are what the type says of itself, for one configuration of it.
func (t *Type) Traits(o engine.Op) engine.Traits {
	out := t.traits
	x, ok := o.(*op)
	if !ok || !t.adjusts {
		return out
	}
	if config, err := x.config(); err == nil { // else the step says so when it is asked for more
		if a, ok := config.(TraitsAdjuster); ok {
			a.AdjustTraits(&out)
		}
	}
	return out
}

// checkTraits panics where a type doesn't say what a reader of graphs has to know, or names a port that isn't there.
func (t *Type) checkTraits() {
	isRows := func(p Port) bool { return p.Kind == "rows" }
	if !t.rowsKnown && slices.ContainsFunc(t.In, isRows) && slices.ContainsFunc(t.Out, isRows) {
		panic(fmt.Sprintf("steps: %s takes rows and gives rows: say with Passes, Keeps or Divides whether they are the same ones", t.Name))
	}
	named := slices.Concat(t.traits.Passes, t.traits.Divides, t.traits.HeldOut)
	for _, f := range t.traits.Fits {
		named = append(named, f.Port)
	}
	for _, name := range named {
		if !slices.ContainsFunc(t.In, func(p Port) bool { return p.Name == name && isRows(p) }) {
			panic(fmt.Sprintf("steps: %s has no input of rows that is called %q", t.Name, name))
		}
	}
	for _, p := range t.Out {
		if isRows(p) && !t.keeps {
			t.traits.Rows = append(t.traits.Rows, p.Name)
		}
	}
}
