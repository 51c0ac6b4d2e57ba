package engine_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"rein/engine/enginetest"
	"rein/engine/record"
)

// Killed at any commit point, the next run is right, repeats at most one step, and leaves no litter.
func TestKilledAtEveryCommitPoint(t *testing.T) {
	const steps = 3
	for _, point := range []string{"leased", "run", "adopt", "put", "kept", "record", "publish"} {
		for nth := 1; nth <= steps; nth++ {
			if nth > 1 && (point == "record" || point == "publish") {
				continue
			}
			t.Run(fmt.Sprintf("%s %d", point, nth), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
				c := started("short chain", state, log)
				c.Env = append(os.Environ(), fmt.Sprintf("KILL_AT=%s %d", point, nth))
				var exit *exec.ExitError
				if err := c.Run(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
					t.Fatalf("the process was not killed: %v", err)
				}
				checkNext(t, log, state, steps)
			})
		}
	}
}

// checkNext runs the short chain on what an unlucky run left, and wants what a clean run gives.
func checkNext(t *testing.T, log, state string, steps int) {
	t.Helper()
	s := enginetest.Open(t, state)
	r := mustRun(t, publishedChain(log, steps), options(s))
	if r.Verdict != "pass" {
		t.Fatal(enginetest.Statuses(r))
	}
	again := 0
	for _, n := range logged(t, log) {
		again += n - 1
	}
	if again > 1 {
		t.Errorf("%d steps were repeated: %v", again, logged(t, log))
	}
	want := mustRun(t, chain(log, steps, 0), options(enginetest.Open(t, filepath.Join(t.TempDir(), "clean"))))
	for i, st := range r.Pipelines[0].Steps {
		if w := want.Pipelines[0].Steps[i]; st.Outputs["out"] != w.Outputs["out"] {
			t.Errorf("%s: %v, a clean run gives %v", st.Name, st.Outputs, w.Outputs)
		}
	}
	path, err := s.Path(t.Context(), r.Pipelines[0].Steps[steps-1].Outputs["out"])
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(log + ".out"); err != nil || string(got) != string(wanted) {
		t.Errorf("published %q, %v; want %q", got, err, wanted)
	}
	noLitter(t, state)
}

// noLitter wants no scratch of a run that is over.
func noLitter(t *testing.T, state string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(state, "scratch", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

// A damaged store costs time and nothing else: whatever is broken, the next run is right.
func TestDamagedStore(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, state string, r *record.Run){
		"no index": func(t *testing.T, state string, _ *record.Run) {
			remove(t, filepath.Join(state, "index"))
		},
		"an empty index": func(t *testing.T, state string, _ *record.Run) {
			remove(t, filepath.Join(state, "index"))
			if err := os.Mkdir(filepath.Join(state, "index"), 0o777); err != nil {
				t.Fatal(err)
			}
		},
		"truncated index files": func(t *testing.T, state string, _ *record.Run) {
			each(t, filepath.Join(state, "index"), func(path string, size int64) error { return os.Truncate(path, size/2) })
		},
		"no blobs": func(t *testing.T, state string, _ *record.Run) {
			remove(t, filepath.Join(state, "blobs"))
		},
		"a flipped byte in every blob": func(t *testing.T, state string, _ *record.Run) {
			each(t, filepath.Join(state, "blobs"), func(path string, size int64) error {
				b, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				b[size/2] ^= 1
				return errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, b, 0o644))
			})
		},
		"no leases, no scratch": func(t *testing.T, state string, _ *record.Run) {
			remove(t, filepath.Join(state, "leases"))
			remove(t, filepath.Join(state, "scratch"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
			s := enginetest.Open(t, state)
			want := mustRun(t, chain(log, 3, 0), options(s))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			damage(t, state, want)
			s = enginetest.Open(t, state)
			r := mustRun(t, append3(log), options(s))
			if r.Verdict != "pass" {
				for _, st := range r.Pipelines[0].Steps {
					t.Logf("%s %s %s", st.Name, st.Status, st.Error)
				}
				t.Fatal(enginetest.Statuses(r))
			}
			for i, w := range want.Pipelines[0].Steps {
				st := r.Pipelines[0].Steps[i]
				if st.Outputs["out"] != w.Outputs["out"] {
					t.Errorf("%s: %v, was %v", st.Name, st.Outputs, w.Outputs)
				}
				if path, err := s.Path(t.Context(), st.Outputs["out"]); err != nil {
					t.Errorf("%s: %v", st.Name, err)
				} else if _, err := os.ReadFile(path); err != nil {
					t.Errorf("%s: %v", st.Name, err)
				}
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// each calls f for every file below dir.
func each(t *testing.T, dir string, f func(path string, size int64) error) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		fi, err := d.Info()
		if err != nil || fi.Size() == 0 {
			return err
		}
		return f(p, fi.Size())
	})
	if err != nil {
		t.Fatal(err)
	}
}
