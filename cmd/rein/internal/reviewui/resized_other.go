//go:build !unix

package reviewui

import "os"

// notifyResized does nothing: these systems don't tell. The next key draws the screen in its new size.
func notifyResized(chan<- os.Signal) {}
