package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func put(t testing.TB, s *Store, key string, made time.Time, ms int64, outputs ...Blob) Digest {
	t.Helper()
	e := &Entry{Action: Sum([]byte(key)), Type: "exec", Pipeline: "p", Step: key, Key: key, Outputs: map[string]Blob{}, Result: Result{Made: made, RunMS: ms}}
	for i, b := range outputs {
		e.Outputs[string(rune('a'+i))] = b
	}
	if err := s.Put(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return e.Action
}

func TestVerifyFindsAFlippedByte(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir(), Options{})
	good, bad := adopt(t, s, "good"), adopt(t, s, "some content")
	put(t, s, "k", time.Now(), 1, good, bad)
	if problems, err := s.Verify(ctx, false, nil); err != nil || len(problems) != 0 {
		t.Fatalf("sound: %v, %v", problems, err)
	}
	// A byte flips without a trace in the file's times: only reading it all finds that.
	path := s.blobPath(bad)
	if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, []byte("some Content"), 0o644), os.Chtimes(path, sealed, sealed)); err != nil {
		t.Fatal(err)
	}
	if err := s.WriteRun("r1", []byte("{")); err != nil {
		t.Fatal(err)
	}
	problems, err := s.Verify(ctx, false, nil)
	if err != nil || len(problems) != 2 || problems[0].What != "blob" || problems[0].Name != bad.Digest.Short() || problems[1].What != "run" {
		t.Fatalf("%v, %v", problems, err)
	}
	if !s.Has(bad) {
		t.Error("looking removed it")
	}
	if problems, err = s.Verify(ctx, true, nil); err != nil || len(problems) != 2 || !problems[0].Repaired {
		t.Fatalf("%v, %v", problems, err)
	}
	if s.Has(bad) || !s.Has(good) {
		t.Error("the wrong one went")
	}
	if problems, err = s.Verify(ctx, false, nil); err != nil || len(problems) != 0 {
		t.Errorf("after the repair: %v, %v", problems, err)
	}
}

func TestPlanGC(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir(), Options{})
	kept, cheap, dear := adopt(t, s, "kept"), adopt(t, s, strings.Repeat("cheap", 100)), adopt(t, s, strings.Repeat("dear!", 100))
	put(t, s, "kept", time.Now(), 5, kept)
	put(t, s, "cheap", time.Now(), 10, cheap)
	dearAction := put(t, s, "dear", time.Now(), 90000, dear)
	keep := Keep{Blobs: map[Digest]bool{kept.Digest: true}, MaxBytes: dear.Size}
	c, err := s.PlanGC(ctx, keep)
	if err != nil || len(c.Evict) != 1 || c.Evict[0].Digest != cheap.Digest || c.Bytes != cheap.Size || c.CostMS != 10 || c.Kept != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	if !s.Has(cheap) {
		t.Error("planning removed it")
	}
	keep.MinAge = time.Hour
	if c, err := s.PlanGC(ctx, keep); err != nil || len(c.Evict) != 0 {
		t.Errorf("young blobs: %+v, %v", c, err)
	}
	keep.MinAge, keep.MaxBytes = 0, 0
	if c, err = s.PlanGC(ctx, keep); err != nil || len(c.Evict) != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := s.Collect(ctx, c); err != nil {
		t.Fatal(err)
	}
	if s.Has(cheap) || s.Has(dear) || !s.Has(kept) {
		t.Error("the wrong ones went")
	}
	if _, err := s.Get(ctx, dearAction); err != nil {
		t.Errorf("the record of what was evicted is gone: %v", err)
	}
}

func TestRebuild(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	there, gone := adopt(t, s, "there"), adopt(t, s, "gone")
	action := Sum([]byte("k1"))
	run := `{"pipelines":[{"name":"p","steps":[
		{"name":"a","type":"exec","version":3,"action_id":"` + action.String() + `","key":"k1","outputs":{"o":{"digest":"` + there.Digest.String() + `","size":5}},"result":{"run_ms":7,"made":"2026-01-01T00:00:00Z"}},
		{"name":"b","type":"exec","action_id":"` + Sum([]byte("k2")).String() + `","key":"k2","outputs":{"o":{"digest":"` + gone.Digest.String() + `","size":4}},"result":{}},
		{"name":"c","type":"exec","action_id":"` + Sum([]byte("k3")).String() + `","key":"another","outputs":{"o":{"digest":"` + there.Digest.String() + `","size":5}},"result":{}},
		{"name":"d","type":"exec","action_id":"` + Sum([]byte("k4")).String() + `","outputs":{"o":{"digest":"` + there.Digest.String() + `","size":5}},"result":{}}]}]}`
	if err := errors.Join(s.WriteRun("r1", []byte(run)), s.WriteRun("r0", []byte("broken")), RemoveAll(s.blobPath(gone)), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, indexDir)); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	if n, err := s.Rebuild(ctx); err != nil || n != 1 {
		t.Fatalf("%d entries, %v: want the one that is whole and proven", n, err)
	}
	e, err := s.Get(ctx, action)
	if err != nil || e.Type != "exec" || e.Version != 3 || e.Key != "k1" || e.Outputs["o"] != there || e.Result.RunMS != 7 {
		t.Errorf("%+v, %v", e, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "index.old-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestStats(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	put(t, s, "k", time.Now(), 1, adopt(t, s, "12345"))
	if err := s.WriteRun("r1", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	st, err := s.Stats(t.Context())
	if err != nil || st.Entries != 1 || st.Blobs != 1 || st.BlobBytes != 5 || st.Runs != 1 || st.IndexBytes == 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

// What is cheap to make again for its size goes first: a large blob before a small one that took less time.
func TestCheapForItsSizeGoesFirst(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	large, small := adopt(t, s, strings.Repeat("x", 10_000)), adopt(t, s, "small")
	put(t, s, "large", time.Now(), 200, large)
	put(t, s, "small", time.Now(), 100, small)
	c, err := s.PlanGC(t.Context(), Keep{MaxBytes: large.Size})
	if err != nil || len(c.Evict) != 1 || c.Evict[0].Digest != large.Digest {
		t.Errorf("%+v, %v", c, err)
	}
}

// A record that a fault of the file system has made endless isn't read: that would take all of the memory. It is named as damaged, and put aside.
func TestEndlessRecord(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	if err := s.WriteRun("r", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	shelf := Shelf{Dir: t.TempDir(), Mark: "m", Files: 2}
	if err := shelf.Write("name", []byte("text")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(s.Dir(), runsDir, "r.json"), filepath.Join(shelf.Dir, "name")} {
		if err := os.Truncate(path, 1<<42); err != nil {
			t.Skip(err) // a file system without holes
		}
	}
	if _, ok := shelf.Read("name"); ok {
		t.Error("what is on the shelf counts")
	}
	if _, err := s.ReadRun("r"); err == nil || Outside(err) {
		t.Errorf("the record: %v", err)
	}
	for _, want := range []int{1, 0} {
		if problems, err := s.Verify(t.Context(), true, nil); err != nil || len(problems) != want {
			t.Errorf("%v, %v, want %d", problems, err, want)
		}
	}
}
