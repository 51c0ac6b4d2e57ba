// Package exec provides the exec step: any program as a step.
//
// The program runs in a folder of its own that holds nothing but the declared inputs. Its environment is minimal:
//
//	REIN_IN_x     the path of input x; one path a line where x has several files
//	REIN_INDIR_x  the folder that holds the files of x
//	REIN_INLIST_x the path of a file that lists the files of x, one a line; only set where x has several files
//	REIN_OUT_x    the path where the program writes output x, as a file or a folder
//	REIN_METRICS  the path where the program may write a JSON object of numbers, which become the step's metrics
//	PATH, HOME, TMPDIR, LANG, LD_LIBRARY_PATH, CUDA_VISIBLE_DEVICES, and what `env` says
//
// What the program prints is the step's log. If the program fails, the error quotes the last lines.
package exec

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rein/engine"
	"rein/steps"
)

// Step is the exec step type.
var Step = steps.New("exec", 2, "Run any program as a step.", run, steps.Reuses, steps.Example(`
step "exec" "wordcount" {
  command = ["sh", "-c", "wc -w < \"$REIN_IN_text\" > \"$REIN_OUT_count\""]
  inputs  = { text = file("notes.txt") }
  outputs = ["count"]
}`))

type config struct {
	Command []string          `hcl:"command" doc:"program and arguments; there is no shell unless the command names one"`
	Outputs []string          `hcl:"outputs,optional" doc:"output ports; the program writes each to the path in $REIN_OUT_name"`
	Env     map[string]string `hcl:"env,optional" doc:"variables added to the minimal environment"`
	Sandbox string            `hcl:"sandbox,optional" enum:"copies,strict" default:"copies" doc:"copies: the program gets copies of its inputs, but can read other files; strict: it sees only its inputs and the system's folders, has no network, and leaves no process behind (Linux)"`
}

// Validate refuses a configuration that would fail only when the step runs.
func (c config) Validate() error {
	var check steps.Checks
	check.Want(len(c.Command) > 0 && c.Command[0] != "", "command: names no program")
	seen := map[string]string{}
	for _, o := range c.Outputs {
		if o == "" || strings.ContainsAny(o, "/\\\x00") || o == "." || o == ".." {
			check.Want(false, "outputs: %q can't be a port's name", o)
			continue
		}
		other, taken := seen[variable(o)]
		check.Want(!taken, "outputs: %q and %q are one variable, $REIN_OUT_%s", other, o, variable(o))
		seen[variable(o)] = o
	}
	for _, k := range slices.Sorted(maps.Keys(c.Env)) {
		check.Want(k != "" && !strings.ContainsAny(k, "=\x00") && !strings.HasPrefix(k, "REIN_"), "env: %q can't be set", k)
	}
	return check.Err()
}

// grace is how long a program may take to end after it was asked to stop. Then it is killed.
const grace = 5 * time.Second

func run(ctx context.Context, env *steps.Env, c config, in steps.Inputs) (steps.Outputs, error) {
	s, err := newSandbox(env, in)
	if err != nil {
		return nil, err
	}
	program, err := lookPath(c.Command[0])
	if err != nil {
		return nil, fmt.Errorf("command: %w; name a program on PATH, or an absolute path", err)
	}
	cmd := osexec.Command(program, c.Command[1:]...)
	cmd.Args[0] = c.Command[0]
	cmd.Dir = s.dir
	cmd.Env = s.environment(env, c.Env)
	if c.Sandbox == "strict" {
		own := []string{s.dir}
		for _, path := range env.OutPorts() {
			if dir := filepath.Dir(path); !slices.Contains(own, dir) {
				own = append(own, dir)
			}
		}
		slices.Sort(own) // a mount over a parent folder would hide its subfolders, so parents come first
		if cmd, err = confine(cmd, own, len(env.Resources().GPUs) > 0); err != nil {
			return nil, err
		}
	}
	var last []string
	out := &engine.LineWriter{Most: maxLine, Line: func(l string) {
		env.Logf("%s", l)
		if last = append(last, l); len(last) > lastLines {
			last = last[1:]
		}
	}}
	err = runGroup(ctx, cmd, "REIN_METRICS="+s.metrics, out)
	out.Flush()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil && !errors.Is(err, osexec.ErrWaitDelay) {
		if c.Sandbox == "strict" {
			err = notAllowed(err)
		}
		return nil, failure(c.Command, err, last)
	}
	return nil, readMetrics(s.metrics, env)
}

// lookPath returns what exec.LookPath returns. exec.LookPath searches every folder of PATH, so lookPath tries the place where an earlier
// step found the program first.
func lookPath(name string) (string, error) {
	if filepath.Base(name) != name {
		return osexec.LookPath(name)
	}
	key := [2]string{name, os.Getenv("PATH")}
	if path, found := programs.Load(key); found {
		if _, err := osexec.LookPath(path.(string)); err == nil {
			return path.(string), nil
		}
	}
	path, err := osexec.LookPath(name)
	if err == nil && filepath.IsAbs(path) {
		programs.Store(key, path)
	}
	return path, err
}

var programs sync.Map // [2]string{name, PATH} -> path

// failure returns the error of a program that failed. It quotes the last lines that the program printed.
func failure(command []string, err error, last []string) error {
	what := command[0]
	for _, arg := range command[1:] { // arguments are never cut: redaction would not recognize half of a secret
		if len(what)+len(arg) > mostShown {
			what += " …"
			break
		}
		what += " " + arg
	}
	what = strings.ReplaceAll(what, "\n", " ")
	if len(last) == 0 {
		return fmt.Errorf("%s: %w; it printed nothing", what, err)
	}
	return fmt.Errorf("%s: %w; its last lines:\n  %s", what, err, strings.Join(last, "\n  "))
}

// variable returns a port's name in the form that the name of an environment variable allows.
func variable(port string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, port)
}

// environment returns the whole environment of the program.
func (s *sandbox) environment(env *steps.Env, extra map[string]string) []string {
	vars := []string{"PWD=" + s.dir, "HOME=" + s.dir, "TMPDIR=" + s.dir, "LANG=C.UTF-8", "REIN_METRICS=" + s.metrics,
		"CUDA_VISIBLE_DEVICES=" + strings.Join(env.Resources().GPUs, ",")}
	for _, k := range []string{"PATH", "LD_LIBRARY_PATH", "SYSTEMROOT"} {
		if v, ok := os.LookupEnv(k); ok {
			vars = append(vars, k+"="+v)
		}
	}
	for port, path := range env.OutPorts() {
		vars = append(vars, "REIN_OUT_"+variable(port)+"="+path)
	}
	for port := range s.inputs {
		vars = append(vars, "REIN_IN_"+variable(port)+"="+s.paths(port), "REIN_INDIR_"+variable(port)+"="+filepath.Join(s.dir, port))
	}
	for port, list := range s.lists {
		vars = append(vars, "REIN_INLIST_"+variable(port)+"="+list)
	}
	for k, v := range extra {
		vars = append(vars, k+"="+v)
	}
	return vars
}

// mostShown is the largest number of bytes of a command that an error shows.
const mostShown = 120

// lastLines is the number of lines of output that an error shows.
const lastLines = 10

// maxLine is the largest number of bytes of output that are logged as one line. Longer lines are split.
const maxLine = 64 << 10
