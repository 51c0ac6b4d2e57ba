package exec

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"rein/engine"
	"rein/steps"
	"rein/steps/artifact"
)

// A program can't tell a folder with leftovers from a new one, whatever it needs and whatever was left; and what else leads to
// a leftover isn't written to.
func TestLeftoversAreLikeNewFiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	outside := t.TempDir()
	for round := range 300 {
		in := someInputs(t, r)
		left, kept := t.TempDir(), filepath.Join(outside, fmt.Sprint(round))
		names := someLeftovers(t, r, left, kept)
		got, want := tree(t, left, in, names), tree(t, t.TempDir(), in, nil)
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: with %q left there is\n%s\nwant\n%s", round, names, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if text, err := os.ReadFile(kept); !errors.Is(err, fs.ErrNotExist) && string(text) != "kept" {
			t.Fatalf("round %d: a file elsewhere is %q, %v", round, text, err)
		}
	}
}

// TestLeftoversAreUsed holds that a file is written over, and isn't made again, where that was promised.
func TestLeftoversAreUsed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux all that could write to a leftover was waited for")
	}
	dir := t.TempDir()
	inputs := func(port string, size int) map[string][]engine.File {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		return map[string][]engine.File{port: {{Path: path}}}
	}
	tree(t, dir, inputs("a", 10), nil)
	first, err := os.Stat(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range []struct {
		left, port string
		size       int
	}{{"a", "a", 3}, {"a", "a", smallCopy + 1}, {"a", "b", 0}} {
		tree(t, dir, inputs(next.port, next.size), []string{next.left})
		now, err := os.Stat(filepath.Join(dir, next.port))
		if err != nil || !os.SameFile(first, now) || now.Size() != int64(next.size) {
			t.Errorf("%+v: another file, or another size: %v, %v", next, now, err)
		}
	}
}

// A file that a process still has open isn't used: what that process writes must not get into another step's input.
func TestOpenLeftoversAreNotUsed(t *testing.T) {
	for _, flag := range []int{os.O_WRONLY, os.O_RDONLY} {
		dir, path := t.TempDir(), filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, []byte("of this step"), 0o600); err != nil {
			t.Fatal(err)
		}
		in := map[string][]engine.File{"a": {{Path: path}}}
		tree(t, dir, in, nil)
		open, err := os.OpenFile(filepath.Join(dir, "a"), flag, 0)
		if err != nil {
			t.Fatal(err)
		}
		tree(t, dir, in, []string{"a"})
		before, err := open.Stat()
		now, err2 := os.Stat(filepath.Join(dir, "a"))
		if err := errors.Join(err, err2, open.Close()); err != nil || os.SameFile(before, now) {
			t.Errorf("flag %d: a file that is open is written over (%v)", flag, err)
		}
	}
}

func someInputs(t *testing.T, r *rand.Rand) map[string][]engine.File {
	in, from := map[string][]engine.File{}, t.TempDir()
	for i := range r.IntN(4) {
		port := string(rune('a' + r.IntN(4)))
		for range 1 + r.IntN(3) {
			path := filepath.Join(from, fmt.Sprint(i))
			mode := []fs.FileMode{0o644, 0o755, 0o400}[r.IntN(3)]
			_ = os.Remove(path)
			if err := os.WriteFile(path, []byte(strings.Repeat("x", r.IntN(3)*smallCopy/2+r.IntN(3))), mode); err != nil {
				t.Fatal(err)
			}
			name := []string{"", "", "a", "b", "f", "c/f"}[r.IntN(6)]
			in[port] = append(in[port], engine.File{Path: path, Name: name})
		}
	}
	return in
}

// someLeftovers makes files in dir, as a program may have treated its own. kept is another name of one of them, which it has made.
func someLeftovers(t *testing.T, r *rand.Rand, dir, kept string) (names []string) {
	all := []string{"a", "b", "c", "d", "f", "z", metricsName, ".a.list"}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, name := range all[:r.IntN(len(all))] {
		path := filepath.Join(dir, name)
		text, mode := strings.Repeat("old", r.IntN(smallCopy)), []fs.FileMode{0o644, 0o644, 0o600, 0o755, 0o444, 0}[r.IntN(6)]
		link := r.IntN(4) == 0 && kept != ""
		if link {
			text = "kept"
		}
		err := errors.Join(os.WriteFile(path, []byte(text), 0o644), os.Chmod(path, mode))
		if link {
			err = errors.Join(err, os.Chmod(path, 0o644), os.Link(path, kept))
			kept = ""
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// tree lists a folder once the inputs are placed: names, modes, links and content.
func tree(t *testing.T, dir string, in map[string][]engine.File, left []string) (out []string) {
	ports := steps.Inputs{}
	for port, files := range in {
		for _, f := range files {
			ports[port] = append(ports[port], artifact.File{Path: f.Path})
		}
	}
	s, err := newSandbox(steps.NewEnv(&engine.Call{Scratch: dir, Left: left, Inputs: in}), ports)
	out = append(out, fmt.Sprint("error: ", err != nil))
	if err != nil {
		return out
	}
	out = append(out, strings.ReplaceAll(fmt.Sprint(s.inputs, s.lists), dir, ""))
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		text, rerr := os.ReadFile(path)
		out = append(out, fmt.Sprintf("%s %v %d %s", strings.TrimPrefix(path, dir), info.Mode(), len(text), strings.ReplaceAll(string(text[:min(len(text), 50)]), dir, "")))
		return errors.Join(err, rerr)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
