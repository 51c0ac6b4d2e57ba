//go:build !unix

package enginetest

import "testing"

// NamedPipe skips the test: there are no named pipes in folders here.
func NamedPipe(t testing.TB) string {
	t.Skip("needs named pipes")
	return ""
}
