package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"rein/cache"
	"rein/cache/remote"
	"rein/cache/remote/bucket"
	"rein/cmd/rein/internal/view"
	"rein/engine"
	"rein/engine/executor/courier"
	"rein/engine/executor/slurm"
	"rein/steps"
	"rein/steps/all"
)

// childCommand is the command with which this program executes a work order in a child process.
func childCommand() []string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return []string{self, "step", "run"}
}

func (a *app) stepCmd() *cobra.Command {
	c := &cobra.Command{
		Use:    "step",
		Short:  "Execute single steps (for executors)",
		Hidden: true,
	}
	var from, log string
	run := &cobra.Command{
		Use:   "run ORDER",
		Short: "Execute a work order",
		Long: `run executes one step from its work order: type, version, configuration, input files, output paths.
Events go to the output stream, one JSON object a line.

With --from the order is the name of one in a shared cache, where its inputs come from and its outputs and events go. What was
fetched is kept in REIN_NODE_STATE (default: a folder of the user's among the temporary files) for the next order.

EXIT STATUS
  0    the step's outputs are written
  1    the step said no
  3    the step failed`,
		Example: "  rein step run .rein/scratch/1f3a/order.json\n  rein step run --from s3://team-bucket/rein try-5XQ2",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == "-" {
				args[0] = os.Getenv(slurm.OrderVariable)
			}
			if from != "" {
				return a.executeFrom(c.Context(), from, args[0], log)
			}
			v := &lockedView{v: view.NewJSON(a.out)}
			return engine.ExecuteOrder(c.Context(), args[0], steps.Resolver(all.Types), v.Event)
		},
	}
	run.Flags().StringVar(&from, "from", "", "the order is in the shared cache at `URL`")
	run.Flags().StringVar(&log, "log", "", "with --from: the `FILE` that gets this program's output; it is removed when the answer is sent")
	c.AddCommand(run)
	return c
}

// executeFrom executes an order from a shared cache, with a store on this machine.
func (a *app) executeFrom(ctx context.Context, url, name, log string) error {
	dir, err := nodeState()
	if err != nil {
		return err
	}
	store, err := cache.Open(dir, cache.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	b, err := bucket.Open(ctx, url)
	if err != nil {
		return err
	}
	defer b.Close()
	r, err := remote.New(store, b, remote.Options{Timeout: nodeTimeout, Report: func(text string) { fmt.Fprintln(a.err, text) }})
	if err != nil {
		return err
	}
	err = courier.Execute(ctx, r, store, name, steps.Resolver(all.Types))
	if err == nil && log != "" {
		err = os.Remove(log)
	}
	return err
}

// nodeState is the node's state folder. One that lies among the temporary files must belong to our user alone, because anybody could have
// created it.
func nodeState() (string, error) {
	if dir := os.Getenv("REIN_NODE_STATE"); dir != "" {
		return dir, nil
	}
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("rein-node-%d", os.Getuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !st.IsDir() || !ownedByUs(st) || st.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("%s is somebody else's, or others may write to it: set REIN_NODE_STATE to a folder of yours", dir)
	}
	return dir, nil
}

// nodeTimeout is longer than a run's timeout, because a job can't do anything else.
const nodeTimeout = 30 * time.Second
