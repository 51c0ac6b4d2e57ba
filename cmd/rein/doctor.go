package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rein/pipelines/human"
	"rein/steps/train"
)

// finding is one line of rein doctor.
type finding struct {
	Name   string `json:"name"`
	State  string `json:"state"` // ok, missing (something is optional and absent), bad
	Value  string `json:"value"`
	Remedy string `json:"remedy,omitempty"`
}

func (a *app) doctorCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check what rein needs: libraries, devices, state folder, disk, git",
		Long: `doctor says what is there, where, what is missing, and the command that gets it.

EXIT STATUS
  0  nothing that rein needs is missing
  3  something is`,
		Example: "  rein doctor",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			found := a.diagnose(c.Context())
			if a.json {
				if err := writeJSON(a.out, found); err != nil {
					return err
				}
			} else if err := a.printFindings(found); err != nil {
				return err
			}
			for _, f := range found {
				if f.State == "bad" {
					return &exitError{exitFault, fmt.Errorf("%s: %s", f.Name, f.Value)}
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&a.json, "json", false, "as JSON")
	return c
}

func (a *app) printFindings(found []finding) error {
	t, paint := a.table(a.out), human.NewPalette(a.color(a.out))
	for _, f := range found {
		row := t.Row
		if f.State == "bad" {
			row = func(cells ...string) { t.Painted(paint.Bad, cells...) }
		}
		row(f.State, f.Name, f.Value)
		if f.Remedy != "" {
			t.Row("", "", "-> "+f.Remedy)
		}
	}
	return t.Write(a.out)
}

func (a *app) diagnose(ctx context.Context) []finding {
	found := []finding{
		{"rein", "ok", fmt.Sprintf("%s, %s, %s/%s", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH), ""},
		{"cores", "ok", fmt.Sprintf("%d, GOMAXPROCS %d", runtime.NumCPU(), runtime.GOMAXPROCS(0)), ""},
	}
	for _, f := range train.Devices() {
		found = append(found, deviceFinding(f))
	}
	found = append(found, a.stateFindings()...)
	return append(found, gitFinding(ctx), clockFinding(time.Now()))
}

// minFree is the free space, in bytes, below which the results of the shipped strategies may not fit on the disk.
const minFree = 1 << 30

// stateFindings checks the state folder without creating it.
func (a *app) stateFindings() []finding {
	dir, err := a.stateDir()
	if err != nil {
		return []finding{{"state folder", "bad", err.Error(), "give --state DIR"}}
	}
	var out []finding
	parent := dir
	switch _, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		parent = filepath.Dir(dir)
		out = append(out, finding{"state folder", "ok", dir + " (the first run makes it)", ""})
	case err != nil:
		return []finding{{"state folder", "bad", err.Error(), "give --state DIR"}}
	default:
		store, err := a.store(true)
		if err == nil {
			err = store.Close()
		}
		if err != nil {
			return []finding{{"state folder", "bad", err.Error(), "mend it, or give --state DIR"}}
		}
		out = append(out, finding{"state folder", "ok", dir, ""})
	}
	if err := unix.Access(parent, unix.W_OK); err != nil {
		out[0].State, out[0].Remedy = "bad", "it can't be written ("+err.Error()+"): give --state DIR"
	}
	var fsstat unix.Statfs_t
	if err := unix.Statfs(parent, &fsstat); err == nil {
		free := int64(fsstat.Bavail) * int64(fsstat.Bsize)
		f := finding{"disk", "ok", human.Bytes(free) + " free", ""}
		if free < minFree {
			f.State, f.Remedy = "bad", "the shipped strategies need about 1 GiB: free some, or give --state on another disk"
		}
		out = append(out, f)
	}
	return out
}

func gitFinding(ctx context.Context) finding {
	path, err := exec.LookPath("git")
	if err != nil {
		return finding{"git", "missing", "not found; records then have no revision, and rein diff REV..REV doesn't work", "install git"}
	}
	out, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return finding{"git", "missing", err.Error(), ""}
	}
	return finding{"git", "ok", strings.TrimSpace(string(out)), ""}
}

// clockFinding detects a clock that was reset, because records are ordered by time.
func clockFinding(now time.Time) finding {
	if now.Year() < 2025 {
		return finding{"clock", "bad", now.Format(time.RFC3339), "set it: run records are ordered by time"}
	}
	return finding{"clock", "ok", now.Format(time.RFC3339), ""}
}

// deviceFinding reports a fact about training devices. Something optional that is absent is missing, not bad.
func deviceFinding(f train.Fact) finding {
	out := finding{f.Name, "ok", f.Value, ""}
	if f.Found {
		return out
	}
	out.State, out.Remedy = "missing", f.Remedy
	if f.Needed {
		out.State = "bad"
	}
	return out
}
