package steps

import (
	"fmt"
	"slices"

	"rein/engine"
)

// The parts of the timeline that the time of a step can count towards.
const (
	Data       = engine.StageData
	Training   = engine.StageTraining
	Validation = engine.StageValidation
	Export     = engine.StageExport
)

// Stage says towards which part of the timeline the step's time counts.
func Stage(s engine.Stage) Option { return func(t *Type) { t.traits.Stage = s } }

// Measures says that the step only examines a finished model, or hands it on. Its time isn't a cost of making the model.
func Measures(t *Type) { t.traits.Measures = true }

// Writes says that the step writes new texts. A strategy's control is the same pipeline without new texts: control holds the arguments, as
// HCL, with which the step passes on copies instead. control is "" if the step has no such arguments.
func Writes(control string) Option {
	return func(t *Type) { t.traits.Writes, t.traits.Control = true, control }
}

// InControl gives the arguments, as HCL, that the step needs in a strategy's control, because some of the rows are copies there.
func InControl(hcl string) Option { return func(t *Type) { t.traits.Control = hcl } }

// Report names the subject of the step's report ("edits"), so that the page of a comparison knows how to draw it.
func Report(on string) Option { return func(t *Type) { t.traits.Report = on } }

// Passes names the inputs whose rows, or variations of them, are in the outputs. What is made of the outputs then counts as made of these
// rows. Passes without a name says that no row of an input is in an output.
func Passes(ports ...string) Option {
	return func(t *Type) { t.rowsKnown, t.traits.Passes = true, ports }
}

// Keeps names the input whose rows are all in the output, unchanged.
func Keeps(port string) Option {
	return func(t *Type) { t.rowsKnown, t.keeps, t.traits.Passes = true, true, []string{port} }
}

// Divides names the inputs whose rows the step divides among its outputs. No two outputs share a row.
func Divides(ports ...string) Option {
	return func(t *Type) { t.rowsKnown, t.traits.Divides = true, ports }
}

// Fits names an input whose rows determine the step's model, and how they do: "trains on".
func Fits(port, how string) Option {
	return func(t *Type) { t.traits.Fits = append(t.traits.Fits, engine.Fit{Port: port, How: how}) }
}

// Pace names the arguments (model.base) on which the step's time depends most. A forecast of the step rests only on past runs with the
// same values.
func Pace(paths ...string) Option { return func(t *Type) { t.traits.Pace = paths } }

// HeldOut names the inputs whose rows must not have contributed to any model that the step takes. rein plan refuses a pipeline where one
// has.
func HeldOut(ports ...string) Option { return func(t *Type) { t.traits.HeldOut = ports } }

// TraitsAdjuster may be implemented by a config (value or pointer) if its values change the step's traits.
type TraitsAdjuster interface{ AdjustTraits(*engine.Traits) }

// Traits returns the traits of the type, adjusted for the configuration of o.
func (t *Type) Traits(o engine.Op) engine.Traits {
	out := t.traits
	x, ok := o.(*op)
	if !ok || !t.adjusts {
		return out
	}
	if config, err := x.config(); err == nil { // a broken config is reported when the step is described
		if a, ok := config.(TraitsAdjuster); ok {
			a.AdjustTraits(&out)
		}
	}
	return out
}

// checkTraits panics if a type with rows in and out doesn't say whether they are the same rows, or if a trait names an unknown port.
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
