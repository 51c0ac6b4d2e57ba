package cache

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What Put writes of a step without curves or notes is read without package json, and to the same entry.
func TestReadTextOfWhatIsWritten(t *testing.T) {
	reader := &entryReader{}
	rapid.Check(t, func(rt *rapid.T) {
		e := drawEntry(rt)
		text, err := json.Marshal(e)
		if err != nil {
			rt.Fatal(err)
		}
		var got, keyless Entry
		if !reader.read(&got, text) || !(&entryReader{keyless: true}).read(&keyless, text) {
			rt.Fatalf("not read: %s", text)
		}
		sameEntry(rt, text, got)
		keyless.Key = e.Key
		sameEntry(rt, text, keyless)
	})
}

func drawEntry(rt *rapid.T) *Entry {
	text := rapid.OneOf(rapid.StringMatching(`[ -~]{0,9}`), rapid.SampledFrom([]string{"", "a\nb \"q\" \\ <&> \t\r", "ü\u2028\x01", "config a \"\\n\"\n"}))
	digest := rapid.Custom(func(t *rapid.T) Digest { return Sum([]byte(text.Draw(t, "of"))) })
	blob := rapid.Custom(func(t *rapid.T) Blob {
		return Blob{digest.Draw(t, "digest"), rapid.Int64().Draw(t, "size"), rapid.Bool().Draw(t, "dir"), rapid.Bool().Draw(t, "exec")}
	})
	return &Entry{Action: digest.Draw(rt, "action"), Type: text.Draw(rt, "type"), Version: rapid.Int().Draw(rt, "version"), Pipeline: text.Draw(rt, "pipeline"),
		Step: text.Draw(rt, "step"), Key: text.Draw(rt, "key"), Outputs: rapid.MapOf(text, blob).Draw(rt, "outputs"),
		Result: Result{Metrics: rapid.MapOf(text, rapid.Float64Range(-1e300, 1e300)).Draw(rt, "metrics"), RunMS: rapid.Int64().Draw(rt, "ms"),
			PeakRSS: rapid.Int64().Draw(rt, "rss"), Made: time.Unix(rapid.Int64Range(0, 1<<33).Draw(rt, "s"), rapid.Int64Range(0, 999999999).Draw(rt, "ns")).UTC(),
			Host: text.Draw(rt, "host"), Device: text.Draw(rt, "device")}}
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// sameEntry compares an entry with what package json reads.
func sameEntry(t failer, text []byte, got Entry) {
	t.Helper()
	var want Entry
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatalf("%s: read, and package json says %v", text, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: read as %+v, want %+v", text, got, want)
	}
}

// Whatever the text is: it is read as package json reads it, or not at all.
func FuzzReadText(f *testing.F) {
	for _, text := range []string{
		`{"action":"` + Sum(nil).String() + `","type":"exec","version":1,"pipeline":"p","step":"s","key":"a\nb\u003c","outputs":{"o":{"digest":"` + Sum(nil).String() + `","size":3,"exec":true}},"result":{"metrics":{"a":1e-7,"b":2},"run_ms":5,"made":"2026-11-30T01:02:03.5Z","host":"h"}}`,
		`{"outputs":{"o":{"size":1},"o":{"dir":true}}}`, `{"outputs":{"o":{"size":01}}}`, `{"result":{"made":"2026-11-30T1:02:03Z"}}`, `{"type":"a","type":"b"}`, `{"step":"\ud800"}`,
		`{"Type":"x"}`, `{"type":null}`, `{"result":{"metrics":{"a":1e999}}}`, `{"result":{"metrics":{"a":+1}}}`, `{} `, `{"outputs":{}}`, `{"outputs":null}`, "{\"key\":\"\x01\"}", `{"version":-0}`, `{"a":1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got Entry
		if new(entryReader).read(&got, text) {
			sameEntry(t, text, got)
		}
	})
}
