//go:build unix

package enginetest

import (
	"path/filepath"
	"syscall"
	"testing"
)

// NamedPipe makes a pipe that processes find by its name. Whoever opens it to read waits until somebody opens it to write, and the other
// way round.
func NamedPipe(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
