package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"rein/engine/internal/proc"
)

// childExit is how a child process ended that left no answer, because it crashed or was killed.
type childExit struct {
	state string
	tail  []string
}

func (e *childExit) Error() string {
	s := "its process died: " + e.state
	if strings.Contains(e.state, "killed") {
		s += " (by the kernel, if memory ran out: fewer --jobs, or resources { memory = ... } on the step)"
	}
	if len(e.tail) > 0 {
		s += "\n" + strings.Join(e.tail, "\n")
	}
	return s
}

// runChild executes a work order in a child process with a process group of its own. It returns the step's answer and the process's peak
// memory in bytes. When ctx ends, it asks the group to stop, and kills it after grace.
func runChild(ctx context.Context, argv []string, order string, env []string, grace time.Duration, emit func(Event)) (peak int64, err error) {
	cmd := exec.Command(argv[0], append(argv[1:len(argv):len(argv)], order)...)
	cmd.Env = env
	// The child reads from the pipe and ends when we, who hold the other end, are gone.
	tether, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	var tail tail
	events := &LineWriter{Line: relay(emit, func() {})}
	noise := &LineWriter{Line: func(l string) {
		tail.add(l)
		emit(Event{Action: ActionLog, Text: l})
	}}
	cmd.Stdout, cmd.Stderr = events, noise
	cmd.WaitDelay = 2 * time.Second // a process that the step left behind may hold the pipes open
	proc.Group(cmd)
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("cannot start the step's process: %w", err)
	}
	stopped := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
			proc.Stop(cmd, grace, stopped)
		case <-stopped:
		}
	}()
	waitErr := cmd.Wait()
	events.Flush()
	noise.Flush()
	close(stopped)
	tether.Close()
	proc.KillGroup(cmd) // processes that the step left behind must not go on writing
	answer, ok := readResult(order)
	switch {
	case ok:
		err = answer // even if the process crashed afterwards: native libraries may crash when they are unloaded
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case waitErr == nil:
		err = errors.New("its process ended without an answer")
	default:
		err = &childExit{state: waitErr.Error(), tail: tail.lines()}
	}
	return proc.PeakRSS(cmd), err
}

// relay passes on the events of a child, which are lines of JSON. Any other line, such as one that a library prints, is a log line. begin
// is called when an execution begins.
func relay(emit func(Event), begin func()) func(string) {
	return func(l string) {
		var e Event
		if !strings.HasPrefix(l, "{") || json.Unmarshal([]byte(l), &e) != nil || e.Action == "" {
			emit(Event{Action: ActionLog, Text: l})
			return
		}
		switch e.Action {
		case actionBegin:
			begin()
		case ActionProgress, ActionLog, ActionNote, ActionMetric, ActionSeries:
			emit(e)
		}
	}
}

// tail keeps the first lines, in which a Go panic says what it is, and the last ones, in which native code does.
type tail struct {
	first, last []string
	between     int
}

const headLines = 5

func (t *tail) add(l string) {
	if len(t.first) < headLines {
		t.first = append(t.first, l)
		return
	}
	if t.last = append(t.last, l); len(t.last) > tailLines-headLines {
		t.last = t.last[1:]
		t.between++
	}
}

func (t *tail) lines() []string {
	out := t.first
	if t.between > 0 {
		out = append(out, fmt.Sprintf("... (%d lines)", t.between))
	}
	return append(out, t.last...)
}

// tethered ends the context when standard input ends, which means that the process that started this one is gone. A step that ignores its
// context is killed a little later, with its whole process group.
func tethered(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel(errors.New("the run that this step belongs to is gone"))
		time.Sleep(10 * time.Second)
		if ctx.Err() != nil {
			proc.KillOwnGroup()
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}
