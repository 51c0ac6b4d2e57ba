// Command rein runs declarative pipelines that rein in a classifier's false positives.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"syscall"

	"rein/cache"
	"rein/cmd/rein/internal/lategc"
	"rein/engine"
	stepexec "rein/steps/exec"
)

func main() {
	collectLater(int(lategc.Percent))
	if status, ok := stepexec.Helper(); ok {
		os.Exit(status)
	}
	os.Exit(mainCode())
}

// Exit statuses: scripts rely on them.
const (
	exitOK          = 0
	exitVerdict     = 1 // an assertion, a gate, a binding expectation
	exitConfig      = 2 // the command line or a pipeline file
	exitFault       = 3
	exitPending     = 4 // plan --exit-code: something to do
	exitInterrupted = 130
	exitPipe        = 141 // nobody reads the output; the status that shells use
)

// exitError carries an exit status. A nil err has been reported already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// configError gives an error the status exitConfig. It isn't inlined, because all commands have many such errors.
//
//go:noinline
func configError(err error) error { return &exitError{exitConfig, err} }

// mainCode runs the command line and returns the exit status. The first interrupt asks everything to stop and keeps finished results; a
// second one ends the process at once. A terminal that is closed counts as an interrupt.
func mainCode() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitInterrupted)
	}()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // otherwise the process would die and leave its programs running
	s := streams{os.Stdin, &output{file: os.Stdout, closed: cancel}, &output{file: os.Stderr, closed: cancel}}
	return execute(ctx, s, os.Args[1:])
}

// smallHeap is the size of the heap up to which no garbage is collected.
const smallHeap = 96 << 20

// collectLater postpones the first garbage collection: most commands end before they have used smallHeap. It sees to it that later ones wait
// for a heap of that size, too, which is there already. A larger heap is collected as in every Go program, with the given value of GOGC. If
// GOGC or GOMEMLIMIT is set, that holds from the beginning. The channel is closed after the first collection.
func collectLater(percent int) <-chan struct{} {
	over := make(chan struct{})
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		debug.SetGCPercent(percent)
		return over
	}
	limit := debug.SetMemoryLimit(smallHeap)
	debug.SetGCPercent(-1)
	afterCollection(func() {
		stayLate(percent)
		debug.SetMemoryLimit(limit)
		close(over)
	})
	return over
}

// stayLate has the next collection begin at smallHeap, if GOGC would have it begin earlier, and so on after each collection.
func stayLate(percent int) {
	now := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	metrics.Read(now)
	if late := latePercent(percent, now[0].Value.Uint64()); uint64(late) != now[1].Value.Uint64() { // to set it stops all goroutines
		debug.SetGCPercent(late)
	}
	afterCollection(func() { stayLate(percent) })
}

// latePercent is the GOGC with which a heap with so many live bytes is collected at smallHeap, or percent if that is later.
func latePercent(percent int, live uint64) int {
	return max(percent, int(100*smallHeap/max(live, 1))-100)
}

// afterCollection calls do after the next garbage collection.
func afterCollection(do func()) {
	garbage := new([16]byte) // big enough to be allocated by itself
	runtime.AddCleanup(garbage, func(do func()) { do() }, do)
}

func execute(ctx context.Context, s streams, args []string) int {
	root := newRoot(s)
	root.SetArgs(longFlags(args))
	err := root.ExecuteContext(ctx)
	if werr := s.writeError(); errors.Is(werr, syscall.EPIPE) {
		return exitPipe
	} else if werr != nil && !errors.Is(err, werr) {
		err = werr
	}
	if err == nil {
		return exitOK
	}
	if code := exitStatus(err); code == exitInterrupted && errors.Is(err, context.Canceled) {
		printError(s.err, "interrupted")
		return code
	}
	complain(s.err, err)
	return exitStatus(err)
}

func exitStatus(err error) int {
	var e *exitError
	var v *engine.Verdict
	var config *engine.ConfigError
	var occupied *cache.Occupied
	switch {
	case errors.As(err, &e):
		return e.code
	case errors.As(err, &config), errors.As(err, &occupied), errors.Is(err, cache.ErrNotState):
		return exitConfig
	case errors.As(err, &v):
		return exitVerdict
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFault
}
