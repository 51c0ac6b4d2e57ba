package record

import "encoding/json"

// Meta is what package lang records of a pipeline besides its steps. Comparison and display read it.
type Meta struct {
	Expect    map[string]Expectation `json:"expect,omitempty"`    // the paper's figures, by metric
	Planned   map[string]any         `json:"plan,omitempty"`      // the paper's planned figures; never results
	Targets   map[string]Expectation `json:"targets,omitempty"`   // gates of the verdict, by metric
	Baseline  string                 `json:"baseline,omitempty"`  // step whose figures are the yardstick
	Result    string                 `json:"result,omitempty"`    // step whose figures are the strategy's
	Variables map[string]Variable    `json:"variables,omitempty"` // as resolved
}

// Expectation is one expected figure: a value with a tolerance, or a bound.
type Expectation struct {
	Value     *float64 `json:"value,omitempty"`
	Tolerance *float64 `json:"tolerance,omitempty"`
	AtMost    *float64 `json:"at_most,omitempty"`
	AtLeast   *float64 `json:"at_least,omitempty"`
	Binding   bool     `json:"binding,omitempty"`
	Pos       string   `json:"pos,omitempty"`
}

// Variable is a resolved variable. A sensitive one has no Value.
type Variable struct {
	Value     json.RawMessage `json:"value,omitempty"`
	From      string          `json:"from"` // "default hybrid.hcl:3", "set hybrid.hcl:9", "--var", "REIN_VAR_x"
	Sensitive bool            `json:"sensitive,omitempty"`
}
