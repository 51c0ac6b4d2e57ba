package exec

import (
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// A run that begins when another was killed works in a folder of the same name. What ends the programs of the dead one spares those of the
// living one, which is above them; what has no living run above it ends.
func TestProgramsOfALivingRunAreSpared(t *testing.T) {
	mark := "REIN_METRICS=" + filepath.Join(t.TempDir(), "metrics")
	start := func() *osexec.Cmd {
		cmd := osexec.Command("sh", "-c", "sh -c 'read wait'; true") // a grandchild reads
		cmd.Env = append(os.Environ(), mark)
		if _, err := cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	cmd := start()
	killMarked(mark, processes, ofAnother(mark, 1)) // this process is the living run
	if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the living run's program was ended: %v", err)
	}
	killMarked(mark, processes, ofAnother(mark, os.Getpid())) // it is what has adopted the dead run's orphans
	var exit *osexec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) && !errors.Is(err, syscall.ECHILD) {
		t.Errorf("the dead run's program goes on: %v", err)
	}
}
