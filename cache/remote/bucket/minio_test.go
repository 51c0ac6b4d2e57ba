package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rein/cache"
	"rein/cache/remote"
)

// server is a MinIO of the test's own, and a proxy before it that can do harm.
type server struct {
	url    string // of MinIO
	dir    string // of MinIO: a folder in it is a bucket
	proxy  *httptestServer
	faults atomic.Pointer[func(*http.Request) fault]
}

type httptestServer struct{ addr string }

// fault is what happens to a request.
type fault string

const (
	none  fault = ""
	cut   fault = "cut"   // the answer ends in the middle
	fails fault = "fails" // status 500
	slow  fault = "slow"  // a byte now and then
	wrong fault = "wrong" // other bytes
)

// startMinIO runs the program that REIN_MINIO names on a folder of its own, and opens a bucket behind the proxy.
func startMinIO(t testing.TB) *server {
	t.Helper()
	program := os.Getenv("REIN_MINIO")
	if program == "" {
		t.Skip("REIN_MINIO names no MinIO (go install github.com/minio/minio@latest): .ci/buckets does")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "team"), 0o755); err != nil { // a folder is a bucket
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c := exec.Command(program, "server", "--quiet", "--address", addr, dir)
	c.Env = append(os.Environ(), "MINIO_ROOT_USER=rein-test", "MINIO_ROOT_PASSWORD=rein-test-word", "MINIO_BROWSER=off", "MINIO_UPDATE=off", "HOME="+t.TempDir())
	var said strings.Builder
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	for deadline := 200; ; deadline-- {
		if r, err := http.Get("http://" + addr + "/minio/health/ready"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				break
			}
		}
		if deadline == 0 {
			t.Fatalf("MinIO didn't come up: %s", said.String())
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "rein-test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "rein-test-word")
	t.Setenv("AWS_REGION", "us-east-1")
	s := &server{url: "http://" + addr, dir: dir}
	s.listen(t)
	return s
}

func (s *server) listen(t testing.TB) {
	t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	p := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) }}
	p.ModifyResponse = func(r *http.Response) error {
		if f := r.Request.Context().Value(faultKey{}).(fault); r.ContentLength > 0 && (f == cut || f == wrong || f == slow) {
			r.Body = &harm{r.Body, f, r.ContentLength / 2}
		}
		return nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := none
		if choose := s.faults.Load(); choose != nil {
			f = (*choose)(r)
		}
		if f == fails {
			http.Error(w, "the proxy fails", http.StatusInternalServerError)
			return
		}
		if f == cut && r.Method == http.MethodPut {
			panic(http.ErrAbortHandler)
		}
		p.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), faultKey{}, f)))
	})}
	go func() { _ = h.Serve(l) }()
	t.Cleanup(func() { h.Close() })
	s.proxy = &httptestServer{l.Addr().String()}
}

type faultKey struct{}

// harm is an answer's body that is damaged from its middle on.
type harm struct {
	io.ReadCloser
	how  fault
	left int64
}

func (h *harm) Read(p []byte) (int, error) {
	switch {
	case h.left > 0:
		n, err := h.ReadCloser.Read(p[:min(int64(len(p)), h.left)])
		h.left -= int64(n)
		return n, err
	case h.how == cut:
		panic(http.ErrAbortHandler)
	case h.how == slow:
		time.Sleep(300 * time.Millisecond)
		return h.ReadCloser.Read(p[:1])
	}
	n, err := h.ReadCloser.Read(p)
	for i := range p[:n] {
		p[i] ^= 0x55
	}
	return n, err
}

// harmful makes the proxy do this from now on.
func (s *server) harmful(choose func(*http.Request) fault) { s.faults.Store(&choose) }

