package bucket

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"

	"rein/cache/remote"
)

// s3 is Amazon's interface, which MinIO, Ceph, Cloudflare R2 and others have too.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
type s3 struct {
	base        *url.URL // of the bucket
	region      string
	credentials aws.CredentialsProvider // nil: anonymous
	signer      *v4.Signer
	encryption  http.Header // of what is written
}

func openS3(ctx context.Context, name string, q url.Values) (api, error) {
	var options []func(*config.LoadOptions) error
	if r := q.Get("region"); r != "" {
		options = append(options, config.WithRegion(r))
	}
	if p := q.Get("profile"); p != "" {
		options = append(options, config.WithSharedConfigProfile(p))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, err
	}
	endpoint := q.Get("endpoint")
	if endpoint == "" {
		endpoint = os.Getenv("AWS_ENDPOINT_URL_S3")
	}
	if endpoint == "" {
		endpoint = aws.ToString(c.BaseEndpoint)
	}
	if c.Region == "" && endpoint == "" {
		return nil, errors.New("the region is missing: write ?region=eu-central-1, set AWS_REGION, or name one in ~/.aws/config")
	}
	a := &s3{region: c.Region, credentials: c.Credentials, encryption: http.Header{}}
	if a.region == "" {
		a.region = "us-east-1" // servers of others don't care
	}
	if q.Get("anonymous") == "true" {
		a.credentials = nil
	}
	for option, header := range map[string]string{"ssetype": "X-Amz-Server-Side-Encryption", "kmskeyid": "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"} {
		if v := q.Get(option); v != "" {
			a.encryption.Set(header, v)
		}
	}
	a.signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // the path is escaped already
	a.base, err = s3Base(name, a.region, endpoint, q.Get("use_path_style") == "true")
	return a, err
}

// s3Base is the URL of a bucket: its name is part of the host, or of the path where that is asked for or the name has a dot, which no
// certificate covers.
func s3Base(name, region, endpoint string, pathStyle bool) (*url.URL, error) {
	if endpoint == "" {
		endpoint = "https://s3." + region + ".amazonaws.com"
		if strings.HasPrefix(region, "cn-") {
			endpoint += ".cn"
		}
	} else if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint %q: %w", endpoint, err)
	}
	if pathStyle || strings.Contains(name, ".") {
		return address(u, name), nil
	}
	u.Host = name + "." + u.Host
	return u, nil
}

func (a *s3) request(method, key string) (*http.Request, error) {
	r, err := newRequest(method, address(a.base, key))
	if err == nil && method == http.MethodPut {
		for k := range a.encryption {
			r.Header.Set(k, a.encryption.Get(k))
		}
	}
	return r, err
}

func (a *s3) list(prefix, mark string) (*http.Request, error) {
	u := *a.base
	u.Path = cmp.Or(u.Path, "/")
	return listRequest(&u, url.Values{"list-type": {"2"}, "prefix": {prefix}}, "continuation-token", mark)
}

func (*s3) page(body io.Reader) ([]remote.Item, string, error) { return xmlPage(body) }

func (a *s3) sign(ctx context.Context, r *http.Request, content []byte) error {
	if a.credentials == nil {
		return nil
	}
	who, err := a.credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", digest) // the server checks it
	return a.signer.SignHTTP(ctx, who, r, digest, "s3", a.region, time.Now())
}
