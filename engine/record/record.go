// Package record defines what is kept of a run: plain JSON, one file a run. It is a leaf, so that
// comparison and display read results without the engine.
package record

import (
	"encoding/json"
	"time"

	"rein/cache"
)

// FormatVersion is written into every record; a reader refuses a later one.
const FormatVersion = 1

// Run is one run of one or more pipelines.
type Run struct {
	Format    int               `json:"format"`
	ID        string            `json:"id"` // time-ordered: 20261123T143012042-1f3a9c
	Started   time.Time         `json:"started"`
	Ended     time.Time         `json:"ended"`
	Verdict   string            `json:"verdict"`          // the run's outcome: pass, fail, stopped
	Missed    []string          `json:"missed,omitempty"` // binding expectations that its figures don't reach: why all steps passed and the run didn't
	Error     string            `json:"error,omitempty"`  // why an output could not be published; steps have their own
	Command   []string          `json:"command,omitempty"`
	Git       Git               `json:"git"`
	Host      Host              `json:"host"`
	Versions  map[string]string `json:"versions,omitempty"` // library -> version
	Pipelines []Pipeline        `json:"pipelines"`
}

// Git says which revision the pipeline files were at.
type Git struct {
	Revision string `json:"revision,omitempty"`
	Dirty    bool   `json:"dirty,omitempty"`
}

// Host is the machine that ran.
type Host struct {
	Name   string `json:"name,omitempty"`
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	CPU    string `json:"cpu,omitempty"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory,omitempty"` // bytes
}

// Pipeline is one strategy's part of a run.
type Pipeline struct {
	Name  string          `json:"name"`
	Title string          `json:"title,omitempty"`
	File  string          `json:"file"`
	Meta  json.RawMessage `json:"meta,omitempty"` // as package lang gave it
	Steps []Step          `json:"steps"`          // in topological order
}

// Step is what happened to one step, and what is known of its result, whether it ran now or was cached.
type Step struct {
	Name     string                `json:"name"`
	Type     string                `json:"type"`
	Traits   Traits                `json:"traits,omitzero"`   // of the type; empty in records of old
	Version  int                   `json:"version,omitempty"` // of the step type
	Pos      string                `json:"pos,omitempty"`
	Status   string                `json:"status"` // engine.Status
	Reasons  []string              `json:"reasons,omitempty"`
	Why      []Reason              `json:"why,omitempty"` // the same, for programs
	Error    string                `json:"error,omitempty"`
	Advice   string                `json:"advice,omitempty"` // what can be done about the error; its last line has it too
	ActionID string                `json:"action_id,omitempty"`
	Key      string                `json:"key,omitempty"`   // the text that was hashed to ActionID, where the result is in the store
	Needs    []string              `json:"needs,omitempty"` // names of the steps it depends on
	Outputs  map[string]cache.Blob `json:"outputs,omitempty"`
	Result   cache.Result          `json:"result"`              // metrics, notes, cost of the execution that made it
	QueuedMS int64                 `json:"queued_ms,omitempty"` // waiting for resources, this run
	RunMS    int64                 `json:"run_ms,omitempty"`    // executing, this run; 0 if cached
}
