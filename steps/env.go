package steps

import (
	"fmt"
	"os"

	"rein/engine"
)

// Env is all that a step may touch besides its inputs. Its methods are safe for concurrent use.
type Env struct{ call *engine.Call }

// NewEnv wraps a call: for tests of steps.
func NewEnv(c *engine.Call) *Env { return &Env{call: c} }

// Out is the path to create for an output port, as a file or a folder.
func (e *Env) Out(port string) string { return e.call.Outputs[port] }

// OutPorts lists the output ports' paths: for steps whose ports the pipeline names.
func (e *Env) OutPorts() map[string]string { return e.call.Outputs }

// Files lists an input port's files with their digests and names.
func (e *Env) Files(port string) []engine.File { return e.call.Inputs[port] }

// Scratch is an empty folder that is removed afterwards.
func (e *Env) Scratch() string { return e.call.Scratch }

// Checkpoint is a folder that outlives a killed run of the same work. It is made when it is first asked for: most steps
// never do. If it can't be made, writing to it says why.
func (e *Env) Checkpoint() string {
	_ = os.MkdirAll(e.call.Checkpoint, 0o755)
	return e.call.Checkpoint
}

// Resources is what was granted to the step.
func (e *Env) Resources() engine.Resources { return e.call.Resources }

// Logf adds a line to the step's log.
func (e *Env) Logf(format string, args ...any) {
	e.call.Emit(engine.Event{Action: engine.ActionLog, Text: fmt.Sprintf(format, args...)})
}

// Notef says something that belongs to the result and is shown beside it: a shortage, a breach that was recorded.
func (e *Env) Notef(format string, args ...any) {
	e.call.Emit(engine.Event{Action: engine.ActionNote, Text: fmt.Sprintf(format, args...)})
}

// Progress reports done of total (0: not known) units.
func (e *Env) Progress(done, total int64, unit string) {
	e.call.Emit(engine.Event{Action: engine.ActionProgress, Done: done, Total: total, Unit: unit})
}

// Metric records a named value with the result. Names are in DESIGN's METRIC style: fp_rate, total_samples.
func (e *Env) Metric(name string, v float64) {
	e.call.Emit(engine.Event{Action: engine.ActionMetric, Metric: name, Value: v})
}

// Series adds a point to a curve that is kept with the result: loss at an epoch.
func (e *Env) Series(name string, at, v float64) {
	e.call.Emit(engine.Event{Action: engine.ActionSeries, Metric: name, At: at, Value: v})
}

// Device records what did the work ("onnx:cpu", "cuda:0 H100"); it is not in the key.
func (e *Env) Device(name string) {
	e.call.Emit(engine.Event{Action: engine.ActionMetric, Metric: "device", Text: name})
}

// Memo keeps values by row across runs.
func (e *Env) Memo() engine.Memo { return e.call.Memo }
