package bucket

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rein/cache/remote"
)

// api is what differs between the makers' HTTP interfaces.
type api interface {
	// request addresses an object: the method is GET, HEAD, PUT or DELETE.
	request(method, key string) (*http.Request, error)
	// list asks for a page of the objects whose keys have the prefix; mark is what the page before ended with.
	list(prefix, mark string) (*http.Request, error)
	// page reads the answer to list; mark is "" on the last one.
	page(body io.Reader) (items []remote.Item, mark string, err error)
	// sign proves who asks. It is called last, when the request is complete; content is its body.
	sign(ctx context.Context, r *http.Request, content []byte) error
}

// web is a bucket behind an HTTP interface. Faults are the caller's to try again.
type web struct {
	client *http.Client
	api    api
	prefix string // of all keys; it ends in a slash, or is ""
}

// newClient makes a client whose connections are kept for as many requests at once as a run makes.
func newClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	t.DisableCompression = true // content is compressed already, and its size is checked
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// do makes a request; the answer is a success, and its body the caller's to close.
func (w *web) do(ctx context.Context, r *http.Request, content []byte) (*http.Response, error) {
	r = r.WithContext(ctx)
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	if err := w.api.sign(ctx, r, content); err != nil {
		return nil, err
	}
	res, err := w.client.Do(r)
	var failed *url.Error
	if errors.As(err, &failed) {
		return nil, fmt.Errorf("%s: %w", asked(r), failed.Err)
	} else if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		defer res.Body.Close()
		return nil, refusal(r, res)
	}
	return res, nil
}

// asked names a request without its query, which may hold a signature.
func asked(r *http.Request) string {
	return r.Method + " " + (&url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: r.URL.Path}).Redacted()
}

// refusal is the error of an answer that is no success.
func refusal(r *http.Request, res *http.Response) error {
	said, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10)) // it is only said
	var kind error
	switch res.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		kind = fs.ErrNotExist
	case http.StatusUnauthorized, http.StatusForbidden:
		kind = fs.ErrPermission
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		kind = fs.ErrInvalid
	}
	text := asked(r) + ": " + res.Status
	if why := reason(said); why != "" {
		text += ": " + why
	}
	if region := res.Header.Get("X-Amz-Bucket-Region"); region != "" && errors.Is(kind, fs.ErrInvalid) {
		text += fmt.Sprintf(" (the bucket is in %s: write ?region=%s)", region, region)
	}
	if kind == nil {
		return errors.New(text)
	}
	return fmt.Errorf("%s: %w", text, kind)
}

// reason is what a server says in the body of a refusal: XML with a code and a message, or plain text.
func reason(body []byte) string {
	var x struct{ Code, Message string }
	if xml.Unmarshal(body, &x) == nil && x.Code != "" {
		return strings.TrimSpace(x.Code + ": " + strings.TrimSpace(x.Message))
	}
	if text := strings.Join(strings.Fields(string(body)), " "); len(text) <= 300 {
		return text
	}
	return ""
}

func (w *web) object(ctx context.Context, method, name string, content []byte) (*http.Response, error) {
	r, err := w.api.request(method, w.prefix+name)
	if err != nil {
		return nil, err
	}
	return w.do(ctx, r, content)
}

func (w *web) Get(ctx context.Context, name string) (*remote.Object, error) {
	res, err := w.object(ctx, http.MethodGet, name, nil)
	if err != nil {
		return nil, err
	}
	modified, _ := http.ParseTime(res.Header.Get("Last-Modified")) // the zero time says that it is unknown
	return &remote.Object{Body: res.Body, Size: res.ContentLength, Modified: modified}, nil
}

func (w *web) Put(ctx context.Context, name string, content []byte) error {
	return w.done(w.object(ctx, http.MethodPut, name, content))
}

func (w *web) Delete(ctx context.Context, name string) error {
	return w.done(w.object(ctx, http.MethodDelete, name, nil))
}

func (w *web) Has(ctx context.Context, name string) (bool, error) {
	err := w.done(w.object(ctx, http.MethodHead, name, nil))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// done reads an answer to its end, so that its connection can be used again.
func (w *web) done(res *http.Response, err error) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}

func (w *web) List(ctx context.Context, prefix string) iter.Seq2[remote.Item, error] {
	return func(yield func(remote.Item, error) bool) {
		for mark := ""; ; {
			items, next, err := w.page(ctx, prefix, mark)
			if err != nil {
				yield(remote.Item{}, err)
				return
			}
			for _, i := range items {
				i.Name = strings.TrimPrefix(i.Name, w.prefix)
				if !yield(i, nil) {
					return
				}
			}
			if mark = next; mark == "" {
				return
			}
		}
	}
}

// pageTime is how long a page of a listing may take.
const pageTime = time.Minute

func (w *web) page(ctx context.Context, prefix, mark string) ([]remote.Item, string, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	r, err := w.api.list(w.prefix+prefix, mark)
	if err != nil {
		return nil, "", err
	}
	res, err := w.do(ctx, r, nil)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	return w.api.page(res.Body)
}

func (w *web) Close() error {
	w.client.CloseIdleConnections()
	return nil
}

// address makes a URL of a base, which may have a path, and a key. Everything but letters, digits and "-._~/" is escaped, as
// signatures want it.
func address(base *url.URL, key string) *url.URL {
	u := *base
	u.Path = strings.TrimSuffix(base.Path, "/") + "/" + key
	u.RawPath = escape(u.Path)
	return &u
}

func escape(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if c == '/' || c == '-' || c == '.' || c == '_' || c == '~' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func newRequest(method string, u *url.URL) (*http.Request, error) {
	return http.NewRequest(method, u.String(), nil)
}

// listRequest asks for a page of a listing. mark is what the page before ended with, "" for the first one, and goes by markName.
func listRequest(base *url.URL, q url.Values, markName, mark string) (*http.Request, error) {
	if mark != "" {
		q.Set(markName, mark)
	}
	u := *base
	u.RawQuery = q.Encode()
	return newRequest(http.MethodGet, &u)
}

// xmlPage reads Amazon's and Azure's answers to list.
func xmlPage(body io.Reader) (items []remote.Item, mark string, err error) {
	var l listing
	if err := xml.NewDecoder(body).Decode(&l); err != nil {
		return nil, "", err
	}
	for _, o := range l.Contents {
		items = append(items, remote.Item{Name: o.Key, Size: o.Size, Modified: o.LastModified})
	}
	for _, o := range l.Blobs.Blob {
		modified, _ := http.ParseTime(o.Properties.Modified) // the zero time says that it is unknown
		items = append(items, remote.Item{Name: o.Name, Size: o.Properties.Length, Modified: modified})
	}
	return items, cmp.Or(l.NextContinuationToken, l.NextMarker), nil
}

type listing struct {
	Contents []struct {
		Key          string
		Size         int64
		LastModified time.Time
	}
	NextContinuationToken string
	Blobs                 struct {
		Blob []struct {
			Name       string
			Properties struct {
				Modified string `xml:"Last-Modified"`
				Length   int64  `xml:"Content-Length"`
			}
		}
	}
	NextMarker string
}
