package remote

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rein/cache"
)

func newKey(t *testing.T, first byte) ed25519.PrivateKey {
	t.Helper()
	return ed25519.NewKeyFromSeed(append([]byte{first}, make([]byte, ed25519.SeedSize-1)...))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// With keys to trust, an entry is used only if one of them signed it as it is; a prune leaves what others trust.
func TestOnlySignedEntriesAreTrusted(t *testing.T) {
	ours, theirs := newKey(t, 1), newKey(t, 2)
	for name, c := range map[string]struct {
		sign    ed25519.PrivateKey
		spoil   func(string) string
		refused string
	}{
		"ours":                     {sign: ours},
		"unsigned":                 {refused: "isn't signed"},
		"theirs":                   {sign: theirs, refused: "doesn't trust"},
		"another text":             {sign: ours, spoil: func(s string) string { return strings.Replace(s, `"type":"t"`, `"type":"u"`, 1) }, refused: "checksum"},
		"another text and its sum": {sign: ours, spoil: reseal, refused: "doesn't trust"},
		"no base64":                {sign: ours, spoil: func(s string) string { return strings.Replace(s, " ", " !", 1) }, refused: "can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			s, e := made(t)
			b, dir := bucket(t)
			if err := mustNew(t, s, b, Options{Sign: c.sign}).Send(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if c.spoil != nil {
				path := filepath.Join(dir, filepath.FromSlash(entryName(e.Action)))
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(c.spoil(string(text))), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			r := mustNew(t, empty(t), b, Options{Trust: []ed25519.PublicKey{public(ours)}})
			_, err := r.Fetch(t.Context(), e.Action)
			var miss *cache.Miss
			if c.refused == "" && err != nil || c.refused != "" && (!errors.As(err, &miss) || !strings.Contains(miss.Reason, c.refused)) {
				t.Errorf("%v, want %q", err, c.refused)
			}
			p, err := r.PlanPrune(t.Context(), Rules{}, time.Now())
			if damaged := c.refused == "checksum"; err != nil || len(p.Entries) > 0 != damaged {
				t.Errorf("a prune would remove %+v, %v", p.Entries, err)
			}
		})
	}
}

// reseal changes an entry and makes its checksum right again.
func reseal(s string) string {
	head, text, _ := strings.Cut(s, "\n")
	_, signature, _ := strings.Cut(head, " ")
	text = strings.Replace(text, `"type":"t"`, `"type":"u"`, 1)
	return cache.Sum([]byte(text)).String() + " " + signature + "\n" + text
}

// A secret that is derived is the key's and the purpose's.
func TestDerivedSecrets(t *testing.T) {
	b, _ := bucket(t)
	derive := func(k ed25519.PrivateKey, purpose string) string {
		return string(mustNew(t, empty(t), b, Options{Sign: k}).Derive(purpose))
	}
	one := derive(newKey(t, 1), "a")
	if len(one) < 32 || one == derive(newKey(t, 2), "a") || one == derive(newKey(t, 1), "b") || one != derive(newKey(t, 1), "a") {
		t.Error("it isn't the key's and the purpose's")
	}
	if mustNew(t, empty(t), b, Options{}).Derive("a") != nil {
		t.Error("there is a secret without a key")
	}
}
