package steps

import (
	"fmt"
	"os"

	"rein/engine"
)

// Env is everything that a step may use besides its config and inputs. Its methods are safe for concurrent use.
type Env struct{ call *engine.Call }

// NewEnv returns the Env of a call. Tests of steps use it.
func NewEnv(c *engine.Call) *Env { return &Env{call: c} }

// Out returns the path where the step must create the output port, as a file or a folder.
func (e *Env) Out(port string) string { return e.call.Outputs[port] }

// OutPorts returns the path of each output port. Steps whose ports are named by the pipeline need it.
func (e *Env) OutPorts() map[string]string { return e.call.Outputs }

// Files returns the files of an input port with their digests and names.
func (e *Env) Files(port string) []engine.File { return e.call.Inputs[port] }

// Scratch returns a folder that is removed after the step. It is empty, except for Left.
func (e *Env) Scratch() string { return e.call.Scratch }

// Left names files in Scratch that an earlier step has left, because writing over a file is faster than making one. A step that Reuses
// writes over them or removes them; all other steps get none.
func (e *Env) Left() []string { return e.call.Left }

// Checkpoint returns a folder that survives if the run is killed: the next run of the same work gets it again. The folder is created by the
// first call, because most steps need none. If it can't be created, writing to it gives the reason.
func (e *Env) Checkpoint() string {
	_ = os.MkdirAll(e.call.Checkpoint, 0o755)
	return e.call.Checkpoint
}

// Resources returns what the engine granted to the step.
func (e *Env) Resources() engine.Resources { return e.call.Resources }

// Logf adds a line to the step's log.
func (e *Env) Logf(format string, args ...any) {
	e.call.Emit(engine.Event{Action: engine.ActionLog, Text: fmt.Sprintf(format, args...)})
}

// Notef adds a note to the result, which is shown beside it: a shortage, or a breach that was recorded.
func (e *Env) Notef(format string, args ...any) {
	e.call.Emit(engine.Event{Action: engine.ActionNote, Text: fmt.Sprintf(format, args...)})
}

// Progress reports that done of total units are done; total is 0 if not known.
func (e *Env) Progress(done, total int64, unit string) {
	e.call.Emit(engine.Event{Action: engine.ActionProgress, Done: done, Total: total, Unit: unit})
}

// Metric records a named value with the result. Names are in lower case with underscores: fp_rate, total_samples. An event is large, and
// steps record many values: the calls aren't inlined.
//
//go:noinline
func (e *Env) Metric(name string, v float64) {
	e.call.Emit(engine.Event{Action: engine.ActionMetric, Metric: name, Value: v})
}

// Series adds the point (at, v) to a curve that is kept with the result, such as the loss (v) at an epoch (at).
func (e *Env) Series(name string, at, v float64) {
	e.call.Emit(engine.Event{Action: engine.ActionSeries, Metric: name, At: at, Value: v})
}

// Device records which device did the work ("onnx:cpu", "cuda:0 H100"). It isn't part of the key.
func (e *Env) Device(name string) {
	e.call.Emit(engine.Event{Action: engine.ActionMetric, Metric: "device", Text: name})
}

// Memo returns a store that keeps a value for each row across runs.
func (e *Env) Memo() engine.Memo { return e.call.Memo }
