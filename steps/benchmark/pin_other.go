//go:build !linux

package benchmark

// pin does nothing, because there is no portable way to bind threads to cores.
func pin(int) (undo func(), pinned bool) { return func() {}, false }
