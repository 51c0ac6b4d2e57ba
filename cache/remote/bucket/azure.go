package bucket

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"rein/cache/remote"
)

// azure is the interface of Azure's blobs. https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api
type azure struct {
	base    *url.URL // of the container
	account string
	key     []byte                                 // the account's; nil: another way
	sas     url.Values                             // a shared access signature; nil: another way
	token   func() (azcore.TokenCredential, error) // of the identity, where there are neither
}

// azureVersion is of the interface.
const azureVersion = "2021-12-02"

// openAzure takes, in this order, a connection string, an account's key, a shared access signature, or the identity that
// azidentity finds (a service principal of the environment, a workload's or a machine's identity, az login).
func openAzure(_ context.Context, name string, q url.Values) (api, error) {
	set := connection(os.Getenv("AZURE_STORAGE_CONNECTION_STRING"))
	account := cmp.Or(q.Get("storage_account"), set["AccountName"], os.Getenv("AZURE_STORAGE_ACCOUNT"))
	if account == "" {
		return nil, errors.New("the account is missing: set AZURE_STORAGE_ACCOUNT, or write ?storage_account=NAME")
	}
	a := &azure{account: account}
	endpoint := set["BlobEndpoint"]
	if endpoint == "" {
		protocol := cmp.Or(q.Get("protocol"), set["DefaultEndpointsProtocol"], os.Getenv("AZURE_STORAGE_PROTOCOL"), "https")
		domain := cmp.Or(q.Get("domain"), os.Getenv("AZURE_STORAGE_DOMAIN"), "blob."+cmp.Or(set["EndpointSuffix"], "core.windows.net"))
		endpoint = protocol + "://" + account + "." + domain
		if cmp.Or(q.Get("localemu"), os.Getenv("AZURE_STORAGE_IS_LOCAL_EMULATOR")) == "true" {
			endpoint = protocol + "://" + domain + "/" + account
		}
	}
	base, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint %q: %w", endpoint, err)
	}
	a.base = address(base, name)
	key, sas := cmp.Or(set["AccountKey"], os.Getenv("AZURE_STORAGE_KEY")), cmp.Or(set["SharedAccessSignature"], os.Getenv("AZURE_STORAGE_SAS_TOKEN"))
	switch {
	case key != "":
		if a.key, err = base64.StdEncoding.DecodeString(key); err != nil {
			return nil, fmt.Errorf("the account's key is not base64: %w", err)
		}
	case sas != "":
		if a.sas, err = url.ParseQuery(strings.TrimPrefix(sas, "?")); err != nil {
			return nil, errors.New("the shared access signature is not a URL's query")
		}
	default:
		a.token = sync.OnceValues(func() (azcore.TokenCredential, error) { return azidentity.NewDefaultAzureCredential(nil) })
	}
	return a, nil
}

// connection takes a connection string apart.
func connection(text string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		if k, v, ok := strings.Cut(part, "="); ok {
			out[strings.TrimSpace(k)] = v
		}
	}
	return out
}

func (a *azure) request(method, key string) (*http.Request, error) {
	r, err := newRequest(method, address(a.base, key))
	if err == nil && method == http.MethodPut {
		r.Header.Set("X-Ms-Blob-Type", "BlockBlob")
	}
	return r, err
}

func (a *azure) list(prefix, mark string) (*http.Request, error) {
	return listRequest(a.base, url.Values{"restype": {"container"}, "comp": {"list"}, "prefix": {prefix}}, "marker", mark)
}

func (*azure) page(body io.Reader) ([]remote.Item, string, error) { return xmlPage(body) }

func (a *azure) sign(ctx context.Context, r *http.Request, _ []byte) error {
	r.Header.Set("X-Ms-Version", azureVersion)
	r.Header.Set("X-Ms-Date", time.Now().UTC().Format(http.TimeFormat))
	switch {
	case a.key != nil:
		h := hmac.New(sha256.New, a.key)
		io.WriteString(h, a.canonical(r))
		r.Header.Set("Authorization", "SharedKey "+a.account+":"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	case a.sas != nil:
		q := r.URL.Query()
		for k, v := range a.sas {
			q[k] = v
		}
		r.URL.RawQuery = q.Encode()
	default:
		who, err := a.token()
		if err != nil {
			return err
		}
		t, err := who.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+t.Token)
	}
	return nil
}

// canonical is the text that an account's key signs.
// https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
func (a *azure) canonical(r *http.Request) string {
	length := ""
	if r.ContentLength > 0 {
		length = strconv.FormatInt(r.ContentLength, 10)
	}
	lines := []string{r.Method, "", "", length, "", r.Header.Get("Content-Type"), "", "", "", "", "", ""}
	var own []string
	for k := range r.Header {
		if name := strings.ToLower(k); strings.HasPrefix(name, "x-ms-") {
			own = append(own, name+":"+r.Header.Get(k))
		}
	}
	slices.Sort(own)
	lines = append(append(lines, own...), "/"+a.account+r.URL.EscapedPath())
	q := r.URL.Query()
	var params []string
	for k := range q {
		params = append(params, strings.ToLower(k)+":"+strings.Join(q[k], ","))
	}
	slices.Sort(params)
	return strings.Join(append(lines, params...), "\n")
}
