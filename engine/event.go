package engine

import "time"

// Event is one event of a run. It is flat, so the JSON output is simply its encoding. Fields that don't apply are zero and left out.
type Event struct {
	Time     time.Time `json:"time"`
	Action   Action    `json:"action"`
	Pipeline string    `json:"pipeline,omitempty"`
	Step     string    `json:"step,omitempty"`
	Type     string    `json:"type,omitempty"` // step type
	// Status is set with ActionEnd.
	Status  Status   `json:"status,omitempty"`
	Reasons []string `json:"reasons,omitempty"` // with start: why it runs; with end: why it was skipped or failed
	Why     []Reason `json:"why,omitempty"`     // the same, for programs
	Text    string   `json:"text,omitempty"`    // log line, note or error
	// Executor is set with ActionStart of a step that runs elsewhere: its name.
	Executor string `json:"executor,omitempty"`
	// Progress: Done of Total (0: not known) in Unit ("rows").
	Done  int64  `json:"done,omitempty"`
	Total int64  `json:"total,omitempty"`
	Unit  string `json:"unit,omitempty"`
	// Metric: a named value; At is its position in a series (an epoch), if it is one.
	Metric    string  `json:"metric,omitempty"`
	Value     float64 `json:"value,omitempty"`
	At        float64 `json:"at,omitempty"`
	ElapsedMS int64   `json:"elapsed_ms,omitempty"`
	ActionID  string  `json:"action_id,omitempty"`
	// The last event of a run.
	Cached  *int   `json:"cached,omitempty"`
	Ran     *int   `json:"ran,omitempty"`
	Failed  *int   `json:"failed,omitempty"`
	Skipped *int   `json:"skipped,omitempty"`
	Verdict string `json:"verdict,omitempty"` // pass or fail
	Run     string `json:"run,omitempty"`     // id of the run record
}

// emit sends an event of the run itself. A step's events go through its collector.
func (w *worker) emit(e Event) {
	e.Time = time.Now()
	w.options.Emit(e)
}

// Action is the kind of an Event.
type Action string

// All kinds of events; views switch over these and nothing else.
const (
	ActionPlan     Action = "plan"     // the run begins: Total is the number of steps
	ActionStart    Action = "start"    // a step begins to run
	ActionProgress Action = "progress" // Done, Total, Unit
	ActionLog      Action = "log"      // Text is one line
	ActionNote     Action = "note"     // Text is kept with the result, such as a shortage or a recorded breach; without a step it is about the run
	ActionMetric   Action = "metric"   // Metric, Value: kept with the result
	ActionSeries   Action = "series"   // Metric, Value, At: a curve, kept with the result
	ActionWait     Action = "wait"     // waits for resources, or for another process that makes the same result
	ActionEnd      Action = "end"      // Status
	ActionMissed   Action = "missed"   // Text says which binding expectation the run's figures miss
	ActionDone     Action = "done"     // the last one
)

// actionBegin is the first event of an order's execution. Only the process that sent the order sees it, no view.
const actionBegin Action = "begin"

// Status is how a step ended.
type Status string

// The states of a step, in the words that every view uses.
const (
	StatusRan       Status = "ran"
	StatusCached    Status = "cached"
	StatusUnchanged Status = "unchanged"  // the key of an input changed, but its content didn't: early cutoff
	StatusFailed    Status = "failed"     // a fault
	StatusVerdict   Status = "verdict"    // it ran, and its answer is no (an assertion, a gate)
	StatusSkipped   Status = "skipped"    // something upstream failed
	StatusNotNeeded Status = "not needed" // `when` is false
	StatusStopped   Status = "stopped"    // interrupted
)
