// Package record defines the record of a run: plain JSON, one file for each run. It imports nothing of the engine, so comparison and
// display can read results without it.
package record

import (
	"encoding/json"
	"time"

	"rein/cache"
)

// FormatVersion is written into every record. A reader refuses a later version.
const FormatVersion = 1

// Run is one run of one or more pipelines.
type Run struct {
	Format    int               `json:"format"`
	ID        string            `json:"id"` // time-ordered: 20261123T143012042-1f3a9c
	Started   time.Time         `json:"started"`
	Ended     time.Time         `json:"ended"`
	Verdict   string            `json:"verdict"`          // the run's outcome: pass, fail, stopped
	Missed    []string          `json:"missed,omitempty"` // binding expectations that its figures miss: why the run failed although all steps passed
	Error     string            `json:"error,omitempty"`  // why an output could not be published; steps have errors of their own
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

// Step is what happened to one step, and its result, whether it ran now or was cached.
type Step struct {
	Name     string                `json:"name"`
	Type     string                `json:"type"`
	Traits   Traits                `json:"traits,omitzero"`   // of its type; empty in old records
	Version  int                   `json:"version,omitempty"` // of the step type
	Pos      string                `json:"pos,omitempty"`
	Status   string                `json:"status"` // engine.Status
	Reasons  []string              `json:"reasons,omitempty"`
	Why      []Reason              `json:"why,omitempty"` // the same, for programs
	Error    string                `json:"error,omitempty"`
	Advice   string                `json:"advice,omitempty"` // what to do about the error; also the last line of the error
	ActionID string                `json:"action_id,omitempty"`
	Key      string                `json:"key,omitempty"`   // the text that was hashed to ActionID, if the result is in the store
	Needs    []string              `json:"needs,omitempty"` // names of the steps it depends on
	Outputs  map[string]cache.Blob `json:"outputs,omitempty"`
	Result   cache.Result          `json:"result"`              // metrics, notes, cost of the execution that made it
	QueuedMS int64                 `json:"queued_ms,omitempty"` // waiting for resources, this run
	RunMS    int64                 `json:"run_ms,omitempty"`    // executing, this run; 0 if cached
}
