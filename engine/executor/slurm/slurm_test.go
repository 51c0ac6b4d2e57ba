package slurm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rein/cache"
	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/executor/slurm"
)

// The test binary is also what the cluster's nodes execute (`TEST process order FILE`), and a run that a test can kill
// (`TEST process run STATE LOG`).
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
	code := m.Run()
	if stopSlurm != nil {
		stopSlurm()
	}
	os.Exit(code)
}

func process(ctx context.Context, args []string) error {
	if args[0] == "order" {
		enc := json.NewEncoder(os.Stdout)
		err := engine.ExecuteOrder(ctx, args[1], resolve, func(e engine.Event) { _ = enc.Encode(e) })
		if note := os.Getenv("REIN_TEST_HIDE"); note != "" { // the answer shows when the test wants it
			result := args[1] + ".result"
			err = errors.Join(os.Rename(result, result+".hidden"), os.WriteFile(note, []byte(result), 0o600))
		}
		return err
	}
	s, err := cache.Open(args[1], cache.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := engine.Run(ctx, enginetest.Graph(enginetest.Step("slow", work("slow", args[2], 3*time.Second))), options(s))
	if err == nil && r.Verdict != "pass" {
		err = errors.New(enginetest.Statuses(r))
	}
	return err
}

// work is an op that notes in a file that it was executed, then sleeps, then writes its name.
func work(name, log string, sleep time.Duration) *enginetest.Op {
	return makeOp(map[string]any{"name": name, "log": log, "sleep": float64(sleep.Milliseconds())})
}

func makeOp(config map[string]any) *enginetest.Op {
	o := &enginetest.Op{Type: "work", Config: config}
	o.Do = func(ctx context.Context, c *engine.Call) error {
		f, err := os.OpenFile(config["log"].(string), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
		if err != nil {
			return err
		}
		fmt.Fprintln(f, config["name"])
		if err := f.Close(); err != nil {
			return err
		}
		c.Emit(engine.Event{Action: engine.ActionMetric, Metric: "m", Value: 5})
		if config["resume"] == true {
			if done, err := resume(c); done || err != nil {
				return errors.Join(err, enginetest.WriteAll(c, "resumed"))
			}
		}
		if n, ok := config["hog"].(float64); ok {
			memory := make([]byte, int(n))
			for i := 0; i < len(memory); i += 4096 {
				memory[i] = 1 // what isn't touched isn't there
			}
			defer runtime.KeepAlive(memory)
		}
		if gate, ok := config["gate"].(string); ok {
			opened := func() bool { _, err := os.Stat(gate); return err == nil }
			if err := enginetest.AwaitIn(ctx, filepath.Dir(gate), opened); err != nil {
				return err
			}
		}
		select {
		case <-time.After(time.Duration(config["sleep"].(float64)) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		if config["name"] == "no" {
			return &engine.Verdict{Text: "the answer is no"}
		}
		return enginetest.WriteAll(c, fmt.Sprint(config["name"]))
	}
	return o
}

func resolve(_ string, _ int, config json.RawMessage) (engine.Op, error) {
	var c map[string]any
	err := json.Unmarshal(config, &c)
	return makeOp(c), err
}

func options(s *cache.Store) engine.Options {
	x := slurm.New(slurm.Config{Interval: 200 * time.Millisecond})
	return engine.Options{Store: s, Child: []string{os.Args[0], "process", "order"}, Executors: map[string]engine.Executor{"slurm": x}, Executor: "slurm"}
}

var (
	startOnce sync.Once
	stopSlurm func()
	noSlurm   string
)

// needSlurm finds a Slurm that answers, or starts one on the loopback, or skips the test and says why.
func needSlurm(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a real Slurm takes a while")
	}
	startOnce.Do(startSlurm)
	if noSlurm != "" {
		t.Skip(noSlurm)
	}
}

func startSlurm() {
	if _, err := exec.LookPath("sbatch"); err != nil {
		noSlurm = "Slurm is not installed (Debian: slurm-wlm and munge)"
		return
	}
	if answers() {
		return
	}
	tool := os.Getenv("REIN_SLURM_LOOPBACK")
	if tool == "" {
		noSlurm = "no Slurm answers; REIN_SLURM_LOOPBACK may name a program that starts one (start DIR, stop DIR)"
		return
	}
	dir, err := os.MkdirTemp("", "rein-slurm-")
	if err != nil {
		noSlurm = err.Error()
		return
	}
	stopSlurm = func() {
		_ = exec.Command(tool, "stop", dir).Run()
		_ = os.RemoveAll(dir)
	}
	out, err := exec.Command(tool, "start", dir).CombinedOutput()
	if err != nil {
		noSlurm = fmt.Sprintf("Slurm did not start: %v: %s", err, out)
		return
	}
	os.Setenv("SLURM_CONF", filepath.Join(dir, "slurm.conf"))
}

func answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, "sinfo", "-h").Run() == nil
}

func run(t *testing.T, o engine.Options, nodes ...*engine.Node) string {
	t.Helper()
	r, err := engine.Run(t.Context(), enginetest.Graph(nodes...), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Pipelines[0].Steps {
		if s.Error != "" {
			t.Logf("%s: %s", s.Name, s.Error)
		}
	}
	return enginetest.Statuses(r)
}

// awaitLine waits until a job has written a line to a file.
func awaitLine(t *testing.T, file string) {
	t.Helper()
	enginetest.Await(t, filepath.Dir(file), func() bool { return len(lines(t, file)) > 0 })
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

// A chain, a verdict, and an array of independent steps.
func TestRunsOnSlurm(t *testing.T) {
	needSlurm(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	o := options(enginetest.Open(t, filepath.Join(dir, "state")))
	o.KeepGoing = true
	a := enginetest.Step("a", work("a", log, 0))
	nodes := []*engine.Node{a, enginetest.Step("b", work("b", log, 0), enginetest.From("x", a)), enginetest.Step("no", work("no", log, 0))}
	want := "a:ran b:ran"
	for i := range 6 {
		nodes = append(nodes, enginetest.Step(fmt.Sprintf("m%d", i), work(fmt.Sprintf("m%d", i), log, 0)))
		want += fmt.Sprintf(" m%d:ran", i)
	}
	var events enginetest.Events
	o.Emit = events.Emit
	if got := run(t, o, nodes...); got != want+" no:verdict" {
		t.Errorf("got %s", got)
	}
	if n := len(events.Of(engine.ActionMetric, "a")); n != 1 {
		t.Errorf("%d metrics of a came through", n)
	}
	if got := run(t, o, nodes[:2]...); got != "a:cached b:cached" {
		t.Error(got)
	}
	if n := len(lines(t, log)); n != 9 {
		t.Errorf("%d executions of 9 steps", n)
	}
}

// A run that is killed finds its job again; the step is executed once.
func TestKilledRunFindsItsJob(t *testing.T) {
	needSlurm(t)
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	c := exec.Command(os.Args[0], "process", "run", state, log)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	awaitLine(t, log)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	got := run(t, options(enginetest.Open(t, state)), enginetest.Step("slow", work("slow", log, 3*time.Second)))
	if got != "slow:ran" || len(lines(t, log)) != 1 {
		t.Errorf("%s; executed %d times", got, len(lines(t, log)))
	}
}

// A job that is cancelled from outside is a failed step that says so; an interrupt cancels the jobs.
func TestCancelledJobs(t *testing.T) {
	needSlurm(t)
	for name, outside := range map[string]bool{"from outside": true, "by an interrupt": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			log := filepath.Join(dir, "log")
			o := options(enginetest.Open(t, filepath.Join(dir, "state")))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				awaitLine(t, log)
				if outside {
					_ = exec.Command("scancel", "--me").Run()
				} else {
					cancel()
				}
			}()
			r, err := engine.Run(ctx, enginetest.Graph(enginetest.Step("long", work("long"+name, log, time.Minute))), o)
			if err != nil {
				t.Fatal(err)
			}
			s := enginetest.Find(r, "long")
			if outside && (s.Status != "failed" || !strings.Contains(s.Error, "was cancelled")) || !outside && s.Status != "stopped" {
				t.Errorf("%s: %s", s.Status, s.Error)
			}
			for range 100 {
				out, err := exec.Command("squeue", "--me", "-h", "-t", "RUNNING,PENDING").Output()
				if err == nil && len(out) == 0 {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
			t.Error("the job goes on")
		})
	}
}
