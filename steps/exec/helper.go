package exec

import (
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"sync/atomic"
)

// The exec step starts this program again for work that has to be done by a process of its own. Such a process knows its work
// by the name that it was started under.
const (
	watcherName = "rein-exec-watcher"
	strictName  = "rein-exec-sandbox"
)

// hasHelper tells whether this program calls Helper: one that doesn't must not be started for it.
var hasHelper atomic.Bool

// Helper does the work of a helper process, if this process was started as one, and returns its exit status. A program that
// runs exec steps calls it before anything else.
func Helper() (status int, ours bool) {
	switch os.Args[0] {
	case watcherName:
		watchOver(os.Stdin, os.NewFile(3, "table"))
		return 0, true
	case strictName:
		return strictInit(os.Args[1], func(err error) { fmt.Fprintln(os.NewFile(2, "stderr"), err) }), true
	}
	hasHelper.Store(true)
	return 0, false
}

// helper is the command that starts this program as a helper.
func helper(name string, args ...string) (*osexec.Cmd, error) {
	if !hasHelper.Load() {
		return nil, errors.New("this program can't be started as a helper of the exec step")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := osexec.Command(self, args...)
	cmd.Args[0] = name
	return cmd, nil
}
