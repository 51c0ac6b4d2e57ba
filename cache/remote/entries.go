package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"

	"rein/cache"
)

// object is what stands for an entry in the bucket. Small outputs are in it: most results then are one request, not three.
type object struct {
	cache.Entry
	Inline map[string][]byte `json:"inline,omitempty"` // content by port
}

// mostInline is how long an output may be that is in its entry's object, mostInlined how long all of them.
const (
	mostInline  = 16 << 10
	mostInlined = 256 << 10
)

// room tells whether an output still goes into the object.
func (o *object) room(b cache.Blob) bool {
	n := b.Size
	for _, text := range o.Inline {
		n += int64(len(text))
	}
	return !b.Dir && b.Size <= mostInline && n <= mostInlined
}

// inline puts an output's content into the object.
func (r *Remote) inline(ctx context.Context, o *object, port string, b cache.Blob) error {
	path, err := r.store.Path(ctx, b)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if cache.Sum(text) != b.Digest {
		return errChanged
	}
	if o.Inline == nil {
		o.Inline = map[string][]byte{}
	}
	o.Inline[port] = text
	return nil
}

// readEntry reads an object that holds an action's entry. The signature isn't checked.
func readEntry(text []byte, action cache.Digest) (*object, error) {
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, err
	}
	if o.Action != action || cache.Sum([]byte(o.Key)) != action {
		return nil, errors.New("its key isn't the action's")
	}
	return &o, nil
}

// sealed puts a checksum before an entry's text: its metrics have no digest of their own.
func sealed(text []byte) []byte { return append([]byte(cache.Sum(text).String()+"\n"), text...) }

// unseal returns the text that was sealed, or false if it isn't that.
func unseal(b []byte) ([]byte, bool) {
	sum, text, ok := bytes.Cut(b, []byte("\n"))
	return text, ok && string(sum) == cache.Sum(text).String()
}
