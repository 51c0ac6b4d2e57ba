// Package engine plans and runs graphs of steps, and runs nothing twice. It knows neither the pipeline language nor
// machine learning: package lang makes a Graph, package steps makes Ops of step types.
//
// # Words
//
//   - Graph, Pipeline, Node: what one command looks at. A Node is a step of a pipeline; its Inputs refer to ports of
//     other nodes or to the user's files.
//   - Op: a step type with its config, as the engine sees it. It describes itself for the key, and runs.
//   - key, ActionID: the text that holds everything that can change a step's result, and its hash (key.go).
//   - OutputID: the hash of content. Inputs are in the key by their OutputID, so equal output stops a wave of re-runs.
//   - unit: one piece of work. Nodes of any pipelines with one description and the same sources are one unit (unit.go).
//   - plan: what a run would do, found by asking the store, which writes nothing (plan.go); forecast: what that would
//     cost, from history (history.go).
//   - why: the difference between a key and the nearest one of the past (keydiff.go, why.go).
//   - work order: all that another process needs to execute a step (order.go); a child process is the first such
//     executor (child.go).
//   - lease: the right to make one result, or to use a job slot or a GPU, among all processes of a state folder. It is
//     held by the kernel for its process, so nothing has to be cleaned up after a killed one.
//   - verdict: the answer "no" of a step that worked (an assertion, a gate); fault: a step that didn't work.
//
// # A run, walked through
//
// Run calls prepare, which orders the nodes, asks every Op for its Description and merges equal nodes into units. Then three take
// turns: the schedule has the state of the run and says what is to be done (schedule.go, revive.go), workers do it (worker.go,
// attempt.go, commit.go), and the loop between them starts the ones and reports to the other (run.go). A unit goes:
//
//	waits for dependencies -> ready -> looked up: its inputs hashed, its key made, the store asked
//	  found:     ends as cached, or unchanged if something above it ran
//	  not found: runnable -> resources granted -> lease taken, store asked again -> executed
//	             -> outputs adopted, inputs looked at again, entry written -> ends as ran
//
// What is ready is taken depth first, so that the first pipeline is also finished first. When a unit ends, each of
// its nodes gets an end of its own: a check of one pipeline may say no where another's doesn't ask (ends.go).
//
// # What is promised
//
// Never stale: the key is complete or the test of forgotten fields fails; an input that changes during a step spoils
// the entry, not the run. Never lost: outputs are in the store before the index names them, and what is finished is kept
// however the run ends; a power cut may take the last seconds, and what it takes is a miss (cache.Store.Sync). Never in the way: questions write nothing and wait for nobody; two runs at once share work.
package engine
