package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rein/cmd/rein/internal/lategc"
	stepexec "rein/steps/exec"
)

func TestMain(m *testing.M) {
	if status, ok := stepexec.Helper(); ok { // which the exec steps of scripts start
		os.Exit(status)
	}
	if filepath.Base(os.Args[0]) != "rein" { // else main does it
		debug.SetGCPercent(int(lategc.Percent))
	}
	testscript.Main(m, map[string]func(){"rein": main})
}

// TestScripts runs testdata/script/AREA_BEHAVIOUR.txtar: each is one promise of the command line.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("NO_COLOR", "1")
			shipped, err := filepath.Abs(filepath.Join(root, "pipelines"))
			if err != nil {
				return err
			}
			e.Setenv("SHIPPED", shipped)
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "short":
				return testing.Short(), nil
			case "nohup":
				return signal.Ignored(syscall.SIGHUP), nil
			}
			return false, fmt.Errorf("no condition %q", cond)
		},
		Cmds:          scriptCmds,
		UpdateScripts: os.Getenv("REIN_UPDATE_SCRIPTS") != "",
	})
}

// scriptCmds are the commands of scripts besides testscript's own.
var scriptCmds = map[string]func(*testscript.TestScript, bool, []string){"exits": cmdExits}

// cmdExits is `exits STATUS PROGRAM ARG...`: runs the program and wants that exit status.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}
