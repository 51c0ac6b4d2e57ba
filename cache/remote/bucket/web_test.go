package bucket

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rein/cache/remote"
)

// store is what a bucket holds, with as much of the three makers' interfaces as is asked of them. Pages have two objects.
type store struct {
	mu      sync.Mutex
	objects map[string]string
	fail    int // the status of every answer, where it isn't 0
	signed  []string
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signed = append(s.signed, r.Header.Get("Authorization"))
	q, path := r.URL.Query(), r.URL.Path
	path = strings.TrimPrefix(path, "/account") // Azure's emulators have it there
	key, object := strings.CutPrefix(path, "/team/")
	switch {
	case s.fail != 0:
		w.WriteHeader(s.fail)
		io.WriteString(w, "<Error><Code>Because</Code><Message>it fails</Message></Error>")
	case q.Get("list-type") == "2", q.Get("comp") == "list", path == "/storage/v1/b/team/o" && r.Method == http.MethodGet:
		s.list(w, q.Get("prefix"), q.Get("continuation-token")+q.Get("marker")+q.Get("pageToken"), q)
	case path == "/upload/storage/v1/b/team/o":
		s.serve(w, r, http.MethodPut, q.Get("name"))
	case strings.HasPrefix(path, "/storage/v1/b/team/o/"):
		s.serve(w, r, r.Method, strings.TrimPrefix(path, "/storage/v1/b/team/o/"))
	case object:
		s.serve(w, r, r.Method, key)
	default:
		http.Error(w, "what?", http.StatusTeapot)
	}
}

var written = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func (s *store) serve(w http.ResponseWriter, r *http.Request, method, key string) {
	content, ok := s.objects[key]
	switch {
	case method == http.MethodPut:
		b, _ := io.ReadAll(r.Body)
		s.objects[key] = string(b)
	case !ok:
		w.WriteHeader(http.StatusNotFound)
	case method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Last-Modified", written.Format(http.TimeFormat))
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		if method == http.MethodGet {
			io.WriteString(w, content)
		}
	}
}

