package train

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// A checkpoint of which one byte is another, or a part is missing or never came to the disk, is no checkpoint: weights that nobody has trained
// would be taken for a result.
func TestDamagedCheckpointIsNone(t *testing.T) {
	dir := t.TempDir()
	weights := func(v float32) [][]float32 { return [][]float32{slices.Repeat([]float32{v, 2 * v}, 1000)} }
	p := &progress{Epoch: 3, Weights: weights(0.37), Moments: weights(0.1), Step: 9, Best: weights(0.3), BestAt: 2, BestIs: 0.5,
		Curves: []point{{"loss", 1, 0.25}}, Seconds: 1.5}
	if err := p.save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := resume(dir)
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Fatalf("%v, %v, want %v", got, err, p)
	}
	path := filepath.Join(dir, "progress")
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	is := func(what string, text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := resume(dir); got != nil || err == nil {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	for at := 0; at < len(sound); at += 101 {
		b := bytes.Clone(sound)
		b[at] ^= 1
		is("a flipped bit", b)
		is("cut", sound[:at])
		b = bytes.Clone(sound)
		clear(b[at:min(at+512, len(b))])
		is("a part that never came to the disk", b)
	}
}
