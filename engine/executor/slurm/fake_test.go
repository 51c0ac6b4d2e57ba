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
// once in a while. Jobs are executed at once, in the background; a file in "jobs" is the state of each. What comes late comes when the test
// opens the pipe.
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
is() {
  echo "$name $2" > "$D/new.$1"
  mv "$D/new.$1" "$D/jobs/$1"
}
task() {
  code=0
  SLURM_ARRAY_TASK_ID=$2 SLURM_JOB_ID=$1 sh "$D/script.$n" || code=$?
  if [ "$mode" = oom ]; then : > "$D/executed"; : < "$D/pipe"; is $1 'OUT_OF_MEMORY 0'
  elif [ $code = 0 ]; then is $1 'COMPLETED 0'; else is $1 "FAILED $((code * 256))"; fi
}
start() {
  is $1 'RUNNING 0'
  (exec > /dev/null 2>&1; task $1 $2) &
}
take() {
  if [ -z "$last" ]; then start $n 0; else for i in $(seq 0 "$last"); do start ${n}_$i $i; done; fi
}
case $mode in
taken) take; echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1 ;;
lost) echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1 ;;
late) (exec > /dev/null 2>&1; : < "$D/pipe"; take) & echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1 ;;
down) echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)' >&2; exit 1 ;;
banner) take; echo 'Welcome to the cluster'; exit ;;
warns) echo 'sbatch: warning: your quota' >&2; echo 'Your project has 12 hours left'; take; echo "$n;cluster" ; exit ;;
esac
take
echo $n
`
	fakeSqueue = `
echo look >> "$D/looks"
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
	errs := []error{os.Symlink(enginetest.NamedPipe(t), filepath.Join(f.dir, "pipe")), os.Mkdir(bin, 0o755), os.Mkdir(filepath.Join(f.dir, "jobs"), 0o755), os.WriteFile(filepath.Join(f.dir, "n"), []byte("0\n"), 0o644)}
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

func (f *fake) log() string  { return filepath.Join(f.work, "log") }
func (f *fake) gate() string { return filepath.Join(f.work, "gate") }

// openGate lets the steps end.
func (f *fake) openGate() {
	if err := os.WriteFile(f.gate(), nil, 0o644); err != nil {
		f.t.Error(err)
	}
}

// openPipe lets come what comes late.
func (f *fake) openPipe() {
	p, err := os.OpenFile(filepath.Join(f.dir, "pipe"), os.O_WRONLY, 0)
	if err == nil {
		err = p.Close()
	}
	if err != nil {
		f.t.Error(err)
	}
}

// await waits until a file of the fake's holds n words.
func (f *fake) await(file string, n int) {
	f.t.Helper()
	enginetest.Await(f.t, f.dir, func() bool { return len(lines(f.t, filepath.Join(f.dir, file))) >= n })
}

// looked waits until Slurm was asked n more times.
func (f *fake) looked(n int) {
	f.t.Helper()
	f.await("looks", n+len(lines(f.t, filepath.Join(f.dir, "looks"))))
}

// ended waits until a job has ended.
func (f *fake) ended(job string) {
	f.t.Helper()
	jobs := filepath.Join(f.dir, "jobs")
	enginetest.Await(f.t, jobs, func() bool {
		state := lines(f.t, filepath.Join(jobs, job))
		return len(state) > 1 && state[1] != "RUNNING"
	})
}

// steps runs n steps, which end when the gate is open. meanwhile is done beside them. It returns their states and what was said.
func (f *fake) steps(n int, meanwhile func()) (statuses, said string) {
	f.t.Helper()
	o := options(enginetest.Open(f.t, filepath.Join(f.work, "state")))
	o.Executors["slurm"] = slurm.New(slurm.Config{Interval: 20 * time.Millisecond})
	var events enginetest.Events
	o.Emit = events.Emit
	var nodes []*engine.Node
	for i := range n {
		name := string(rune('a' + i))
		nodes = append(nodes, enginetest.Step(name, makeOp(map[string]any{"name": name, "log": f.log(), "gate": f.gate(), "sleep": 0.0})))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		meanwhile()
	}()
	statuses = run(f.t, o, nodes...)
	<-done
	for _, e := range events.All() {
		said += e.Text + "\n"
	}
	return statuses, said
}

// begun waits until n steps are being executed.
func (f *fake) begun(n int) {
	f.t.Helper()
	enginetest.Await(f.t, f.work, func() bool { return len(lines(f.t, f.log())) >= n })
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
			got, _ := f.steps(c.steps, func() {
				f.begun(c.steps)
				if c.mode == "late" { // the first job comes when the second one is there
					f.openPipe()
					for i := range c.steps {
						f.ended(map[bool]string{true: "1", false: fmt.Sprint("1_", i)}[c.steps == 1])
					}
				}
				f.looked(2)
				f.openGate()
			})
			if strings.Count(got, ":ran") != c.steps {
				t.Error(got)
			}
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
			got, _ := f.steps(1, func() {
				f.begun(1)
				f.looked(8) // more than a job may be absent from
				f.openGate()
			})
			if got != "a:ran" {
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
	got, said := f.steps(1, func() {
		f.await("cancelled", 1)
		f.set("squeue.mode", "")
		f.openGate()
	})
	if got != "a:ran" || !strings.Contains(said, "is gone from the queue without an answer: sent again") {
		t.Error(got, said)
	}
}

// A job that Slurm calls out of memory has made nothing that could be trusted, though its script has ended well.
func TestOutOfMemoryOutweighsAnAnswer(t *testing.T) {
	f := newFake(t)
	f.set("sbatch.mode", "oom")
	defer slurm.SetWordLooks(1 << 30)() // as Slurm tells nothing before the pipe is open
	f.openGate()
	got, _ := f.steps(1, func() {
		enginetest.Await(t, f.dir, func() bool { _, err := os.Stat(filepath.Join(f.dir, "executed")); return err == nil })
		f.looked(2) // with an answer there
		f.openPipe()
	})
	if got != "a:failed" {
		t.Error(got)
	}
	if got, _ := f.steps(1, func() {}); got != "a:ran" {
		t.Error("the next run: ", got)
	}
	f.executed(2)
}

// The answer of a job that has ended may show late on a network file system.
func TestLateAnswer(t *testing.T) {
	f := newFake(t)
	defer slurm.SetAnswerTime(0)() // an answer that is sure to come is waited for longer
	note := filepath.Join(f.dir, "hidden")
	t.Setenv("REIN_TEST_HIDE", note)
	f.openGate()
	got, said := f.steps(1, func() {
		f.await("hidden", 1)
		f.ended("1")
		f.looked(2)
		result := lines(t, note)[0]
		if err := os.Rename(result+".hidden", result); err != nil {
			t.Error(err)
		}
	})
	if got != "a:ran" {
		t.Error(got, said)
	}
	f.executed(1)
}
