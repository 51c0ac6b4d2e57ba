package record

// Traits are what a step type says of itself. Code that reads a graph or a record (the check for leaked rows, the timeline, the
// comparison) goes by them and never by the name of a type. They can't change a result, so they are in no key.
type Traits struct {
	Stage    Stage  `json:"stage,omitempty"`    // of the timeline; "": none
	Measures bool   `json:"measures,omitempty"` // looks at a model or hands it on: its time is no cost of making the model
	Writes   bool   `json:"writes,omitempty"`   // its rows are new texts
	Report   string `json:"report,omitempty"`   // what the report output is on: "edits"; "": a report that nobody draws
	// Rows are the outputs whose rows differ from those that came in.
	Rows []string `json:"rows,omitempty"`

	Passes  []string `json:"-"` // inputs whose rows, or variations of them, come out again
	Divides []string `json:"-"` // inputs of whose rows each output is a part; no two outputs share a row
	Fits    []Fit    `json:"-"` // inputs whose rows make the step's model what it is
	HeldOut []string `json:"-"` // inputs of whose rows none may have made a model that the step takes
	Control string   `json:"-"` // HCL arguments by which the step leaves the new texts out, in a strategy's control
}

// Fit is an input whose rows make a model what it is.
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
