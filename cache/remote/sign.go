package remote

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"rein/cache"
)

// An entry says what a step's outputs are. Their content is proven by its digest; that the entry is true can only be believed of
// who wrote it. With keys to trust, only entries that one of them has signed are.

// signedAs is what a signature is of: nothing else that the key may sign begins like this.
const signedAs = "rein entry 1\n"

// PublicKey reads a key to trust, as `rein cache key` prints it.
func PublicKey(text string) (ed25519.PublicKey, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("is no ed25519 public key of %d bytes in base64", ed25519.PublicKeySize)
	}
	return b, nil
}

// PrivateKey reads a key to sign with.
func PrivateKey(text string) (ed25519.PrivateKey, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != ed25519.SeedSize {
		return nil, fmt.Errorf("is no ed25519 private key of %d bytes in base64", ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(b), nil
}

// sealEntry puts a checksum before an entry's text, and a signature if there is a key.
func (r *Remote) sealEntry(text []byte) []byte {
	if r.o.Sign == nil {
		return sealed(text)
	}
	signature := ed25519.Sign(r.o.Sign, append([]byte(signedAs), text...))
	return append([]byte(cache.Sum(text).String()+" "+base64.StdEncoding.EncodeToString(signature)+"\n"), text...)
}

// unsealEntry returns an entry's text, if it is whole, and the signature of it.
func unsealEntry(b []byte) (text, signature []byte, err error) {
	head, text, _ := bytes.Cut(b, []byte("\n"))
	sum, signature, _ := bytes.Cut(head, []byte(" "))
	if string(sum) != cache.Sum(text).String() {
		return nil, nil, errors.New("its checksum is wrong")
	}
	return text, signature, nil
}

// believe tells why an entry's text may not be believed.
func (r *Remote) believe(text, signed []byte) error {
	if len(r.o.Trust) == 0 {
		return nil
	}
	if len(signed) == 0 {
		return errors.New("it isn't signed, and this project trusts only signed results")
	}
	signature, err := base64.StdEncoding.DecodeString(string(signed))
	if err != nil {
		return errors.New("its signature can't be read")
	}
	for _, key := range r.o.Trust {
		if ed25519.Verify(key, append([]byte(signedAs), text...), signature) {
			return nil
		}
	}
	return errors.New("it is signed with a key that this project doesn't trust")
}

// Derive makes a secret for a purpose, which only those know who have the key that signs; nil without one.
func (r *Remote) Derive(purpose string) []byte {
	if r.o.Sign == nil {
		return nil
	}
	h := hmac.New(sha256.New, r.o.Sign.Seed())
	_, _ = io.WriteString(h, purpose) // a hash doesn't fail
	return h.Sum(nil)
}