func (s *store) list(w http.ResponseWriter, prefix, mark string, q map[string][]string) {
	var keys []string
	for k := range s.objects {
		if strings.HasPrefix(k, prefix) && k > mark {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	next := ""
	if len(keys) > 2 {
		keys, next = keys[:2], keys[1]
	}
	switch {
	case q["list-type"] != nil:
		var l struct {
			XMLName  xml.Name `xml:"ListBucketResult"`
			Contents []struct {
				Key          string
				Size         int
				LastModified time.Time
			}
			NextContinuationToken string
		}
		for _, k := range keys {
			l.Contents = append(l.Contents, struct {
				Key          string
				Size         int
				LastModified time.Time
			}{k, len(s.objects[k]), written})
		}
		l.NextContinuationToken = next
		_ = xml.NewEncoder(w).Encode(l)
	case q["comp"] != nil:
		io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>`)
		for _, k := range keys {
			fmt.Fprintf(w, "<Blob><Name>%s</Name><Properties><Last-Modified>%s</Last-Modified><Content-Length>%d</Content-Length></Properties></Blob>",
				k, written.Format(http.TimeFormat), len(s.objects[k]))
		}
		fmt.Fprintf(w, "</Blobs><NextMarker>%s</NextMarker></EnumerationResults>", next)
	default:
		l := map[string]any{"nextPageToken": next}
		var items []map[string]any
		for _, k := range keys {
			items = append(items, map[string]any{"name": k, "size": fmt.Sprint(len(s.objects[k])), "updated": written})
		}
		l["items"] = items
		_ = json.NewEncoder(w).Encode(l)
	}
}

// interfaces opens the same bucket over each maker's interface.
func interfaces(t *testing.T, s *store, test func(t *testing.T, b remote.Bucket)) {
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	addr := strings.TrimPrefix(srv.URL, "http://")
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
		"AZURE_STORAGE_ACCOUNT": "account", "AZURE_STORAGE_KEY": "a2V5", "AZURE_STORAGE_CONNECTION_STRING": "", "STORAGE_EMULATOR_HOST": addr} {
		t.Setenv(k, v)
	}
	for name, place := range map[string]string{
		"s3":     "s3://team/pre%20fix+%C3%BC?region=us-east-1&use_path_style=true&endpoint=" + srv.URL,
		"gs":     "gs://team/pre%20fix+%C3%BC",
		"azblob": "azblob://team/pre%20fix+%C3%BC?protocol=http&localemu=true&domain=" + addr,
	} {
		t.Run(name, func(t *testing.T) {
			s.objects, s.fail, s.signed = map[string]string{}, 0, nil
			test(t, openPlace(t, place))
		})
	}
	t.Run("file", func(t *testing.T) {
		s.fail = 0
		test(t, openPlace(t, "file://"+t.TempDir()+"/made/later"))
	})
}

func TestInterfaces(t *testing.T) {
	interfaces(t, &store{}, func(t *testing.T, b remote.Bucket) {
		ctx := t.Context()
		for range b.List(ctx, "") {
			t.Error("an empty bucket lists something, or fails")
		}
		names := []string{"a/1", "a/2", "a/3", "a/4", "b/1"}
		for _, n := range names {
			if err := errors.Join(b.Put(ctx, n, []byte("before")), b.Put(ctx, n, []byte("content of "+n))); err != nil {
				t.Fatal(err)
			}
		}
		o, err := b.Get(ctx, "a/2")
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(o.Body)
		if o.Body.Close(); err != nil || string(content) != "content of a/2" || o.Size != 14 || o.Modified.IsZero() {
			t.Errorf("got %q, %+v, %v", content, o, err)
		}
		if err := b.Delete(ctx, "a/3"); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]bool{"a/2": true, "a/3": false, "a": false} {
			if ok, err := b.Has(ctx, name); ok != want || err != nil {
				t.Errorf("%s is there: %v, %v", name, ok, err)
			}
		}
		if _, err := b.Get(ctx, "a/3"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
		var got []string
		for i, err := range b.List(ctx, "a/") {
			if err != nil || i.Size != 14 || i.Modified.IsZero() {
				t.Errorf("%+v, %v", i, err)
			}
			got = append(got, i.Name)
		}
		if diff := cmp.Diff([]string{"a/1", "a/2", "a/4"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// What a server refuses for good isn't asked for again; what may be a fault of the moment is.
func TestRefusals(t *testing.T) {
	s := &store{}
	interfaces(t, s, func(t *testing.T, b remote.Bucket) {
		if strings.HasSuffix(t.Name(), "/file") {
			t.Skip("a folder has no statuses")
		}
		for status, want := range map[int]error{404: fs.ErrNotExist, 403: fs.ErrPermission, 401: fs.ErrPermission, 400: fs.ErrInvalid, 301: fs.ErrInvalid, 500: nil, 503: nil, 429: nil} {
			s.fail = status
			_, err := b.Get(t.Context(), "a")
			if err == nil || !strings.Contains(err.Error(), "Because: it fails") {
				t.Errorf("%d: got %v", status, err)
			}
			for _, final := range []error{fs.ErrNotExist, fs.ErrPermission, fs.ErrInvalid} {
				if errors.Is(err, final) != (final == want) {
					t.Errorf("%d: %v is %v", status, err, final)
				}
			}
		}
	})
}

// An account's key signs the text that Azure's documentation prescribes.
func TestAzureCanonical(t *testing.T) {
	a := &azure{account: "account"}
	r, err := http.NewRequest(http.MethodPut, "https://account.blob.core.windows.net/team/a%20b?restype=container&comp=list", strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"x-ms-version": "2021-12-02", "x-ms-blob-type": "BlockBlob", "Content-Type": "text/plain", "x-ms-date": "D"} {
		r.Header.Set(k, v)
	}
	want := "PUT\n\n\n7\n\ntext/plain\n\n\n\n\n\n\nx-ms-blob-type:BlockBlob\nx-ms-date:D\nx-ms-version:2021-12-02\n/account/team/a%20b\ncomp:list\nrestype:container"
	if diff := cmp.Diff(want, a.canonical(r)); diff != "" {
		t.Error(diff)
	}
}

func TestWrongPlaces(t *testing.T) {
	for place, want := range map[string]string{
		"ftp://x/y":                     `"ftp" is none of`,
		"s3:///x":                       "the bucket's name is missing",
		"s3://b/p?regoin=eu-central-1":  `option "regoin" is none of region,`,
		"file://mnt/team":               "three slashes: file:///mnt/team",
		"azblob://c/p?storage_account=": "the account is missing",
	} {
		for _, k := range []string{"AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_CONNECTION_STRING"} {
			t.Setenv(k, "")
		}
		if _, err := Open(t.Context(), place); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", place, err)
		}
	}
}

// A shared access signature is in no message, whether nobody answers or a server refuses.
func TestSignaturesAreNotTold(t *testing.T) {
	for k, v := range map[string]string{"AZURE_STORAGE_ACCOUNT": "account", "AZURE_STORAGE_KEY": "", "AZURE_STORAGE_CONNECTION_STRING": "", "AZURE_STORAGE_SAS_TOKEN": "?sv=1&sig=se%2Fcret"} {
		t.Setenv(k, v)
	}
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1); r.URL.Query().Get("sig") != "se/cret" {
			t.Errorf("asked without the signature: %s", r.URL)
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	b := openPlace(t, "azblob://team/p?protocol=http&localemu=true&domain="+strings.TrimPrefix(srv.URL, "http://"))
	for range 2 {
		if _, err := b.Get(t.Context(), "a"); err == nil || strings.Contains(err.Error(), "cret") || !strings.Contains(err.Error(), "/account/team/p/a") {
			t.Errorf("got %v", err)
		}
		srv.Close()
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}
