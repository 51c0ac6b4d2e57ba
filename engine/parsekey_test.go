package engine

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/cache"
)

// What ParseKey takes apart is the key to the letter, whatever names and values it holds.
func TestParseKeyReadsWhatKeysAreMadeOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "config"))
		if err != nil {
			t.Fatal(err)
		}
		facts, err := keyFacts(Description{Type: rapid.String().Draw(t, "type"), Version: 3, Config: config,
			Fingerprints: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "fingerprints")})
		if err != nil {
			t.Fatal(err)
		}
		port, name := rapid.String().Draw(t, "port"), rapid.String().Draw(t, "name")
		key, _ := keyOf(facts, []string{inputLine(port, 0, cache.Blob{Digest: cache.Sum([]byte("x")), Size: 12}, name)})
		var lines []string
		var last Fact
		for f := range ParseKey(key) {
			lines, last = append(lines, f.String()), f
		}
		if got := strings.Join(lines, "\n") + "\n"; got != key {
			t.Fatalf("%q, want %q", got, key)
		}
		if in := last.input(); in.port != label(port) || in.name != name || in.size != "12" {
			t.Fatalf("%+v of port %q and file %q", in, port, name)
		}
	})
}
