package engine_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"rein/cache"
	"rein/engine"
	"rein/engine/enginetest"
)

// The test binary is also the program that tests start as a process of its own: `TEST process order FILE` executes a
// work order, `TEST process run SCENARIO STATE ARG...` runs a graph.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "process" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err := process(ctx, os.Args[2:])
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child() []string { return []string{os.Args[0], "process", "order"} }

// started is a process that a test started.
func started(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], append([]string{"process", "run"}, args...)...)
	c.Stderr = os.Stderr
	return c
}

func process(ctx context.Context, args []string) error {
	if args[0] == "order" {
		enc := json.NewEncoder(os.Stdout)
		return engine.ExecuteOrder(ctx, args[1], resolve, func(e engine.Event) { _ = enc.Encode(e) })
	}
	return runScenario(ctx, args[1], args[2], args[3:])
}

// childOp is an op by its config, so that a work order can bring it back in another process.
func childOp(config map[string]any) *op {
	o := &op{Type: "child", Config: config, Adjust: func(d *engine.Description) { d.Isolated = true }}
	o.Do = func(ctx context.Context, c *engine.Call) error { return behave(ctx, o, c) }
	return o
}

func resolve(typ string, version int, config json.RawMessage) (engine.Op, error) {
	if typ != "child" || version != 1 {
		return nil, fmt.Errorf("unknown step type %q version %d", typ, version)
	}
	var c map[string]any
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, err
	}
	return childOp(c), nil
}

// behave does what config["do"] says.
func behave(ctx context.Context, o *op, c *engine.Call) error {
	switch o.Config["do"] {
	case "crash":
		fmt.Fprintln(os.Stderr, "native library: bad pointer")
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(syscall.SIGSEGV)
		}
		if err != nil {
			return err
		}
		select {}
	case "verdict":
		return &engine.Verdict{Text: "the answer is no"}
	case "fail":
		return errors.New("cannot")
	case "deaf": // doesn't listen to its context, nor to a polite signal
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("deaf")
		time.Sleep(time.Minute)
	case "pid": // says its process to a named pipe, which it holds open as long as it lives
		pipe, err := os.OpenFile(o.Config["pipe"].(string), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer pipe.Close()
		fmt.Fprintln(pipe, os.Getpid())
		<-ctx.Done()
		return ctx.Err()
	case "env":
		return enginetest.WriteAll(c, fmt.Sprintf("%s|%v", os.Getenv("CUDA_VISIBLE_DEVICES"), c.Resources.GPUs))
	case "talk":
		fmt.Println("a library prints to stdout")
		c.Emit(engine.Event{Action: engine.ActionMetric, Metric: "m", Value: 4})
		c.Emit(engine.Event{Action: engine.ActionNote, Text: "a note"})
		keys := []cache.Digest{cache.Sum([]byte("row"))}
		if err := c.Memo.PutMany(ctx, keys, [][]byte{[]byte("memo")}); err != nil {
			return err
		}
		got, err := c.Memo.GetMany(ctx, keys)
		if err != nil || string(got[0]) != "memo" {
			return fmt.Errorf("memo gave %q, %w", got, err)
		}
	case "log": // one line in a file for each execution, so that tests count across processes
		f, err := os.OpenFile(o.Config["file"].(string), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
		if err != nil {
			return err
		}
		fmt.Fprintf(f, "%v\n", o.Config["name"])
		if err := f.Close(); err != nil {
			return err
		}
		if ms, ok := o.Config["sleep"].(float64); ok {
			select {
			case <-time.After(time.Duration(ms) * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	if n, ok := o.Config["size"].(float64); ok {
		return enginetest.WriteAll(c, strings.Repeat("x", int(n)-8)+fmt.Sprintf("%8.8s", o.Config["name"]))
	}
	return o.Copy(c)
}

// logOp appends its name to a file when it runs, in whatever process that is.
func logOp(file, name string, sleep time.Duration) *op {
	o := childOp(map[string]any{"do": "log", "file": file, "name": name, "sleep": float64(sleep.Milliseconds())})
	o.Adjust = nil
	return o
}

// logged counts the lines of such a file.
func logged(t *testing.T, file string) map[string]int {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, l := range strings.Fields(string(b)) {
		out[l]++
	}
	return out
}

// pidOp is an op that says its process to the pipe and lives until it is told to end, and the pipe's name.
func pidOp(pipe string) *op { return childOp(map[string]any{"do": "pid", "pipe": pipe}) }

// pidFrom waits until a process says its number to a pipe. dead waits until it is dead: nobody else has the pipe open.
func pidFrom(t *testing.T, pipe string) (pid int, dead func()) {
	t.Helper()
	r, err := os.Open(pipe)
	if err != nil {
		t.Error(err)
		return 0, func() {}
	}
	if _, err := fmt.Fscanln(r, &pid); err != nil {
		t.Error(err)
	}
	return pid, func() {
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Error(err)
		}
		r.Close()
	}
}

// begins is what a started process says of each step that it executes.
const begins = "begins"

// executes starts a process, and returns what waits for the next step that it executes; false: the process has ended.
func executes(t *testing.T, c *exec.Cmd) (next func() bool) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	c.Stdout = w
	if err := errors.Join(c.Start(), w.Close()); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(r)
	return func() bool {
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), begins) {
				return true
			}
		}
		return false
	}
}

// runScenario is what the started processes run.
func runScenario(ctx context.Context, name, state string, args []string) error {
	s, err := cache.Open(state, cache.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	g, err := scenario(name, args)
	if err != nil {
		return err
	}
	if err := applyLimit(); err != nil {
		return err
	}
	o := options(s)
	o.Child = child()
	o.Emit = func(e engine.Event) {
		if e.Action == engine.ActionStart {
			fmt.Println(begins, e.Step)
		}
	}
	if name == "alone" {
		o.Jobs = 1
	}
	if point := os.Getenv("KILL_AT"); point != "" {
		o = engine.KillAt(o, point)
	}
	if spec := os.Getenv("BREAK"); spec != "" {
		o = brokenAt(o, spec)
	}
	r, err := engine.Run(ctx, g, o)
	if err != nil {
		return err
	}
	fmt.Println(enginetest.Statuses(r))
	if r.Verdict != "pass" {
		err := fmt.Errorf("verdict %s: %s", r.Verdict, enginetest.Statuses(r))
		for _, st := range r.Pipelines[0].Steps {
			if st.Error != "" {
				err = fmt.Errorf("%w\n%s: %s", err, st.Name, st.Error)
			}
		}
		return err
	}
	return nil
}
