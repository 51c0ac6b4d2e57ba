package engine

import (
	"os"
	"path/filepath"
	"testing"
)

// A name is found in either spelling of its accents, by itself and by a pattern.
func TestNamesAreFoundInEitherSpelling(t *testing.T) {
	dir := t.TempDir()
	const composed, decomposed = "caf\u00e9", "cafe\u0301"
	at := filepath.Join(dir, decomposed, decomposed+".txt")
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Path{
		{Kind: PathFile, Abs: filepath.Join(dir, composed, composed+".txt")},
		{Kind: PathGlob, Abs: filepath.Join(dir, composed, "*.txt")},
		{Kind: PathGlob, Abs: filepath.Join(dir, "**", composed+".*")},
	} {
		found, err := find(p, filepath.Join(dir, ".rein"))
		if err != nil || len(found) != 1 {
			t.Errorf("%s: %v, %v", p.Abs, found, err)
			continue
		}
		if _, err := os.Stat(found[0].path); err != nil || filepath.Base(found[0].name) != composed+".txt" {
			t.Errorf("%s: %+v, %v", p.Abs, found[0], err)
		}
	}
}
