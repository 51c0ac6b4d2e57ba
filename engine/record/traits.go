package record

// Traits are what a step type declares about itself. Code that reads a graph or a record (the check for leaked rows, the timeline, the
// comparison) uses them and never the name of a type. They can't change a result, so they are in no key.
type Traits struct {
	Stage    Stage  `json:"stage,omitempty"`    // of the timeline; "": none
	Measures bool   `json:"measures,omitempty"` // it measures or passes on a model, so its time isn't part of the model's cost
	Writes   bool   `json:"writes,omitempty"`   // its rows are new texts
	Report   string `json:"report,omitempty"`   // subject of the report output, such as "edits"; "": a report that is never drawn
	// Rows are the outputs whose rows differ from those of the inputs.
	Rows []string `json:"rows,omitempty"`

	Passes  []string `json:"-"` // inputs whose rows, or variations of them, come out again
	Divides []string `json:"-"` // inputs that are divided among the outputs; no two outputs share a row
	Fits    []Fit    `json:"-"` // inputs whose rows determine the step's model
	HeldOut []string `json:"-"` // inputs whose rows must not have been used for a model that the step takes
	Pace    []string `json:"-"` // dotted paths of the config: runs with other values say nothing of how long one takes
	Control string   `json:"-"` // HCL arguments with which the step leaves out the new texts, for a strategy's control
}

// Fit is an input whose rows determine a model.
type Fit struct {
	Port string
	How  string // "trains on"
}

// Stage is a part of the timeline.
type Stage string

// The stages.
const (
	StageData       Stage = "data"
	StageTraining   Stage = "training"
	StageValidation Stage = "validation"
	StageExport     Stage = "export"
)
