package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// flipped is a project whose state has one byte that is another one.
type flipped struct {
	t    *testing.T
	dir  string
	what string
	said strings.Builder
}

// rein runs a command line in the project and returns its status and what it printed.
func (f *flipped) rein(args ...string) (status int, said string) {
	var out strings.Builder
	args = append(args, "--state", filepath.Join(f.dir, ".rein"))
	status = execute(context.Background(), streams{strings.NewReader(""), &out, &out}, args)
	fmt.Fprintf(&f.said, "rein %s: %d\n%s", strings.Join(args, " "), status, out.String())
	return status, out.String()
}

func (f *flipped) wrong(format string, args ...any) {
	f.t.Helper()
	f.t.Errorf("%s: %s\n%s", f.what, fmt.Sprintf(format, args...), f.said.String())
}

const flippedPipeline = `pipeline "p" {}
step "exec" "a" {
  command = ["sh", "-c", "echo hello world > $REIN_OUT_o"]
  outputs = ["o"]
}
step "exec" "b" {
  command = ["sh", "-c", "mkdir -p $REIN_OUT_o/d; cat $REIN_IN_t > $REIN_OUT_o/d/x; echo y > $REIN_OUT_o/y"]
  inputs  = { t = step.a.o }
  outputs = ["o"]
}
output "a" {
  value = step.a.o
  path  = "a.txt"
}
output "b" {
  value = step.b.o
  path  = "b"
}
`

// flippedContent is what every file of the project that rein writes has to hold.
var flippedContent = map[string]string{"a.txt": "hello world\n", "b/d/x": "hello world\n", "b/y": "y\n"}

// Whatever byte of whatever file of the state folder is another: no command crashes; what rein hands out and publishes is right; what it
// says of the state is so; a run goes on, or says what is wrong and what to do; and a repair leaves nothing damaged.
// REIN_FLIP_ALL=1 tries every offset.
func TestFlippedBytesOfTheState(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the command line some hundred times")
	}
	sound := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module x\n", "p.hcl": flippedPipeline} {
		if err := os.WriteFile(filepath.Join(sound, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f := &flipped{t: t, dir: sound, what: "the sound state"}
	if status, _ := f.rein("run", "-q", filepath.Join(sound, "p.hcl")); status != 0 {
		f.wrong("the run failed")
		return
	}
	kinds := map[string]int{}
	err := filepath.WalkDir(filepath.Join(sound, ".rein"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "DISCARD" { // 1 MiB of zeros, tried with the index
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(sound, path)
		if err != nil {
			return err
		}
		for _, at := range flipOffsets(int(info.Size())) {
			kinds[strings.Split(filepath.ToSlash(rel), "/")[1]]++
			flipState(t, sound, rel, at)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("flipped: %v", kinds)
	for _, kind := range []string{"index", "blobs", "runs", "published", "FORMAT"} {
		if kinds[kind] == 0 {
			t.Errorf("no byte of %s was flipped", kind)
		}
	}
}

func flipOffsets(size int) (out []int) {
	step := 1
	if os.Getenv("REIN_FLIP_ALL") == "" {
		step = max(size/3, 1)
	}
	for at := 0; at < size; at++ {
		if at%step == 0 || at == size-1 {
			out = append(out, at)
		}
	}
	return out
}

// flipState flips a byte in a copy of the project, and looks at what rein makes of it.
func flipState(t *testing.T, sound, name string, at int) {
	t.Helper()
	f := &flipped{t: t, dir: filepath.Join(t.TempDir(), "x"), what: fmt.Sprintf("%s, byte %d", name, at)}
	defer os.RemoveAll(f.dir)
	if err := copyKeepingTimes(sound, f.dir); err != nil {
		t.Fatal(err)
	}
	if err := flipKeepingTime(filepath.Join(f.dir, name), at); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(f.dir, "p.hcl")
	planned, plan := f.rein("plan", file)
	verified, verify := f.rein("cache", "verify")
	got := filepath.Join(f.dir, "got")
	if status, _ := f.rein("get", file, "step.a.o", "-o", got); status == 0 {
		f.holds("got", "hello world\n")
	}
	if kind := filepath.Base(name); kind == "FORMAT" { // nothing is done to a folder that isn't ours
		if planned == 0 || verified == 0 || !strings.Contains(plan, "FORMAT") {
			f.wrong("a folder of another format is used")
		}
		return
	}
	if planned == 0 && verified == 0 && strings.Contains(verify, "nothing is damaged") && strings.Contains(name, "index") && !strings.Contains(plan, "nothing to do") {
		f.wrong("the plan has something to do, and yet nothing is damaged")
	}
	ran, said := f.rein("run", file)
	switch {
	case ran == 0:
		for path, want := range flippedContent {
			f.holds(path, want)
		}
	case !strings.Contains(said, "move it away"): // a record that vouches for nothing: what is published may be the user's
		f.wrong("the run failed")
	}
	if status, _ := f.rein("cache", "verify", "--repair"); status != 0 && status != 1 {
		f.wrong("the repair failed")
	}
	if status, _ := f.rein("cache", "verify"); status != 0 {
		f.wrong("something is damaged after a repair")
	}
	if strings.Contains(f.said.String(), "goroutine ") || strings.Contains(f.said.String(), "panic") {
		f.wrong("a panic is shown")
	}
}

func (f *flipped) holds(path, want string) {
	f.t.Helper()
	if b, err := os.ReadFile(filepath.Join(f.dir, path)); err != nil || string(b) != want {
		f.wrong("%s holds %q, %v", path, b, err)
	}
}

// copyKeepingTimes copies a project as a backup does: a byte that rots leaves no trace in times.
func copyKeepingTimes(from, to string) error {
	folders := map[string]time.Time{} // writing in them moves their times
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		dst := filepath.Join(to, rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			folders[dst] = info.ModTime()
			return os.MkdirAll(dst, 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(dst, b, info.Mode().Perm()); err != nil {
			return err
		}
		return os.Chtimes(dst, info.ModTime(), info.ModTime())
	})
	for dir, at := range folders {
		err = errors.Join(err, os.Chtimes(dir, at, at))
	}
	return err
}

func flipKeepingTime(path string, at int) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[at] ^= 0x15
	if err := os.Chmod(path, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		return err
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		return err
	}
	return os.Chmod(path, info.Mode().Perm())
}
