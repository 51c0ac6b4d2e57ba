package courier

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"rein/engine"
)

// Letters between an attempt and its job are encrypted with a key that only these two have, because an order holds sensitive values and a
// node executes what it says. The job gets the key together with the attempt's name, not through the bucket.

// address is an attempt's name with its key. A job is started with it.
type address struct {
	try  string
	aead cipher.AEAD
}

// parseAddress reads TRY.KEY.
func parseAddress(s string) (a address, err error) {
	try, key, ok := strings.Cut(s, ".")
	if !ok || !filepath.IsLocal(try) || strings.ContainsAny(try, `/\`) || len(key) < 26 {
		return a, errors.New("a work order's name is TRY.KEY, as the run that sends it gives it")
	}
	block, err := aes.NewCipher([]byte(fmt.Sprintf("%-32.32s", key)))
	if err != nil {
		return a, err
	}
	a.try = try
	a.aead, err = cipher.NewGCMWithRandomNonce(block)
	return a, err
}

// checkpointKey is the key that encrypts the place of a step's checkpoint. It is derived from the key that signs results or, without one,
// from a secret of this state folder. So a node continues only from a checkpoint that somebody with this secret made.
func (c *Courier) checkpointKey(name string) (string, error) {
	purpose := "rein checkpoint 1\n" + name
	key := c.Remote.Derive(purpose)
	if key == nil {
		salt, err := c.Store.Salt()
		if err != nil {
			return "", err
		}
		h := hmac.New(sha256.New, salt)
		_, _ = io.WriteString(h, purpose) // a hash doesn't fail
		key = h.Sum(nil)
	}
	return hex.EncodeToString(key), nil
}

// encrypt encrypts a letter. Its name is authenticated with it.
func (a address) encrypt(name string, text []byte) []byte {
	return a.aead.Seal(nil, nil, text, []byte(name))
}

// decrypt decrypts a letter if it belongs to this attempt and has that name.
func (a address) decrypt(name string, letter []byte) ([]byte, error) {
	text, err := a.aead.Open(nil, nil, letter, []byte(name))
	if err != nil {
		return nil, fmt.Errorf("the letter %s in the shared cache is not proven to be ours: somebody else wrote it", name)
	}
	return text, nil
}

// addressOf is a job's address. It is kept in the job's folder for a later run that finds the job.
func addressOf(j *engine.Job) (address, string, error) {
	path := filepath.Join(j.Folder(), "address")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		text = []byte(j.Try + "." + rand.Text() + rand.Text())
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return address{}, "", err
	}
	a, err := parseAddress(string(text))
	return a, string(text), err
}
