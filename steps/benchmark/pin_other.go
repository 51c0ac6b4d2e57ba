//go:build !linux

package benchmark

// pin does nothing: there is no portable way.
func pin(int) (undo func(), pinned bool) { return func() {}, false }
