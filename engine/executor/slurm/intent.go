package slurm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// intent is written into a job's folder before the job is sent. It holds the job's name and its index in the array.
type intent struct {
	Name  string `json:"name"`
	Index int    `json:"index"` // -1: not in an array
	Try   string `json:"try"`   // the attempt's folder
	ID    string `json:"id,omitempty"`
}

func intentPath(dir string) string { return filepath.Join(dir, "slurm.json") }
func outputPath(dir string) string { return filepath.Join(dir, "slurm.out") }

func (i *intent) write(dir string) error {
	b, err := json.Marshal(i)
	if err != nil {
		return err
	}
	tmp := intentPath(dir) + ".tmp"
	if err := os.WriteFile(tmp, b, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, intentPath(dir))
}

func readIntent(dir string) (i intent, ok bool) {
	b, err := os.ReadFile(intentPath(dir))
	return i, err == nil && json.Unmarshal(b, &i) == nil && filepath.IsLocal(i.Try)
}

// find looks for the job that an earlier run has sent for the same work. It is followed whether it is running or has ended.
func (a *attempt) find(ctx context.Context) (bool, error) {
	i, ok := readIntent(a.job.Dir)
	if !ok {
		return false, nil
	}
	a.job.Resume(i.Try)
	if i.ID == "" { // the earlier run was killed before it learned the id
		for look := 0; look < 2 && i.ID == ""; look++ {
			if look > 0 { // its sbatch may still be running
				if err := sleep(ctx, max(time.Second, a.config.Interval)); err != nil {
					return false, err
				}
			}
			l, err := a.look(ctx, time.Now())
			if err != nil {
				return false, err
			}
			i.ID = i.among(l)
		}
		if i.ID == "" {
			return false, nil
		}
		if err := i.write(a.job.Dir); err != nil {
			return false, err
		}
	}
	a.id = i.ID
	a.log("found again: Slurm job " + a.id + " of an earlier run")
	if a.config.Courier != nil {
		return true, a.bringAll(ctx)
	}
	return true, nil
}

// among is the id of the intended job, if a listing has it.
func (i *intent) among(l *listing) string {
	for _, j := range l.jobs {
		if j.name == i.Name && (i.Index < 0 || strings.HasSuffix(j.id, "_"+strconv.Itoa(i.Index))) {
			return j.id
		}
	}
	return ""
}

// look lists the queue, at a time later than after. It asks again until Slurm answers.
func (a *attempt) look(ctx context.Context, after time.Time) (*listing, error) {
	for said := false; ; {
		lctx, cancel := context.WithTimeout(ctx, lookTime)
		l, err := a.queue.list(lctx, after)
		cancel()
		switch {
		case err == nil:
			return l, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, exec.ErrNotFound):
			return nil, err
		case !said:
			said = true
			a.say(fmt.Sprintf("Slurm says nothing of its queue (%v); it is asked again, for a job that may be out already", err))
		}
		if err := sleep(ctx, a.config.Interval); err != nil {
			return nil, err
		}
	}
}

// sleep waits unless the context ends before.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
