package engine

import (
	"errors"
	"runtime"
	"time"

	"rein/cache"
	"rein/engine/record"
)

// Options is what Run, Plan and Why need besides the graph.
type Options struct {
	Store *cache.Store
	// Jobs is how many steps run at a time. 0: the number of cores.
	Jobs int
	// Emit gets every event. It is called from many goroutines; nil drops them.
	Emit func(Event)
	// Begin is called before a run's first step with the record as far as it is known then: its steps have no status yet.
	Begin func(*record.Run)
	// Resolver makes the Op of a work order in a child process; needed where Child is.
	Resolver Resolver
	// Child is the argument vector to which the path of a work order is appended to run a step in a process of its
	// own: [self "step" "run"]. Without it isolated steps run in this process.
	Child []string
	// Executors are the places beside this machine where steps can run, by name. Executor is where every step runs; "": where the step
	// says, or here; "local": here.
	Executors map[string]Executor
	Executor  string
	// Remote shares results with other machines; nil: they aren't shared. Run fetches from it what the store lacks, and sends what it
	// makes.
	Remote Remote
	// KeepGoing continues with the steps that don't depend on a failed one.
	KeepGoing bool
	// Verify runs cached steps again and fails those that give other bytes.
	Verify bool
	// Frozen fails the first step that isn't cached.
	Frozen bool
	// Force lists steps, as STEP or PIPELINE/STEP, that run whatever the cache says.
	Force []string
	// Budget refuses to start when the forecast is longer; 0: no limit.
	Budget time.Duration
	// CheckOutputs makes Plan refuse outputs whose paths hold something that rein did not put there, as Run does.
	CheckOutputs bool
	// RetryDelay is the pause before the first retry of a step; it doubles with each. 0: a second.
	RetryDelay time.Duration
	// Grace is how long a step may take to end once it was asked to, before its processes are killed. 0: 10 seconds.
	Grace time.Duration

	// Judge is called when all steps have passed, before anything is published. It returns a sentence for each requirement that the run's
	// figures miss. If there is one, the run's outcome is a failure. nil: there are no requirements.
	Judge func(*record.Run) ([]string, error)

	// point is called when a run passes a commit point. Tests kill the process there.
	point func(name string)

	// Known stands for the graph, and for the rein that runs it: two runs with equal ones have equal graphs. Zero: it isn't known, and
	// nothing is kept for Repeat.
	Known cache.Digest
	// Note is asked for what the caller wants back from Repeat, given the record of a run that has nothing to do. nil: nothing.
	Note func(*record.Run) []byte

	// These are kept in the run record as they are.
	Versions map[string]string
	Command  []string
	Git      func() record.Git // asked once, when the run begins; nil: nothing is known
}

// withDefaults fills in what was left zero.
func (o Options) withDefaults() (Options, error) {
	if o.Store == nil {
		return o, errors.New("engine: no store given")
	}
	if o.Jobs <= 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	if o.Emit == nil {
		o.Emit = func(Event) {}
	}
	if o.Git == nil {
		o.Git = func() record.Git { return record.Git{} }
	}
	if o.Begin == nil {
		o.Begin = func(*record.Run) {}
	}
	if o.RetryDelay <= 0 {
		o.RetryDelay = time.Second
	}
	if o.point == nil {
		o.point = func(string) {}
	}
	if o.Grace <= 0 {
		o.Grace = 10 * time.Second
	}
	return o, nil
}
