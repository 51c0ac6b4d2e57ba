package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// protect makes a folder one that can't be written to: by a mount for root, whom no mode stops, else by its modes.
func protect(t *testing.T, dir string) {
	t.Helper()
	if os.Getuid() == 0 {
		if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
			t.Skip("this process may not mount: ", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
		if err := unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Skip("this process may not mount: ", err)
		}
		return
	}
	chmod := func(take, give fs.FileMode) {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil {
				err = os.Chmod(path, info.Mode().Perm()&^take|give)
			}
			return err
		})
	}
	chmod(0o222, 0)
	t.Cleanup(func() { chmod(0, 0o200) })
}

// Results of a state folder that can't be written to can be copied out of it, and nothing of the user's is replaced.
func TestGetFromAReadOnlyState(t *testing.T) {
	dir := t.TempDir()
	state, file, to := filepath.Join(dir, "state"), filepath.Join(dir, "p.hcl"), filepath.Join(dir, "copy")
	text := "pipeline \"p\" {}\nstep \"exec\" \"a\" {\n  command = [\"sh\", \"-c\", \"echo hi > $REIN_OUT_o\"]\n  outputs = [\"o\"]\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	rein := func(args ...string) (int, string) {
		var out strings.Builder
		status := execute(t.Context(), streams{strings.NewReader(""), &out, &out}, append(args, "--state", state))
		return status, out.String()
	}
	if status, said := rein("run", "-q", file); status != 0 {
		t.Fatalf("%d: %s", status, said)
	}
	protect(t, state)
	for range 2 { // equal content may stay
		if status, said := rein("get", file, "step.a.o", "-o", to); status != 0 {
			t.Fatalf("%d: %s", status, said)
		}
	}
	if b, err := os.ReadFile(to); err != nil || string(b) != "hi\n" {
		t.Errorf("%q, %v", b, err)
	}
	if err := os.WriteFile(to, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if status, said := rein("get", file, "step.a.o", "-o", to); status != 2 || !strings.Contains(said, "rein did not put it there") {
		t.Errorf("%d: %s", status, said)
	}
}
