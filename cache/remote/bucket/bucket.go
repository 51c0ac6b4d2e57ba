// Package bucket opens the places where results can be shared, by URL. Credentials come from each maker's usual chain.
package bucket

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/fileblob"  // file://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://
)

// Open opens s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, azblob://CONTAINER/PREFIX or file:///FOLDER; a query goes to the
// driver (region, endpoint, use_path_style, profile). Nothing is asked of the bucket yet.
func Open(ctx context.Context, place string) (*blob.Bucket, error) {
	u, err := url.Parse(place)
	if err != nil {
		return nil, fmt.Errorf("shared cache %q: %w", place, err)
	}
	q := u.Query()
	if u.Scheme == "s3" && !q.Has("response_checksum_validation") {
		q.Set("response_checksum_validation", "when_required") // what comes is proven by its digest, and the driver would print
	}
	if u.Scheme == "file" {
		q.Set("create_dir", "true")
		q.Set("no_tmp_dir", "true") // beside its place: a move between file systems isn't one step
		q.Set("metadata", "skip")
	} else if prefix := strings.Trim(u.Path, "/"); prefix != "" {
		q.Set("prefix", prefix+"/")
		u.Path = ""
	}
	u.RawQuery = q.Encode()
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("shared cache %s: %w", u.Redacted(), err)
	}
	return b, nil
}
