package bucket

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"rein/cache"
)

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
		mine, theirs := newStore(t), newStore(t)
		entries := fill(t, mine, c.n, c.size)
		b, err := Open(t.Context(), fmt.Sprintf("s3://team/rein%d?endpoint=%s&use_path_style=true&region=us-east-1", c.n, s.url))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		sender, fetcher := newRemote(t, mine, b, nil), newRemote(t, theirs, b, nil)
		up := each(t, entries, func(e *cache.Entry) error { return sender.Send(t.Context(), e) })
		down := each(t, entries, func(e *cache.Entry) error {
			_, err := fetcher.Fetch(t.Context(), e.Action)
			return err
		})
		again := each(t, entries, func(e *cache.Entry) error {
			if _, err := theirs.Get(t.Context(), e.Action); err != nil {
				return err
			}
			_, err := theirs.Path(t.Context(), e.Outputs["out"])
			return err
		})
		mcUp, mcDown := copyWith(t, mc, s, mine, entries, c.n)
		t.Logf("%s: up %.2f s (mc %.2f s), down %.2f s (mc %.2f s), %d and %d requests; a hit here takes %.3f s", c.name, up.Seconds(),
			mcUp.Seconds(), down.Seconds(), mcDown.Seconds(), sender.Counts().Requests, fetcher.Counts().Requests, again.Seconds())
	}
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

// copyWith copies the same files with mc.
func copyWith(t *testing.T, mc string, s *server, from *cache.Store, entries []*cache.Entry, n int) (up, down time.Duration) {
	t.Helper()
	dir := t.TempDir()
	for i, e := range entries {
		if err := from.Restore(t.Context(), e.Outputs["out"], filepath.Join(dir, "out", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) time.Duration {
		c := exec.Command(mc, append([]string{"--quiet", "--config-dir", filepath.Join(dir, "mc")}, args...)...)
		c.Env = append(os.Environ(), "MC_HOST_m=http://rein-test:rein-test-word@"+strings.TrimPrefix(s.url, "http://"))
		began := time.Now()
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return time.Since(began)
	}
	place := fmt.Sprintf("m/team/mc%d/", n)
	return run("cp", "--recursive", filepath.Join(dir, "out")+"/", place), run("cp", "--recursive", place, filepath.Join(dir, "back")+"/")
}
