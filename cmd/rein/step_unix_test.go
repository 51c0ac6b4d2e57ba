//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A node's state folder among the temporary files is used only if nobody else could have put something there.
func TestNodeStateIsOursAlone(t *testing.T) {
	for name, c := range map[string]struct {
		make func(dir string) error
		ok   bool
	}{
		"absent":   {func(string) error { return nil }, true},
		"ours":     {func(dir string) error { return os.Mkdir(dir, 0o700) }, true},
		"anybody":  {func(dir string) error { return mkdirAs(dir, 0o777) }, false},
		"a group":  {func(dir string) error { return mkdirAs(dir, 0o770) }, false},
		"a file":   {func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, false},
		"a link":   {func(dir string) error { return os.Symlink(os.TempDir(), dir) }, false},
		"dangling": {func(dir string) error { return os.Symlink("nowhere", dir) }, false},
		"theirs": {func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, 12345, 12345))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			temp := t.TempDir()
			t.Setenv("TMPDIR", temp)
			t.Setenv("REIN_NODE_STATE", "")
			dir := filepath.Join(temp, fmt.Sprintf("rein-node-%d", os.Getuid()))
			err := c.make(dir)
			if errors.Is(err, os.ErrPermission) {
				t.Skipf("only root can make a folder of somebody else's: %v", err)
			} else if err != nil {
				t.Fatal(err)
			}
			got, err := nodeState()
			if c.ok && (err != nil || got != dir) || !c.ok && (err == nil || !strings.Contains(err.Error(), "REIN_NODE_STATE")) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// mkdirAs makes a folder of a mode, whatever the umask is.
func mkdirAs(dir string, mode os.FileMode) error {
	if err := os.Mkdir(dir, mode); err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}