// open opens the team's bucket through the proxy.
func (s *server) open(t testing.TB) remote.Bucket {
	t.Helper()
	b, err := Open(t.Context(), "s3://team/prefix?endpoint=http://"+s.proxy.addr+"&use_path_style=true&region=us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func newStore(t testing.TB) *cache.Store {
	t.Helper()
	s, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fill puts n entries with a file of size bytes each into a store.
func fill(t testing.TB, s *cache.Store, n, size int) []*cache.Entry {
	t.Helper()
	source := rand.NewChaCha8([32]byte{7})
	dir := t.TempDir()
	var out []*cache.Entry
	for i := range n {
		path := filepath.Join(dir, fmt.Sprint(i))
		b := make([]byte, size)
		_, _ = source.Read(b)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		out = append(out, entryOf(t, s, fmt.Sprint("key ", size, " ", i), path))
	}
	return out
}

func entryOf(t testing.TB, s *cache.Store, key, path string) *cache.Entry {
	t.Helper()
	b, err := s.Adopt(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return &cache.Entry{Action: cache.Sum([]byte(key)), Key: key, Outputs: map[string]cache.Blob{"out": b}}
}

func newRemote(t testing.TB, s *cache.Store, b remote.Bucket, said *[]string) *remote.Remote {
	t.Helper()
	return patient(t, s, b, said, 2*time.Second)
}

// patient waits so long for the first answer to a request, its repetitions included.
func patient(t testing.TB, s *cache.Store, b remote.Bucket, said *[]string, timeout time.Duration) *remote.Remote {
	t.Helper()
	r, err := remote.New(s, b, remote.Options{Timeout: timeout, Report: func(text string) {
		if said != nil {
			*said = append(*said, text)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What one store sends to a real S3 server another fetches.
func TestTeammateOnS3(t *testing.T) {
	teammate(t, startMinIO(t).open(t))
}

// Single faults are got over by trying again: nothing is a miss that is there.
func TestSingleFaultsAreGotOver(t *testing.T) {
	s := startMinIO(t)
	mine := newStore(t)
	entries := fill(t, mine, 8, 20_000)
	for _, f := range []fault{cut, fails} {
		t.Run(string(f), func(t *testing.T) {
			var n atomic.Int64
			s.harmful(func(*http.Request) fault {
				if n.Add(1)%3 == 0 {
					return f
				}
				return none
			})
			defer s.faults.Store(nil)
			var said []string
			b, theirs := s.open(t), newStore(t)
			const wait = 30 * time.Second
			sender, fetcher := patient(t, mine, b, &said, wait), patient(t, theirs, b, &said, wait)
			for _, e := range entries {
				if err := sender.Send(t.Context(), e); err != nil {
					t.Fatal(err)
				}
				if _, err := fetcher.Fetch(t.Context(), e.Action); err != nil {
					t.Fatal(err)
				}
			}
			if len(said) > 0 {
				t.Errorf("said %q", said)
			}
		})
	}
}

// Lasting faults are misses, said once or for each thing, and never anything wrong in the store.
func TestLastingFaultsAreMisses(t *testing.T) {
	s := startMinIO(t)
	mine := newStore(t)
	entries := fill(t, mine, 6, 20_000)
	clean := s.open(t)
	for _, e := range entries {
		if err := newRemote(t, mine, clean, nil).Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []fault{cut, fails, slow, wrong} {
		t.Run(string(f), func(t *testing.T) {
			s.harmful(func(*http.Request) fault { return f })
			defer s.faults.Store(nil)
			var said []string
			theirs := newStore(t)
			r := newRemote(t, theirs, s.open(t), &said)
			for _, e := range entries {
				var miss *cache.Miss
				if _, err := r.Fetch(t.Context(), e.Action); !errors.As(err, &miss) {
					t.Errorf("%v, want a miss", err)
				}
				if _, err := theirs.Get(t.Context(), e.Action); err == nil || theirs.Has(e.Outputs["out"]) {
					t.Error("something of it is in the store")
				}
			}
			if want := map[bool]int{true: len(entries), false: 1}[f == wrong]; len(said) != want {
				t.Errorf("said %d times, want %d: %q", len(said), want, said)
			}
			if (f == wrong) == r.Offline() {
				t.Errorf("offline: %v", r.Offline())
			}
		})
	}
}

// An upload that is cut off goes on with the parts that are missing.
func TestUploadGoesOn(t *testing.T) {
	s := startMinIO(t)
	mine := newStore(t)
	e := fill(t, mine, 1, 70<<20)[0] // 9 parts
	b := s.open(t)
	var puts atomic.Int64
	s.harmful(func(r *http.Request) fault {
		if r.Method == http.MethodPut && puts.Add(1) > 2 {
			return fails
		}
		return none
	})
	if err := newRemote(t, mine, b, nil).Send(t.Context(), e); err == nil {
		t.Fatal("an upload without a way succeeded")
	}
	puts.Store(0)
	s.harmful(func(r *http.Request) fault {
		if r.Method == http.MethodPut {
			puts.Add(1)
		}
		return none
	})
	if err := newRemote(t, mine, b, nil).Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if n := puts.Load(); n != 9 {
		t.Errorf("%d uploads, want 7 parts that were missing, a list and an entry", n)
	}
}
