//go:build unix

package lang

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What has no end, or nobody who writes, is no pipeline file.
func TestOnlyFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.hcl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "zero.hcl")); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"pipe.hcl": "named pipe", "zero.hcl": "device"} {
		_, diags := Load([]string{file}, Options{Dir: dir})
		if !diags.HasErrors() || !strings.Contains(diags.Error(), want) {
			t.Errorf("%s: %v", file, diags)
		}
		_, diags = Load(nil, Options{Dir: dir, VarFiles: []string{file}})
		if !diags.HasErrors() || !strings.Contains(diags.Error(), want) {
			t.Errorf("--var-file %s: %v", file, diags)
		}
	}
}
