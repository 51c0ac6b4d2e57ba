package courier_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rein/engine"
	"rein/engine/enginetest"
	"rein/engine/executor/courier"
)

// Steps run on nodes that see no file of this machine: files, folders and the outputs of other steps go through the bucket,
// events come back, and nothing is left in the bucket but blobs.
func TestFilesGoThroughTheCache(t *testing.T) {
	x, store := newCluster(t)
	data := filepath.Join(t.TempDir(), "data")
	for name, text := range map[string]string{"a.txt": "alpha\n", "deep/b.txt": "beta\n"} {
		path := filepath.Join(data, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	first := enginetest.Step("first", far("copy"), enginetest.Path("in", engine.PathFile, filepath.Join(data, "a.txt")))
	folder := enginetest.Step("folder", far("list"), enginetest.Path("in", engine.PathDir, data))
	second := enginetest.Step("second", far("copy"), enginetest.From("in", first))
	var events enginetest.Events
	of := x.run(store, &events, first, folder, second)
	for _, step := range []string{"first", "folder", "second"} {
		if status, text := of(step); status != "ran" {
			t.Fatalf("%s %s: %s", step, status, text)
		}
	}
	if len(events.Of(engine.ActionLog, "second")) == 0 {
		t.Error("the step's log didn't come home")
	}
	for _, text := range x.parcels {
		for _, here := range []string{store.Dir(), data} {
			if strings.Contains(text, here) {
				t.Errorf("a parcel names a path of this machine, %s: %s", here, text)
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(x.bucket, "rein2", "letter", "*", "*")); len(left) > 0 {
		t.Errorf("letters are left: %v", left)
	}
	jobs := x.jobs.Load()
	of = x.run(store, &events, first, folder, second)
	if status, _ := of("second"); status != "cached" || x.jobs.Load() != jobs {
		t.Errorf("%s, %d jobs more", status, x.jobs.Load()-jobs)
	}
}

func TestVerdictsAndErrorsComeHome(t *testing.T) {
	x, store := newCluster(t)
	for does, want := range map[string][2]string{"refuse": {"verdict", "no"}, "fail": {"failed", "it broke"}} {
		status, text := x.run(store, &enginetest.Events{}, enginetest.Step("s", far(does)))("s")
		if status != want[0] || !strings.Contains(text, want[1]) {
			t.Errorf("%s: %s %q", does, status, text)
		}
	}
}

// A job that is told to stop leaves its checkpoint in the bucket; the next one, on another node, goes on from it.
func TestCheckpointsTravel(t *testing.T) {
	x, store := newCluster(t)
	x.preempt.Store(1)
	slow, after := enginetest.Step("slow", far("slowly")), far("copy")
	of := x.run(store, &enginetest.Events{}, slow, enginetest.Step("after", after, enginetest.From("in", slow)))
	if status, text := of("after"); status != "ran" || x.jobs.Load() != 3 {
		t.Fatalf("%s %s after %d jobs", status, text, x.jobs.Load())
	}
	found, _ := filepath.Glob(filepath.Join(x.nodes, "*", "blobs", "*", "*"))
	var all string
	for _, f := range found {
		b, _ := os.ReadFile(f)
		all += string(b)
	}
	if !strings.Contains(all, "went on") {
		t.Error("the second attempt began again")
	}
}

// A node goes on from a checkpoint that is proven only: one that somebody else has put into the bucket isn't used.
func TestForgedCheckpointIsRefused(t *testing.T) {
	x, store := newCluster(t)
	forged := filepath.Join(t.TempDir(), "forged")
	if err := errors.Join(os.Mkdir(forged, 0o755), os.WriteFile(filepath.Join(forged, "half"), []byte("forged"), 0o644)); err != nil {
		t.Fatal(err)
	}
	b, err := store.Import(t.Context(), forged)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"blob": b, "made": time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	x.preempt.Store(2)
	x.damage = func() {
		if x.jobs.Load() > 1 {
			return
		}
		letters, _ := filepath.Glob(filepath.Join(x.bucket, "rein2", "letter", "checkpoint", "*"))
		if len(letters) != 1 {
			t.Fatalf("the first attempt left %v", letters)
		}
		name := "checkpoint/" + filepath.Base(letters[0])
		if err := errors.Join(x.courier.Remote.SendBlob(t.Context(), b), x.courier.Remote.Post(t.Context(), name, text)); err != nil {
			t.Error(err)
		}
	}
	var events enginetest.Events
	status, said := x.run(store, &events, enginetest.Step("slow", far("slowly")))("slow")
	if status != "ran" || x.jobs.Load() != 3 { // the third goes on from the second's
		t.Errorf("%s %s after %d jobs", status, said, x.jobs.Load())
	}
	if !slices.ContainsFunc(events.All(), func(e engine.Event) bool {
		return strings.Contains(e.Text, "the last checkpoint is not used") && strings.Contains(e.Text, "somebody else wrote it")
	}) {
		t.Error("nothing is said of the forged checkpoint")
	}
}

// A node that has an old checkpoint of its own goes on from the later one of another.
func TestLaterCheckpointWins(t *testing.T) {
	x, store := newCluster(t)
	x.preempt.Store(2)
	x.names = []string{"a", "b", "a"}
	status, text := x.run(store, &enginetest.Events{}, enginetest.Step("s", far("in three parts")))("s")
	if status != "ran" || x.jobs.Load() != 3 {
		t.Errorf("%s %s after %d jobs", status, text, x.jobs.Load())
	}
}

// A job that is started again after it has given its answer isn't executed again.
func TestAnsweredParcelIsNotExecutedAgain(t *testing.T) {
	x, store := newCluster(t)
	x.starts = 2
	before := executions.Load()
	if status, text := x.run(store, &enginetest.Events{}, enginetest.Step("s", far("list"), enginetest.Path("in", engine.PathDir, t.TempDir())))("s"); status != "ran" {
		t.Errorf("%s %s", status, text)
	}
	if n := executions.Load() - before; n != 1 {
		t.Errorf("%d executions", n)
	}
}

// What is wrong with a node itself, a full disk as a rule, is the step's error, with what to do.
func TestNodesTroubleComesHome(t *testing.T) {
	x, store := newCluster(t)
	x.spoil = func(dir string) {
		scratch := filepath.Join(dir, "scratch")
		if err := errors.Join(os.RemoveAll(scratch), os.WriteFile(scratch, nil, 0o644)); err != nil {
			t.Error(err)
		}
	}
	before := executions.Load()
	status, text := x.run(store, &enginetest.Events{}, enginetest.Step("s", far("refuse")))("s")
	if status != "failed" || !strings.Contains(text, "REIN_NODE_STATE="+x.nodes) || executions.Load() != before {
		t.Errorf("%s %s", status, text)
	}
}

// A job that was given up and starts late finds no order.
func TestForgottenParcel(t *testing.T) {
	x, store := newCluster(t)
	before := executions.Load()
	j := &engine.Job{Dir: t.TempDir(), Order: &engine.Order{Type: "far", Outputs: map[string]string{}, Checkpoint: "c"}, Emit: func(engine.Event) {}}
	if err := j.Begin(); err != nil {
		t.Fatal(err)
	}
	argv, err := x.courier.Send(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	x.courier.Forget(j)
	err = courier.Execute(t.Context(), x.courier.Remote, store, argv[len(argv)-1], resolve)
	if err == nil || !strings.Contains(err.Error(), "no work order") || executions.Load() != before {
		t.Error(err)
	}
}

// A node executes what the run has sent, not what somebody else has put in its place; and nobody can read it in the bucket.
func TestForgedParcelIsRefused(t *testing.T) {
	x, store := newCluster(t)
	before := executions.Load()
	send := func() (*engine.Job, string) {
		j := &engine.Job{Dir: t.TempDir(), Order: &engine.Order{Type: "far", Secrets: []string{"hunter2"}, Outputs: map[string]string{}, Checkpoint: "c"}, Emit: func(engine.Event) {}}
		if err := j.Begin(); err != nil {
			t.Fatal(err)
		}
		argv, err := x.courier.Send(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		return j, argv[len(argv)-1]
	}
	one, name := send()
	other, _ := send()
	text, _, err := x.courier.Remote.Read(t.Context(), other.Try+"/order")
	if err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("%q, %v", text, err)
	}
	for _, forged := range [][]byte{text, []byte(`{"order":{"type":"far","checkpoint":"x/../.."}}`), nil} {
		if err := x.courier.Remote.Post(t.Context(), one.Try+"/order", forged); err != nil {
			t.Fatal(err)
		}
		err := courier.Execute(t.Context(), x.courier.Remote, store, name, resolve)
		if err == nil || !strings.Contains(err.Error(), "somebody else wrote it") || executions.Load() != before {
			t.Errorf("%q: %v", forged, err)
		}
	}
}

// An order can't lead a node out of the folders that it gives the step.
func TestOrderOfPathsIsRefused(t *testing.T) {
	x, store := newCluster(t)
	for _, o := range []*engine.Order{
		{Outputs: map[string]string{"x/../..": ""}, Checkpoint: "c"}, {Checkpoint: ".."}, {Checkpoint: ""},
		{Checkpoint: "c", Inputs: map[string][]engine.File{"in": {{Name: "../../x"}}}},
	} {
		o.Type = "far"
		j := &engine.Job{Dir: t.TempDir(), Order: o, Emit: func(engine.Event) {}}
		if err := os.MkdirAll(filepath.Join(j.Dir, "try"), 0o755); err != nil {
			t.Fatal(err)
		}
		j.Try = "try"
		argv, err := x.courier.Send(t.Context(), j)
		if err != nil {
			if strings.Contains(err.Error(), "is a directory") || strings.Contains(err.Error(), "no such file") { // the input isn't there
				continue
			}
			t.Fatal(err)
		}
		if err := courier.Execute(t.Context(), x.courier.Remote, store, argv[len(argv)-1], resolve); err == nil || !strings.Contains(err.Error(), "can't be") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// What was changed in the bucket is never taken for a result.
func TestDamagedOutputsAreRefused(t *testing.T) {
	x, store := newCluster(t)
	input := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(input, []byte("what it was"), 0o644); err != nil {
		t.Fatal(err)
	}
	x.damage = func() {
		files, _ := filepath.Glob(filepath.Join(x.bucket, "rein2", "file", "*"))
		for _, f := range files {
			if err := os.WriteFile(f, []byte("something else"), 0o644); err != nil {
				t.Error(err)
			}
		}
	}
	status, text := x.run(store, &enginetest.Events{}, enginetest.Step("s", far("copy"), enginetest.Path("in", engine.PathFile, input)))("s")
	if status != "failed" || !strings.Contains(text, "damaged in the shared cache") {
		t.Errorf("%s %q", status, text)
	}
}
