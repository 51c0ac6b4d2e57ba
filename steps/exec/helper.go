package exec

import (
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"sync/atomic"
)

// The exec step starts rein's own executable again for work that needs a process of its own. The name that such a process was started under
// tells it its work.
const (
	watcherName = "rein-exec-watcher"
	strictName  = "rein-exec-sandbox"
)

// hasHelper tells whether this executable calls Helper. If it doesn't, it must not be started as a helper.
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

// helper returns the command that starts this executable as a helper.
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
