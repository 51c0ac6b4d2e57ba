// Command rein runs declarative pipelines that rein in a classifier's false positives.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"rein/engine"
)

func main() { os.Exit(mainCode()) }

// Exit statuses: scripts rely on them.
const (
	exitOK          = 0
	exitVerdict     = 1 // an assertion, a gate, a binding expectation
	exitConfig      = 2 // the command line or a pipeline file
	exitFault       = 3
	exitPending     = 4 // plan --exit-code: something to do
	exitInterrupted = 130
)

// streams is where a command reads and writes. Results go to out; progress, notices and errors to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

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

func configError(err error) error { return &exitError{exitConfig, err} }

// mainCode runs the command line and returns the exit status. The first interrupt asks everything to stop and
// keeps what is finished; a second one ends the process at once.
func mainCode() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitInterrupted)
	}()
	s := streams{os.Stdin, os.Stdout, os.Stderr}
	return execute(ctx, s, os.Args[1:])
}

// longFlags lets fmt's flags be written as terraform's and gofmt's are: -check, -diff.
func longFlags(args []string) []string {
	if len(args) == 0 || args[0] != "fmt" {
		return args
	}
	out := slices.Clone(args)
	for i, a := range out {
		if a == "-check" || a == "-diff" {
			out[i] = "-" + a
		}
	}
	return out
}

func execute(ctx context.Context, s streams, args []string) int {
	root := newRoot(s)
	root.SetArgs(longFlags(args))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var e *exitError
	var v *engine.Verdict
	var config *engine.ConfigError
	code := exitFault
	switch {
	case errors.As(err, &e):
		code = e.code
	case errors.As(err, &config):
		code = exitConfig
	case errors.As(err, &v):
		code = exitVerdict
	case errors.Is(err, context.Canceled):
		code = exitInterrupted
	}
	if msg := err.Error(); msg != "" {
		printError(s.err, msg)
	}
	return code
}
