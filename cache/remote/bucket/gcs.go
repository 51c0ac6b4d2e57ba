package bucket

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"rein/cache/remote"
)

// gcs is Google's interface: objects are read over the XML one, which says when they were written, and else the JSON one is used.
// https://cloud.google.com/storage/docs/json_api/v1, https://cloud.google.com/storage/docs/xml-api/reference-methods
type gcs struct {
	base  *url.URL
	name  string
	token func() (oauth2.TokenSource, error) // nil: anonymous
}

func openGCS(_ context.Context, name string, q url.Values) (api, error) {
	endpoint, emulator := "https://storage.googleapis.com", os.Getenv("STORAGE_EMULATOR_HOST")
	if emulator != "" {
		if endpoint = emulator; !strings.Contains(emulator, "://") {
			endpoint = "http://" + emulator
		}
	}
	if e := q.Get("endpoint"); e != "" {
		endpoint = e
	}
	base, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint %q: %w", endpoint, err)
	}
	a := &gcs{base: base, name: name}
	if q.Get("anonymous") != "true" && emulator == "" {
		a.token = sync.OnceValues(func() (oauth2.TokenSource, error) {
			// the source outlives the request that asks first
			return google.DefaultTokenSource(context.Background(), "https://www.googleapis.com/auth/devstorage.read_write")
		})
	}
	return a, nil
}

func (a *gcs) request(method, key string) (*http.Request, error) {
	switch method {
	case http.MethodPut:
		u := address(a.base, "upload/storage/v1/b/"+a.name+"/o")
		u.RawQuery = url.Values{"uploadType": {"media"}, "name": {key}, "fields": {"name"}}.Encode()
		return newRequest(http.MethodPost, u)
	case http.MethodDelete:
		u := address(a.base, "storage/v1/b/"+a.name+"/o/"+key)
		u.RawPath = strings.TrimSuffix(a.base.Path, "/") + "/storage/v1/b/" + escape(a.name) + "/o/" + strings.ReplaceAll(escape(key), "/", "%2F")
		return newRequest(method, u)
	}
	return newRequest(method, address(a.base, a.name+"/"+key))
}

func (a *gcs) list(prefix, mark string) (*http.Request, error) {
	q := url.Values{"prefix": {prefix}, "fields": {"nextPageToken,items(name,size,updated)"}}
	return listRequest(address(a.base, "storage/v1/b/"+a.name+"/o"), q, "pageToken", mark)
}

func (a *gcs) page(body io.Reader) ([]remote.Item, string, error) {
	var l struct {
		Items []struct {
			Name    string    `json:"name"`
			Size    string    `json:"size"`
			Updated time.Time `json:"updated"`
		} `json:"items"`
		Next string `json:"nextPageToken"`
	}
	if err := json.NewDecoder(body).Decode(&l); err != nil {
		return nil, "", err
	}
	var out []remote.Item
	for _, o := range l.Items {
		size, err := strconv.ParseInt(o.Size, 10, 64)
		if err != nil {
			return nil, "", fmt.Errorf("size of %s: %w", o.Name, err)
		}
		out = append(out, remote.Item{Name: o.Name, Size: size, Modified: o.Updated})
	}
	return out, l.Next, nil
}

func (a *gcs) sign(_ context.Context, r *http.Request, _ []byte) error {
	if a.token == nil {
		return nil
	}
	source, err := a.token()
	if err != nil {
		return err
	}
	t, err := source.Token()
	if err != nil {
		return err
	}
	t.SetAuthHeader(r)
	return nil
}
