package slurm_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/executor/slurm"
)

// A Slurm of shell scripts that is as bad as the file "sbatch.mode" or "squeue.mode" in its folder says: tests of what a real one does
// once in a while. Jobs are executed at once, in the background; a file in "jobs" is the state of each.
const (
	fakeSbatch = `
name= last=
for a in "$@"; do
  case $a in --job-name=*) name=${a#*=} ;; --array=0-*) last=${a#--array=0-} ;; esac
done
until mkdir "$D/lock" 2> /dev/null; do sleep 0.05; done
n=$(($(cat "$D/n") + 1))
echo $n > "$D/n"
mode=$(cat "$D/sbatch.mode" 2> /dev/null || true)
rm -f "$D/sbatch.mode"
rmdir "$D/lock"
cat > "$D/script.$n"
task() {
  echo "$2 RUNNING 0" > "$D/jobs/$1"
  code=0
  SLURM_ARRAY_TASK_ID=$3 SLURM_JOB_ID=$1 sh "$D/script.$n" || code=$?
  if [ "$mode" = oom ]; then sleep 0.5; echo "$2 OUT_OF_MEMORY 0"; elif [ $code = 0 ]; then echo "$2 COMPLETED 0"; else echo "$2 FAILED $((code * 256))"; fi > "$D/jobs/$1"
}
take() {
  if [ -z "$last" ]; then
    (exec > /dev/null 2>&1; task $n "$name" 0) &
  else
    for i in $(seq 0 "$last"); do (exec > /dev/null 2>&1; task ${n}_$i "$name" $i) & done
  fi
}
case $mode in
taken) take; echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1 ;;
lost) echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1 ;;
late) (exec > /dev/null 2>&1; sleep 1.5; take) & echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1 ;;
down) echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)' >&2; exit 1 ;;
banner) take; echo 'Welcome to the cluster'; exit ;;
warns) echo 'sbatch: warning: your quota' >&2; echo 'Your project has 12 hours left'; take; echo "$n;cluster" ; exit ;;
esac
take
echo $n
`
	fakeSqueue = `
mode=$(cat "$D/squeue.mode" 2> /dev/null || true)
case $mode in
garbage) echo '<html>502 Bad Gateway</html>'; exit ;;
empty) exit ;;
fails) echo 'slurm_load_jobs error: Socket timed out on send/recv operation' >&2; exit 1 ;;
esac
cd "$D/jobs"
for id in *; do
  [ -e "$id" ] || continue
  read -r name state code < "$id"
  printf '%-64s%-160s%-32s%-64s%-64s%-16s\n' "$id" "$name" "$state" None node "$code"
done
`
	fakeScancel = `
for id in "$@"; do
  [ -e "$D/jobs/$id" ] || { echo "scancel: error: Kill job error on job id $id: Invalid job id specified" >&2; exit 1; }
  echo "$id" >> "$D/cancelled"
done
`
)

// fake is that Slurm's folder, with its programs first on the PATH.
type fake struct {
	t         *testing.T
	dir, work string
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t, t.TempDir(), t.TempDir()}
	bin := filepath.Join(f.dir, "bin")
	errs := []error{os.Mkdir(bin, 0o755), os.Mkdir(filepath.Join(f.dir, "jobs"), 0o755), os.WriteFile(filepath.Join(f.dir, "n"), []byte("0\n"), 0o644)}
	for name, text := range map[string]string{"sbatch": fakeSbatch, "squeue": fakeSqueue, "scancel": fakeScancel} {
		errs = append(errs, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\nset -e\nD='"+f.dir+"'\n"+text), 0o755))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return f
}

func (f *fake) set(file, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, file), []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) log() string { return filepath.Join(f.work, "log") }

// steps runs n steps that take a while; it returns their states and what was said.
func (f *fake) steps(n int, sleep time.Duration) (statuses, said string) {
	f.t.Helper()
	o := options(enginetest.Open(f.t, filepath.Join(f.work, "state")))
	o.Executors["slurm"] = slurm.New(slurm.Config{Interval: 100 * time.Millisecond})
	var events enginetest.Events
	o.Emit = events.Emit
	var nodes []*engine.Node
	for i := range n {
		name := string(rune('a' + i))
		nodes = append(nodes, enginetest.Step(name, work(name, f.log(), sleep)))
	}
	statuses = run(f.t, o, nodes...)
	for _, e := range events.All() {
		said += e.Text + "\n"
	}
	return statuses, said
}

// executed wants each of n steps executed once.
func (f *fake) executed(n int) {
	f.t.Helper()
	if got := lines(f.t, f.log()); len(got) != n {
		f.t.Errorf("%d executions of %d steps: %v", len(got), n, got)
	}
}

// Where sbatch's answer doesn't tell whether the job was taken, nothing is executed twice, and nothing not at all.
func TestUnsureSubmissions(t *testing.T) {
	for _, c := range []struct {
		mode  string
		steps int
	}{{"taken", 1}, {"taken", 3}, {"lost", 1}, {"late", 1}, {"late", 3}, {"down", 1}, {"banner", 1}, {"banner", 3}, {"warns", 1}} {
		t.Run(fmt.Sprint(c.mode, " ", c.steps), func(t *testing.T) {
			f := newFake(t)
			f.set("sbatch.mode", c.mode)
			if got, _ := f.steps(c.steps, 700*time.Millisecond); strings.Count(got, ":ran") != c.steps {
				t.Error(got)
			}
			time.Sleep(1500 * time.Millisecond) // what is late is there by then
			f.executed(c.steps)
		})
	}
}

// A queue that can't be read, or that forgets a job that goes on, ends no job.
func TestUnreadableQueue(t *testing.T) {
	for _, mode := range []string{"garbage", "fails"} {
		t.Run(mode, func(t *testing.T) {
			f := newFake(t)
			f.set("squeue.mode", mode)
			if got, _ := f.steps(1, 2*time.Second); got != "a:ran" {
				t.Error(got)
			}
			f.executed(1)
		})
	}
}

// A job that is gone from the queue, as far as that shows, is cancelled before another one is sent.
func TestLostJobIsCancelledFirst(t *testing.T) {
	f := newFake(t)
	f.set("squeue.mode", "empty")
	go func() {
		awaitLine(t, f.log())
		time.Sleep(time.Second)
		f.set("squeue.mode", "")
	}()
	if got, said := f.steps(1, 4*time.Second); got != "a:ran" || !strings.Contains(said, "is gone from the queue without an answer: sent again") {
		t.Error(got, said)
	}
	if len(lines(t, filepath.Join(f.dir, "cancelled"))) == 0 {
		t.Error("the first job was not cancelled")
	}
}

// A job that Slurm calls out of memory has made nothing that could be trusted, though its script has ended well.
func TestOutOfMemoryOutweighsAnAnswer(t *testing.T) {
	f := newFake(t)
	f.set("sbatch.mode", "oom")
	if got, _ := f.steps(1, 0); got != "a:failed" {
		t.Error(got)
	}
	if got, _ := f.steps(1, 0); got != "a:ran" {
		t.Error("the next run: ", got)
	}
	f.executed(2)
}

// The answer of a job that has ended may show late on a network file system.
func TestLateAnswer(t *testing.T) {
	f := newFake(t)
	t.Setenv("REIN_TEST_HIDE", "2")
	if got, said := f.steps(1, 0); got != "a:ran" {
		t.Error(got, said)
	}
	f.executed(1)
}
