package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"rein/engine/internal/proc"
)

// command runs one of Slurm's programs and returns what it printed.
func command(ctx context.Context, stdin, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	proc.Group(cmd) // Ctrl-C in a terminal must reach only us: nobody would know of a half-sent submission
	cmd.Env = environment(os.Environ())
	cmd.WaitDelay = time.Second
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it ended with status 0; a process that it started holds the pipes open
		err = nil
	}
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("%s is not on PATH: is this a machine that can submit to Slurm? %w", name, err)
	case err != nil && ctx.Err() != nil:
		return "", fmt.Errorf("%s gave no answer: %w", name, ctx.Err())
	case err != nil:
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// environment removes variables that would change the meaning of our commands: those of the Slurm job that rein itself runs in, if it does,
// and the ones by which the user formats squeue's output.
func environment(env []string) []string {
	return slices.DeleteFunc(env, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT": // which Slurm it is
			return false
		case "SBATCH_ARRAY_INX", "SBATCH_WAIT", "SBATCH_TEST_ONLY":
			return true
		}
		for _, prefix := range []string{"SLURM_", "SQUEUE_", "SCANCEL_"} {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	})
}
