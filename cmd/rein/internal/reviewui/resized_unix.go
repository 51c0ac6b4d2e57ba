//go:build unix

package reviewui

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyResized sends to c when the terminal's window has another size.
func notifyResized(c chan<- os.Signal) { signal.Notify(c, syscall.SIGWINCH) }
