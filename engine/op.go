package engine

import (
	"context"
	"encoding/json"

	"rein/cache"
)

// Op is a step type with its config, as the engine sees it. It can describe itself for the key, and run. The engine knows nothing else
// about a step: no HCL, no machine learning.
type Op interface {
	// Describe must be cheap, must not write, and must return equal values for equal work.
	Describe(ctx context.Context) (Description, error)
	// Run does the work: reads Call.Inputs, writes every path of Call.Outputs.
	Run(ctx context.Context, c *Call) error
}

// Description is an Op's part of the key, and all that another process needs to make the Op again.
type Description struct {
	Type    string          // step type, "augment"
	Version int             // of the implementation; raised when it gives other output for equal input
	Config  json.RawMessage // decoded config as canonical JSON: sorted keys, defaults filled in
	// Lines are the result of ConfigLines for Config, if it was computed before. nil: it is computed when needed.
	Lines []string
	// Fingerprints are facts of the outside world that change the result, such as versions of libraries for training, or the hardware for a
	// benchmark.
	Fingerprints map[string]string
	// Unkeyed are the dotted paths of Config that can't change the result, such as device or concurrency. They are not in the key.
	Unkeyed []string
	// Sensitive are the dotted paths of Config whose values must never be shown or stored as text:
	// the key holds a salted digest of them.
	Sensitive []string
	salt      []byte // salt of those digests: the state folder's
	// Extents are the dotted paths of Config that only say how far to go, such as epochs. They are in the key but not in the checkpoint's
	// key, so that a longer run continues from the end of a shorter one.
	Extents []string
	// Nondeterministic says that a re-run may give other bytes (run --verify then doesn't compare).
	Nondeterministic bool
	// Exclusive says that the step measures time. Nothing else of ours runs on the machine meanwhile, and its Fingerprints are the
	// machine's.
	Exclusive bool
	// UsesGPU says that the step takes a GPU if the machine has one, even if its Resources ask for none. It also works without.
	UsesGPU bool
	// Isolated says that the step runs in a child process, so that a crash of a native library is a failed step.
	Isolated bool
	// Reuses says that the step takes care of the files in Call.Left.
	Reuses bool
}

// on sets where the step runs. Facts of this machine don't apply to an executor; its name stands for its machines.
func (d *Description) on(executor string) {
	if d.Exclusive && executor != "" {
		d.Fingerprints = map[string]string{"executor": executor}
	}
}

// Resolver makes an Op from the type, version and config of a Description. A child process or a cluster node uses it to turn a work order
// back into code. An unknown type or version is an error.
type Resolver func(typ string, version int, config json.RawMessage) (Op, error)

// Call is one execution of an Op. Paths are absolute; inputs must not be written to.
type Call struct {
	Inputs  map[string][]File // by port; a port may take several files, in the order of the references
	Outputs map[string]string // by port: the path to create, as a file or a folder
	Scratch string            // a folder, empty but for Left, removed afterwards
	// Left names small files in Scratch that another step has left. An op that Reuses writes over them, or removes them; no other op has any.
	Left []string
	// Checkpoint is the path of a folder that outlives a killed run of the same work (keyed by content, see key.go).
	// The op makes it if it wants it.
	Checkpoint string
	Emit       func(Event) // never nil, safe for concurrent use
	Memo       Memo        // never nil
	Resources  Resources   // what was granted
}

// File is one input as a step sees it.
type File struct {
	Path   string       `json:"path"`
	Digest cache.Digest `json:"digest"`
	Name   string       `json:"name,omitempty"` // path relative to the glob or folder it came from, if any
}

// Memo is the row memo: small values under content hashes, kept across runs. If a value is lost, it is computed again.
type Memo interface {
	// GetMany returns a value or nil for each key, in order.
	GetMany(ctx context.Context, keys []cache.Digest) ([][]byte, error)
	PutMany(ctx context.Context, keys []cache.Digest, values [][]byte) error
}

// Resources is what a step needs of the machine while it runs. They are not in the key.
type Resources struct {
	CPUs   float64 `json:"cpus,omitempty"`   // 0: one
	Memory int64   `json:"memory,omitempty"` // bytes; 0: not counted
	GPU    int     `json:"gpu,omitempty"`    // number of whole GPUs; a step that was granted none sees none
	// GPUs are the ids of the GPUs that were granted, as CUDA_VISIBLE_DEVICES names them; set by the engine.
	GPUs []string `json:"gpus,omitempty"`
}

// Verdict is an error that isn't a fault: the step worked, and its answer is no (exit status 1).
type Verdict struct{ Text string }

func (v *Verdict) Error() string { return v.Text }
