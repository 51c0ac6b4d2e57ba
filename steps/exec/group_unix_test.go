//go:build unix

package exec_test

import (
	"bytes"
	"context"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"rein/engine"
	"rein/engine/enginetest"
	"rein/steps/exec"
)

// A program is given copies: whatever it does to them, the user's files and the store's stay as they are.
func TestInputsAreCopies(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	large := write(t, filepath.Join(dir, "large"), strings.Repeat("x", 80<<20)) // a size that was linked once
	fixed := write(t, filepath.Join(dir, "fixed"), "xxxx")
	if err := os.Chmod(fixed, 0o444); err != nil {
		t.Fatal(err)
	}
	const spoil = `; chmod u+w "$REIN_IN_f"; printf ZZZZ | dd of="$REIN_IN_f" conv=notrunc 2>/dev/null; head -c 4 "$REIN_IN_f" > "$REIN_OUT_seen"`
	one := program(t, "one", `cp "$REIN_IN_f" "$REIN_OUT_o"`+spoil, []string{"o", "seen"}, enginetest.Path("f", engine.PathFile, large))
	two := program(t, "two", `:`+spoil, []string{"seen"}, engine.Input{Port: "f", Refs: []engine.Ref{{Node: one, Port: "o"}}})
	three := program(t, "three", `:`+spoil, []string{"seen"}, enginetest.Path("f", engine.PathFile, fixed))
	r := b.run(one, two, three)
	for _, step := range []string{"one", "two", "three"} {
		if got := b.output(r, step, "seen"); got != "ZZZZ" {
			t.Errorf("step %s couldn't write to its own copy: %q", step, got)
		}
	}
	blob, err := b.o.Store.Path(t.Context(), enginetest.Find(r, "one").Outputs["o"])
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{large, fixed, blob} {
		if text, err := os.ReadFile(path); err != nil || bytes.Contains(text, []byte("Z")) {
			t.Errorf("a step has changed %s (%v)", path, err)
		}
	}
	if fi, err := os.Stat(fixed); err != nil || fi.Mode().Perm() != 0o444 {
		t.Errorf("a step has changed the mode of an input: %v, %v", fi.Mode(), err)
	}
}

// A program is in a session of its own: it has no terminal that it could be stopped at.
func TestProgramHasNoTerminal(t *testing.T) {
	b := newBench(t)
	r := b.run(program(t, "ask", `ps -o sid= -p $$ | tr -d ' ' > "$REIN_OUT_sid"; echo $$ > "$REIN_OUT_pid"`, []string{"sid", "pid"}))
	if sid, pid := b.output(r, "ask", "sid"), b.output(r, "ask", "pid"); sid != pid {
		t.Errorf("the session is %s, the program %s", sid, pid)
	}
}

