package bucket

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rein/cache/remote"
)

// freeAddress is a port on the loopback that nothing listens on.
func freeAddress(t testing.TB) (addr, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return l.Addr().String(), port
}

// serve runs the program that a variable names until the test ends, and waits for it to answer.
func serve(t testing.TB, variable, addr string, args ...string) {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" {
		t.Skip(variable + " names no program: .ci/buckets installs one")
	}
	c := exec.Command(program, args...)
	var said strings.Builder
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	for tries := 300; ; tries-- {
		if r, err := http.Get("http://" + addr); err == nil {
			r.Body.Close()
			return
		}
		if tries == 0 {
			t.Fatalf("%s didn't come up: %s", program, said.String())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// teammate sends entries from one store, fetches them into another, and prunes; damaged objects are misses.
func teammate(t *testing.T, b remote.Bucket) {
	t.Helper()
	mine, theirs := newStore(t), newStore(t)
	entries := append(fill(t, mine, 20, 20_000), fill(t, mine, 1, 40<<20)...)
	sender, fetcher := newRemote(t, mine, b, nil), newRemote(t, theirs, b, nil)
	for _, e := range entries {
		if err := sender.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range entries {
		if _, err := fetcher.Fetch(t.Context(), e.Action); err != nil {
			t.Fatal(err)
		}
		if _, err := theirs.Path(t.Context(), e.Outputs["out"]); err != nil {
			t.Fatal(err)
		}
	}
	damage(t, b)
	third := newStore(t)
	var said []string
	if _, err := newRemote(t, third, b, &said).Fetch(t.Context(), entries[0].Action); err == nil || len(said) == 0 {
		t.Errorf("a damaged object was taken, or nothing was said: %v, %q", err, said)
	}
	if third.Has(entries[0].Outputs["out"]) {
		t.Error("something of a damaged object is in the store")
	}
	p, err := fetcher.PlanPrune(t.Context(), remote.Rules{MaxBytes: 1}, time.Now())
	if err != nil || len(p.Entries) == 0 {
		t.Fatalf("prune: %+v, %v", p, err)
	}
	if err := fetcher.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// damage turns a bit of every file's object.
func damage(t *testing.T, b remote.Bucket) {
	t.Helper()
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(o.Name, "/file/") {
			continue
		}
		in, err := b.Get(t.Context(), o.Name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in.Body)
		in.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := b.Put(t.Context(), o.Name, data); err != nil {
			t.Fatal(err)
		}
	}
}

func openPlace(t *testing.T, place string) remote.Bucket {
	t.Helper()
	b, err := Open(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// Google's protocol, as fake-gcs-server speaks it.
func TestTeammateOnGCS(t *testing.T) {
	addr, port := freeAddress(t)
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/team", 0o755); err != nil { // a folder is a bucket
		t.Fatal(err)
	}
	serve(t, "REIN_GCS_SERVER", addr, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-filesystem-root", dir, "-public-host", addr)
	t.Setenv("STORAGE_EMULATOR_HOST", addr)
	teammate(t, openPlace(t, "gs://team/prefix"))
}

// Azure's protocol, as Azurite speaks it.
func TestTeammateOnAzure(t *testing.T) {
	addr, port := freeAddress(t)
	serve(t, "REIN_AZURITE", addr, "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location", t.TempDir(), "--blobHost", "127.0.0.1", "--blobPort", port)
	const account, key = "devstoreaccount1", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==" // Azurite's, known to all
	t.Setenv("AZURE_STORAGE_ACCOUNT", account)
	t.Setenv("AZURE_STORAGE_KEY", key)
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", "")
	b := openPlace(t, "azblob://team/prefix?protocol=http&localemu=true&domain="+addr)
	w := b.(*web)
	u := *w.api.(*azure).base
	u.RawQuery = "restype=container"
	r, err := newRequest(http.MethodPut, &u)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.done(w.do(t.Context(), r, nil)); err != nil {
		t.Fatal(err)
	}
	teammate(t, b)
}
