// Package bucket opens the places where results can be shared, by URL: folders, and the object stores of Amazon (and of whatever
// speaks its protocol), Google and Azure, over their HTTP interfaces. Credentials come from each maker's usual chain.
package bucket

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"rein/cache/remote"
)

// opener makes the api for a URL of one scheme. The URL's host is the name of the bucket.
type opener struct {
	open    func(ctx context.Context, name string, q url.Values) (api, error)
	options []string // what a query may hold
}

var openers = map[string]opener{
	"s3":     {openS3, []string{"region", "profile", "endpoint", "use_path_style", "anonymous", "ssetype", "kmskeyid"}},
	"gs":     {openGCS, []string{"anonymous", "endpoint"}},
	"azblob": {openAzure, []string{"storage_account", "domain", "protocol", "localemu"}},
}

// Open opens s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, azblob://CONTAINER/PREFIX or file:///FOLDER; a query has options (region,
// endpoint, use_path_style, profile). Nothing is asked of the bucket yet.
func Open(ctx context.Context, address string) (remote.Bucket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("shared cache %q: %w", address, err)
	}
	if u.Scheme == "file" {
		if u.Host != "" && u.Host != "localhost" || u.Path == "" {
			return nil, fmt.Errorf("shared cache %s: a folder is written with three slashes: file:///mnt/team", address)
		}
		return remote.Folder(u.Path), nil
	}
	o, ok := openers[u.Scheme]
	if !ok {
		return nil, fmt.Errorf("shared cache %s: %q is none of file, s3, gs and azblob", u.Redacted(), u.Scheme)
	}
	if u.Host == "" {
		return nil, fmt.Errorf("shared cache %s: the bucket's name is missing: %s://NAME/PREFIX", u.Redacted(), u.Scheme)
	}
	q := u.Query()
	for _, k := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(o.options, k) {
			return nil, fmt.Errorf("shared cache %s: option %q is none of %s", u.Redacted(), k, strings.Join(o.options, ", "))
		}
	}
	a, err := o.open(ctx, u.Host, q)
	if err != nil {
		return nil, fmt.Errorf("shared cache %s: %w", u.Redacted(), err)
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		prefix += "/"
	}
	return &web{client: newClient(), api: a, prefix: prefix}, nil
}