// gone waits until a process is no more.
func gone(t *testing.T, pid int) {
	t.Helper()
	for syscall.Kill(pid, 0) == nil && !zombie(pid) {
		if t.Context().Err() != nil {
			t.Fatalf("process %d goes on", pid)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func zombie(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil && runtime.GOOS == "linux" || bytes.Contains(text, []byte(") Z "))
}

func pidIn(t *testing.T, text string) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// A daemon ends with the step that started it.
func TestDaemonEndsWithItsStep(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux lets a daemon be found")
	}
	b := newBench(t)
	r := b.run(program(t, "d", `setsid sh -c 'echo $$ > pid; sleep 3600 & sleep 3600' >/dev/null 2>&1 & while ! [ -s pid ]; do sleep 0.01; done; cp pid "$REIN_OUT_pid"`, []string{"pid"}))
	if pid := pidIn(t, b.output(r, "d", "pid")); syscall.Kill(pid, 0) == nil {
		t.Errorf("the daemon %d outlives its step", pid)
	}
}

// What programs have started ends with the rein that started them, even one that is killed.
func TestProgramsEndWithAKilledRein(t *testing.T) {
	if dir := os.Getenv("REIN_TEST_KILLED"); dir != "" {
		newBench(t).run(program(t, "long", `(sleep 3600 & echo $! > `+dir+`/a; setsid sleep 3600 & echo $! > `+dir+`/b; wait) & wait`, nil))
		return
	}
	dir := t.TempDir()
	cmd := osexec.Command(os.Args[0], "-test.run=^TestProgramsEndWithAKilledRein$")
	cmd.Env = append(os.Environ(), "REIN_TEST_KILLED="+dir, "TMPDIR="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, name := range []string{"a", "b"} {
		for {
			if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil && len(text) > 0 {
				pids = append(pids, pidIn(t, string(text)))
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	gone(t, pids[0])
	if runtime.GOOS == "linux" {
		gone(t, pids[1])
	}
}

// An interrupt ends the program and all that it started, at once.
func TestInterruptStopsTheGroup(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.o.Emit = func(e engine.Event) {
		if e.Action == engine.ActionLog && e.Text == "up" {
			cancel()
		}
	}
	file := filepath.Join(t.TempDir(), "pid")
	r, err := engine.Run(ctx, enginetest.Graph(program(t, "long", `sleep 3600 & echo $! > `+file+`; echo up; sleep 3600`, nil)), b.o)
	if err != nil {
		t.Fatal(err)
	}
	if s := enginetest.Find(r, "long"); s.Status != string(engine.StatusStopped) || r.Verdict != "stopped" {
		t.Errorf("%s, %s: %s", s.Status, r.Verdict, s.Error)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	gone(t, pidIn(t, string(text)))
}

// What a program prints is logged, whether it is quick or slow, and also where something that it leaves behind keeps its output open.
func TestPrintedIsLogged(t *testing.T) {
	pipe := enginetest.NamedPipe(t)
	for name, script := range map[string]string{
		"quick": `echo one; echo two`,
		"slow":  `echo one; : < ` + pipe + `; echo two`, // which waits until the first line was taken in
		"left":  `echo one; sleep 3600 & echo two; echo $! > "$REIN_OUT_pid"`,
	} {
		b := newBench(t)
		outputs := []string{"pid"}
		if name != "left" {
			outputs = nil
		}
		if name == "slow" {
			b.o.Emit = func(e engine.Event) {
				b.events.Emit(e)
				if e.Action == engine.ActionLog && e.Text == "one" {
					if err := os.WriteFile(pipe, nil, 0o600); err != nil {
						t.Error(err)
					}
				}
			}
		}
		r := b.run(program(t, "p", script, outputs))
		var printed []string
		for _, e := range b.events.Of(engine.ActionLog, "") {
			printed = append(printed, e.Text)
		}
		if got := strings.Join(printed, " "); got != "one two" {
			t.Errorf("%s: logged %q", name, got)
		}
		if name == "left" {
			gone(t, pidIn(t, b.output(r, "p", "pid")))
		}
	}
}

// A program that was found once is looked for again where it is no longer there.
func TestProgramThatMoves(t *testing.T) {
	a, c := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, c} {
		tool := write(t, filepath.Join(dir, "rein-test-tool"), "#!/bin/sh\necho "+dir+" > \"$REIN_OUT_o\"\n")
		if err := os.Chmod(tool, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", a+":"+c+":"+os.Getenv("PATH"))
	for _, dir := range []string{a, c} {
		op, err := exec.Step().Op(cty.ObjectVal(map[string]cty.Value{"command": cty.TupleVal([]cty.Value{cty.StringVal("rein-test-tool")}),
			"outputs": cty.TupleVal([]cty.Value{cty.StringVal("o")})}))
		if err != nil {
			t.Fatal(err)
		}
		b := newBench(t)
		r := b.run(&engine.Node{Name: "p", Type: "exec", Op: op, Ports: []engine.Port{{Name: "o", Kind: "file"}}})
		if got := strings.TrimSpace(b.output(r, "p", "o")); got != dir {
			t.Errorf("ran the program in %s, want %s", got, dir)
		}
		if err := os.Remove(filepath.Join(dir, "rein-test-tool")); err != nil {
			t.Fatal(err)
		}
	}
}
