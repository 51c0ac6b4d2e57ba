package bucket

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"rein/cache"
	"rein/cache/remote"
)

// rounds is how often each way is gone, in turns; the figures are of the median.
const rounds = 3

// TestThroughput copies 1,000 files of 4 KiB and one of 1 GiB to MinIO and back, as results and with MinIO's own client,
// which REIN_MC names. The content doesn't compress. It prints the figures of docs/scale.md.
func TestThroughput(t *testing.T) {
	mc := os.Getenv("REIN_MC")
	if mc == "" {
		t.Skip("REIN_MC names no mc (go install github.com/minio/mc@latest)")
	}
	s := startMinIO(t)
	for _, c := range []struct {
		name    string
		n, size int
	}{{"1,000 of 4 KiB", 1000, 4 << 10}, {"one of 1 GiB", 1, 1 << 30}} {
		mine := newStore(t)
		entries := fill(t, mine, c.n, c.size)
		files := restored(t, mine, entries)
		var up, down, mcUp, mcDown []time.Duration
		for range rounds {
			u, d := copyAsResults(t, s, mine, entries)
			up, down = append(up, u), append(down, d)
			u, d = copyWith(t, mc, s, files)
			mcUp, mcDown = append(mcUp, u), append(mcDown, d)
		}
		ours, theirs := median(up).Seconds(), median(mcUp).Seconds()
		t.Logf("%s up:   %.2f s, mc %.2f s, ratio %.2f; %v, %v", c.name, ours, theirs, ours/theirs, up, mcUp)
		ours, theirs = median(down).Seconds(), median(mcDown).Seconds()
		t.Logf("%s down: %.2f s, mc %.2f s, ratio %.2f; %v, %v", c.name, ours, theirs, ours/theirs, down, mcDown)
	}
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

// empty empties the bucket, so that nothing is there already.
func (s *server) empty(t *testing.T) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(filepath.Join(s.dir, "team")), os.Mkdir(filepath.Join(s.dir, "team"), 0o755)); err != nil {
		t.Fatal(err)
	}
}

// copyAsResults sends entries and fetches them into a store that has nothing.
func copyAsResults(t *testing.T, s *server, mine *cache.Store, entries []*cache.Entry) (up, down time.Duration) {
	t.Helper()
	s.empty(t)
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	theirs, err := cache.Open(dir, cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	b, err := Open(t.Context(), fmt.Sprintf("s3://team/rein?endpoint=%s&use_path_style=true&region=us-east-1", s.url))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	o := remote.Options{Timeout: time.Minute}
	sender, err := remote.New(mine, b, o)
	if err != nil {
		t.Fatal(err)
	}
	fetcher, err := remote.New(theirs, b, o)
	if err != nil {
		t.Fatal(err)
	}
	up = each(t, entries, func(e *cache.Entry) error { return sender.Send(t.Context(), e) })
	return up, each(t, entries, func(e *cache.Entry) error {
		_, err := fetcher.Fetch(t.Context(), e.Action)
		return err
	})
}

// each does something to all entries, eight or sixteen at a time as a run does, and says how long that took.
func each(t *testing.T, entries []*cache.Entry, do func(*cache.Entry) error) time.Duration {
	t.Helper()
	began := time.Now()
	var g errgroup.Group
	g.SetLimit(16)
	for _, e := range entries {
		g.Go(func() error { return do(e) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

// restored is a folder with the entries' outputs.
func restored(t *testing.T, from *cache.Store, entries []*cache.Entry) string {
	t.Helper()
	dir := t.TempDir()
	for i, e := range entries {
		if err := from.Restore(t.Context(), e.Outputs["out"], filepath.Join(dir, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// copyWith copies files with mc.
func copyWith(t *testing.T, mc string, s *server, files string) (up, down time.Duration) {
	t.Helper()
	s.empty(t)
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	run := func(args ...string) time.Duration {
		c := exec.Command(mc, append([]string{"--quiet", "--config-dir", filepath.Join(dir, "mc")}, args...)...)
		c.Env = append(os.Environ(), "MC_HOST_m=http://rein-test:rein-test-word@"+strings.TrimPrefix(s.url, "http://"))
		began := time.Now()
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return time.Since(began)
	}
	return run("cp", "--recursive", files+"/", "m/team/mc/"), run("cp", "--recursive", "m/team/mc/", filepath.Join(dir, "back")+"/")
}
